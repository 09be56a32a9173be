import t from 'tap'
import {
  checkAction,
  checkActions,
  maxArtifactBytes,
  policyBounds,
  subjectOf,
  votableSettings,
  votableValue,
  votableWords,
  type Action,
} from '@x0t/dao'
import { policyNumbers } from '@x0t/mape-k'
import { nodeOf } from './support/sample-proposal.ts'

const node = nodeOf(4)
const digest = 'a'.repeat(64)
const published: Action = {
  type: 'publish_artifact',
  artifact: 'program',
  name: 'flow.o',
  digest,
  sizeBytes: 100,
  signer: node,
  signatureDigest: digest,
}
const good: readonly Action[] = [
  { type: 'update_threshold', key: 'thresholds.loss_percent', value: '3' },
  { type: 'update_threshold', key: 'thresholds.latency_ms', value: '80.5' },
  { type: 'update_policy', diagnosis: 'link-dead', actions: ['reroute', 'redial'] },
  { type: 'update_policy', diagnosis: 'overload', actions: [] },
  { type: 'update_policy', diagnosis: 'path-eaten', actions: ['quarantine-neighbour'] },
  { type: 'update_config', key: 'probe.misses', value: '5' },
  { type: 'update_config', key: 'probe.interval_ms', value: 'auto' },
  { type: 'update_config', key: 'identity.svid_ttl', value: '7d' },
  { type: 'ban_node', node, reason: 'it lies' },
  { type: 'readmit_node', node },
  { type: 'rotate_keys', node: 'all' },
  { type: 'rotate_keys', node },
  published,
]

t.test('actions within their bounds hold', async (t) => {
  for (const action of good) t.doesNotThrow(() => checkAction(action), action.type)
})

const bad: readonly (readonly [code: string, what: string, action: unknown])[] = [
  ['DAO_ACTION_INVALID', 'no type', { type: 'format_disk' }],
  ['DAO_ACTION_INVALID', 'no type at all', {}],
  ['DAO_ACTION_NOT_ALLOWED', 'no such number', { ...good[0], key: 'thresholds.luck' }],
  ['DAO_ACTION_NOT_ALLOWED', 'a name of Object', { ...good[0], key: 'constructor' }],
  ['DAO_ACTION_INVALID', 'negative', { ...good[0], value: '-3' }],
  ['DAO_ACTION_INVALID', 'an exponent', { ...good[0], value: '1e1' }],
  ['DAO_ACTION_INVALID', 'hexadecimal', { ...good[0], value: '0x3' }],
  ['DAO_ACTION_INVALID', 'empty', { ...good[0], value: '' }],
  ['DAO_ACTION_INVALID', 'a leading zero', { ...good[0], value: '03' }],
  ['DAO_ACTION_INVALID', 'a number, not text', { ...good[0], value: 3 }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'zero', { ...good[0], value: '0' }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'too high', { ...good[0], value: '51' }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'no redial', { ...good[0], key: 'actions.redial.per_minute', value: '0' }],
  ['DAO_ACTION_NOT_ALLOWED', 'no diagnosis', { ...good[2], diagnosis: 'sadness' }],
  ['DAO_ACTION_NOT_ALLOWED', 'no action of the loop', { ...good[2], actions: ['pray'] }],
  ['DAO_ACTION_INVALID', 'doubles', { ...good[2], actions: ['redial', 'redial'] }],
  ['DAO_ACTION_INVALID', 'no list', { ...good[2], actions: 'redial' }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'a dead link is not redialled', { ...good[2], actions: ['reroute'] }],
  [
    'DAO_ACTION_OUT_OF_BOUNDS',
    'no certificate',
    { ...good[2], diagnosis: 'certificate-expired', actions: [] },
  ],
  [
    'DAO_ACTION_OUT_OF_BOUNDS',
    'kept out lightly',
    { ...good[2], diagnosis: 'flap', actions: ['quarantine-neighbour'] },
  ],
  ['DAO_ACTION_NOT_ALLOWED', 'a file of a machine', { ...good[5], key: 'healing.policy_file' }],
  ['DAO_ACTION_NOT_ALLOWED', 'an address', { ...good[5], key: 'network.listen' }],
  ['DAO_ACTION_NOT_ALLOWED', 'prototype', { ...good[5], key: '__proto__' }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'the file allows 50', { ...good[5], value: '50' }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'no number', { ...good[5], value: 'many' }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'a minute', { ...good[5], key: 'identity.svid_ttl', value: '1m' }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'must start', { ...good[5], key: 'fast_path.mode', value: 'on' }],
  ['DAO_ACTION_INVALID', 'not text', { ...good[5], value: 5 }],
  ['DAO_ACTION_INVALID', 'no id', { type: 'ban_node', node: 'alice', reason: '' }],
  ['DAO_ACTION_INVALID', 'a long reason', { type: 'ban_node', node, reason: 'x'.repeat(201) }],
  ['DAO_ACTION_INVALID', 'nobody', { type: 'readmit_node' }],
  ['DAO_ACTION_INVALID', 'everybody', { type: 'rotate_keys', node: 'everybody' }],
  ['DAO_ACTION_INVALID', 'neither model nor program', { ...published, artifact: 'script' }],
  ['DAO_ACTION_INVALID', 'a path', { ...published, name: '../../etc/passwd' }],
  ['DAO_ACTION_INVALID', 'a hidden name', { ...published, name: '.profile' }],
  ['DAO_ACTION_INVALID', 'a digest of another kind', { ...published, digest: 'a'.repeat(128) }],
  ['DAO_ACTION_INVALID', 'no signature', { ...published, signatureDigest: undefined }],
  ['DAO_ACTION_INVALID', 'nothing', { ...published, sizeBytes: 0 }],
  ['DAO_ACTION_INVALID', 'half a byte', { ...published, sizeBytes: 1.5 }],
  ['DAO_ACTION_OUT_OF_BOUNDS', 'too large', { ...published, sizeBytes: maxArtifactBytes + 1 }],
]
for (const [code, what, action] of bad)
  t.test(`${code}: ${what}`, async (t) => {
    t.throws(() => checkAction(action as Action), { code })
  })

t.test('a proposal with actions asks whether, has few of them, and none twice', async (t) => {
  const whether = { decides: 'support' } as const
  t.doesNotThrow(() => checkActions([], { decides: 'plurality' }))
  t.doesNotThrow(() => checkActions([good[0]!, good[1]!, good[8]!], whether))
  const throwing = (actions: readonly Action[], rules: Parameters<typeof checkActions>[1] = whether) =>
    t.throws(() => checkActions(actions, rules), { code: 'DAO_ACTIONS_CONFLICT' })
  throwing([good[0]!], { decides: 'plurality' })
  throwing([good[0]!, { ...good[0]!, value: '4' } as Action])
  throwing([good[8]!, good[9]!])
  throwing([good[8]!, { type: 'ban_node', node: nodeOf(5), reason: '' }])
  throwing(Array.from({ length: 9 }, (_, at) => ({ ...published, name: `flow${at}` })))
  t.throws(() => checkActions([{ ...good[0]!, value: '-1' } as Action], whether), {
    code: 'DAO_ACTION_INVALID',
  })
})

t.test('a decision about the same thing has the same subject', async (t) => {
  // A ban and its lifting are about one thing.
  t.equal(new Set(good.map(subjectOf)).size, good.length - 1)
  t.equal(subjectOf(good[8]!), subjectOf(good[9]!))
})

t.test('the bounds of a vote lie within those of the policy', async (t) => {
  for (const [key, { from, to }] of Object.entries(policyNumbers)) {
    const bounds = policyBounds(key)!
    t.ok(bounds.from >= from && bounds.to <= to && bounds.from <= bounds.to, key)
  }
  t.equal(policyBounds('thresholds.luck'), undefined)
  t.match(policyBounds('actions.redial.per_minute'), { from: 1, to: 10 })
})

t.test('the value of a setting is read as the file has it, or not at all', async (t) => {
  const { 'probe.misses': misses, 'identity.svid_ttl': ttl, 'fast_path.mode': mode } = votableSettings
  t.equal(votableValue(misses!, '5'), 5)
  for (const text of ['05', '+5', '5.0', '1', '21', '', '999999999999'])
    t.equal(votableValue(misses!, text), undefined, text)
  t.equal(votableValue(ttl!, '90m'), '90m')
  for (const text of ['59m', '31d', '1h30m', '0h', '1y', 'h'])
    t.equal(votableValue(ttl!, text), undefined, text)
  t.equal(votableValue(mode!, 'auto'), 'auto')
  t.match(
    Object.values(votableSettings).map(votableWords).join('; '),
    /auto or a whole number from 10 to 5000/,
  )
  t.match(votableWords(ttl!), /1h to 720h/)
  t.match(votableWords(mode!), /off, auto/)
})
