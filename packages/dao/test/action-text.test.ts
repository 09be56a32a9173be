import t from 'tap'
import { X0tError } from '@x0t/core'
import { signObject } from '@x0t/bpf'
import { actionForms, actionTypes, actionWords, digestOf, joinArtifact, readActionText } from '@x0t/dao'
import { hybridSign } from '@x0t/keys'
import { nodeOf } from './support/sample-proposal.ts'
import { identityNamed } from './support/sample-records.ts'

const maker = identityNamed('maker')
const program = new Uint8Array(70_000).fill(7)
const signature = signObject(
  { object: program },
  {
    keyId: maker.nodeId,
    keys: { ed25519PublicRaw: maker.ed25519.publicRaw, mldsa65PublicRaw: maker.mldsa65.publicRaw },
    sign: (message, context) => hybridSign(maker, message, context),
  },
)
const files: Record<string, Uint8Array> = {
  '/p/Flow.o': program,
  '/p/Flow.o.sig': Buffer.from(signature),
  '/p/large': new Uint8Array(4 * 2 ** 20 + 1),
  '/p/large.sig': Buffer.from(signature),
  '/p/fat': program,
  '/p/fat.sig': new Uint8Array(20_000),
  '/p/other': program.slice(1),
  '/p/other.sig': Buffer.from(signature),
}
const ports = {
  resolveNode(reference: string) {
    if (reference === 'bob') return nodeOf(2)
    throw new X0tError('NODE_NOT_FOUND', `no ${reference}`)
  },
  async readFile(path: string) {
    const found = files[path]
    if (found === undefined) throw new X0tError('FILE_MISSING', path)
    return found
  },
}
const read = async (text: string) => (await readActionText(text, ports)).action

t.test('actions are read as they are written on the command line', async (t) => {
  t.same(await read('update_threshold:thresholds.loss_percent=3'), {
    type: 'update_threshold',
    key: 'thresholds.loss_percent',
    value: '3',
  })
  t.same(await read('update_policy:link-dead= redial , reroute'), {
    type: 'update_policy',
    diagnosis: 'link-dead',
    actions: ['redial', 'reroute'],
  })
  t.same(await read('update_policy:overload='), { type: 'update_policy', diagnosis: 'overload', actions: [] })
  t.same(await read('update_config:probe.misses=5'), {
    type: 'update_config',
    key: 'probe.misses',
    value: '5',
  })
  t.same(await read('ban_node:bob'), { type: 'ban_node', node: nodeOf(2), reason: '' })
  t.same(await read('ban_node:bob=eats a = b'), { type: 'ban_node', node: nodeOf(2), reason: 'eats a = b' })
  t.same(await read('readmit_node:bob'), { type: 'readmit_node', node: nodeOf(2) })
  t.same(await read('rotate_keys:all'), { type: 'rotate_keys', node: 'all' })
  t.same(await read('rotate_keys:bob'), { type: 'rotate_keys', node: nodeOf(2) })
})

t.test('a published file comes with its pieces and those of its signature', async (t) => {
  const { action, pieces } = await readActionText('publish_artifact:program=/p/Flow.o', ports)
  t.match(action, { name: 'flow.o', sizeBytes: 70_000, signer: maker.nodeId, digest: digestOf(program) })
  t.same(
    pieces.map(({ index, of, bytes }) => [index, of, bytes.length]),
    [
      [0, 2, 65_536],
      [1, 2, 70_000 - 65_536],
      [0, 1, signature.length],
    ],
  )
  const records = pieces.map((body) => ({ record: { kind: 'artifact', author: maker.nodeId, body } }))
  t.same(joinArtifact(records as never, digestOf(program)), program)
})

for (const [text, code] of [
  ['', 'DAO_ACTION_INVALID'],
  ['nothing', 'DAO_ACTION_INVALID'],
  ['update_threshold', 'DAO_ACTION_INVALID'],
  ['update_threshold:', 'DAO_ACTION_INVALID'],
  ['update_threshold:thresholds.loss_percent', 'DAO_ACTION_INVALID'],
  ['update_threshold:thresholds.loss_percent=', 'DAO_ACTION_INVALID'],
  ['update_threshold:thresholds.loss_percent=90', 'DAO_ACTION_OUT_OF_BOUNDS'],
  ['update_policy:overload', 'DAO_ACTION_INVALID'],
  ['update_config:node.name=x', 'DAO_ACTION_NOT_ALLOWED'],
  ['ban_node:carol', 'NODE_NOT_FOUND'],
  ['readmit_node:bob=please', 'DAO_ACTION_INVALID'],
  ['rotate_keys:all=now', 'DAO_ACTION_INVALID'],
  ['publish_artifact:script=/p/Flow.o', 'DAO_ACTION_INVALID'],
  ['publish_artifact:program', 'DAO_ACTION_INVALID'],
  ['publish_artifact:program=/p/none', 'FILE_MISSING'],
  ['publish_artifact:program=/p/large', 'DAO_ARTIFACT_TOO_LARGE'],
  ['publish_artifact:program=/p/fat', 'DAO_ARTIFACT_UNSIGNED'],
  ['publish_artifact:program=/p/other', 'DAO_ARTIFACT_UNSIGNED'],
  ['publish_artifact:model=/p/Flow.o', 'DAO_ARTIFACT_UNSIGNED'],
] as const)
  t.test(`${JSON.stringify(text)} is refused with ${code}`, async (t) => {
    await t.rejects(readActionText(text, ports), { code })
  })

t.test('every action has a form and words', async (t) => {
  t.same(Object.keys(actionForms), actionTypes)
  for (const text of [
    'update_threshold:thresholds.loss_percent=3',
    'update_policy:overload=',
    'rotate_keys:all',
  ])
    t.match(actionWords(await read(text)), /3|observe|every node/)
  t.match(actionWords(await read('update_policy:link-dead=redial')), /redial/)
  t.match(actionWords(await read('update_config:probe.misses=5')), /probe.misses to 5/)
  t.match(actionWords(await read('ban_node:bob=lies')), /: lies$/)
  t.match(actionWords(await read('ban_node:bob')), nodeOf(2))
  t.match(actionWords(await read('readmit_node:bob')), /lift/)
  t.match(actionWords(await read('publish_artifact:program=/p/Flow.o')), /flow.o \(70000 bytes/)
})
