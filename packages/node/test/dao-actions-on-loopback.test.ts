import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cutArtifact, digestOf, type Action, type SignedRecord } from '@x0t/dao'
import { createIdentity, signFile } from '@x0t/keys'
import { listArtifacts } from '../src/dao/execution/artifact-store.ts'
import { homeAt } from '../src/home.ts'
import { DaoHome } from './dao-home.ts'
import { createLoopbackNet, until } from './loopback-nodes.ts'

t.setTimeout(300_000)
const longMs = 120_000

t.test('two nodes carry out what they decided: keys, a published file, settings, a ban', async (t) => {
  await using net = createLoopbackNet()
  const [a, b, c] = [net.node('a'), net.node('b'), net.node('c')]
  await a.init()
  await a.start()
  for (const node of [b, c]) {
    await node.join((await a.client.invite({ name: node.name, addresses: [a.address] })).token)
    await node.start()
  }
  await using homeA = await DaoHome.open(a.home)
  await using homeB = await DaoHome.open(b.home)
  const genesis = await homeA.found([homeA.identity, homeB.identity])
  await homeB.store.put(genesis)
  await until(
    'both have found each other',
    async () => {
      await b.client.daoSync()
      return (await a.client.daoSync()).dao?.replication.neighbours.length === 1
    },
    longMs,
  )

  const maker = createIdentity(new Uint8Array(32).fill(5))
  const model = new Uint8Array(70_000).fill(9)
  const path = join(net.folder, 'model.bin')
  writeFileSync(path, model)
  const signature = Buffer.from(await signFile(maker, path, 'model'))
  for (const body of [...cutArtifact(model), ...cutArtifact(signature)])
    await homeA.sign({ kind: 'artifact', lane: `artifact:${body.digest}`, body }, genesis.id)
  const actions: readonly Action[] = [
    { type: 'rotate_keys', node: 'all' },
    {
      type: 'publish_artifact',
      artifact: 'model',
      name: 'model.bin',
      digest: digestOf(model),
      sizeBytes: model.length,
      signer: maker.nodeId,
      signatureDigest: digestOf(signature),
    },
    { type: 'update_config', key: 'session.renew_seconds', value: '60' },
    { type: 'ban_node', node: (await c.client.status()).id, reason: 'a test' },
  ]
  const proposal = await homeA.propose('much at once', 8000, actions)
  const vote = async (home: DaoHome, of: SignedRecord): Promise<void> => {
    await until('the proposal is here', () => home.store.has(of.id), longMs)
    await home.vote(of, 0)
  }
  const { actions: planned } = await a.client.daoExecute({ proposal: proposal.id, dryRun: true })
  t.match(planned, [
    { stage: 'not-passed', to: /new keys/ },
    { from: 'not here' },
    { from: '120', to: '60', takesEffect: 'live' },
    { from: 'not banned', to: 'banned' },
  ])
  await vote(homeA, proposal)
  await vote(homeB, proposal)
  const reports = await until(
    'both have reported all of it',
    async () => {
      const { executions } = (await homeA.state()).proposals.get(proposal.id)!
      return executions.length === 2 * actions.length && executions
    },
    longMs,
  )
  t.same(
    reports.filter(({ body }) => body.outcome !== 'executed').map(({ body }) => body.detail),
    [],
  )
  t.match(
    reports.filter(({ body }) => body.action === 0).map(({ body }) => body.detail),
    [/keys were replaced; the new ones are in use/, /keys were replaced; the new ones are in use/],
  )
  for (const node of [a, b]) {
    const { artifacts } = await listArtifacts(homeAt(node.home).artifactsDirectory)
    t.same(new Uint8Array(readFileSync(artifacts[0]!.path)), model)
    t.match(
      (await node.client.config()).settings.find(({ name }) => name === 'session.renew_seconds'),
      { value: 60, source: 'vote', at: proposal.id },
    )
    t.match((await node.client.bans()).bans, [{ reason: `vote ${proposal.id}: a test` }])
  }
})
