// Bad input by chance: whatever bytes or fields come, the answer is a value or an error with a code, never a crash.
import { decode, encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import t from 'tap'
import { hasCode, X0tError } from '@x0t/core'
import {
  createReplay,
  decodeRecord,
  decodeSigned,
  parseChoices,
  parseRecordId,
  parseRules,
  readActionText,
  recordIdOf,
  resultOf,
  tallyOf,
  type SignedRecord,
} from '@x0t/dao'
import { opensMs, smallDao, type SmallDao } from './small-dao.ts'

t.setTimeout(240_000)
const numRuns = 300

/** True if `run` ends well or with a code of this package. */
function isAnswered(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof X0tError && error.code.startsWith('DAO_')) return true
    throw error
  }
}

/** A DAO with a record of most kinds. */
function variedDao(): SmallDao {
  const dao = smallDao({ anna: '9', ben: '16', carl: '25' })
  const proposal = dao.propose('anna')
  dao.vote('ben', proposal, 1)
  dao.sign('carl', 'delegate', { to: dao.id('ben') })
  dao.sign('anna', 'member.balance', { id: dao.id('ben'), change: 1, balance: '17', reason: 'grant' })
  dao.sign('anna', 'member.remove', { id: dao.id('carl'), change: 1, reason: 'left' })
  dao.sign('ben', 'veto', { proposal, reason: 'no' })
  dao.sign('anna', 'cancel', { proposal, reason: 'a mistake' })
  dao.sign('ben', 'execution', { proposal, action: 0, outcome: 'failed', detail: 'why' })
  dao.sign('anna', 'seal', { proposal, step: 'declare', part: 0, of: 1, ballots: [] })
  const value = { round: 0, root: new Uint8Array(32), count: 0, declarations: [], validRound: null }
  for (const step of ['propose', 'prepare', 'commit'] as const)
    dao.sign('ben', 'seal', { proposal, step, ...value })
  return dao
}

type Tree = Record<string, unknown> | unknown[]

/** Puts `value` at a place that `pick` leads to. */
function changed(root: Tree, pick: readonly number[], value: unknown): unknown {
  const copy: Tree = Array.isArray(root) ? [...root] : { ...root }
  const keys = Object.keys(copy)
  if (keys.length === 0) return value
  const key = keys[(pick[0] ?? 0) % keys.length]!
  const at = copy as Record<string, unknown>
  const inner = at[key]
  const isTree = typeof inner === 'object' && inner !== null && !(inner instanceof Uint8Array)
  at[key] = isTree && pick.length > 1 ? changed(inner as Tree, pick.slice(1), value) : value
  return copy
}

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.string(),
  fc.uint8Array({ maxLength: 64 }),
  fc.constantFrom('0', '-1', '1/2', '', 'members', 'single', 'vote', [], {}),
)
const place = fc.array(fc.nat(50), { minLength: 1, maxLength: 6 })

t.test('random bytes are no record', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const read of [decodeRecord, decodeSigned]) {
        try {
          read(bytes)
          return false
        } catch (error) {
          if (!hasCode(error, 'DAO_RECORD_MALFORMED')) throw error
        }
      }
      return true
    }),
    { numRuns },
  )
  t.end()
})

t.test('a record with any field changed is refused, or counts in some state: it breaks none', (t) => {
  const dao = variedDao()
  const before = dao.records.length
  let taken = 0
  fc.assert(
    fc.property(fc.nat(before - 1), place, scalar, (which, pick, value) => {
      const original = dao.records[which]!
      const bytes = new Uint8Array(encode(changed(decode<Tree>(original.bytes), pick, value)))
      let forged: SignedRecord
      try {
        forged = { id: recordIdOf(bytes), record: decodeRecord(bytes), bytes, signature: original.signature }
      } catch (error) {
        return hasCode(error, 'DAO_RECORD_MALFORMED') || hasCode(error, 'DAO_RECORD_TOO_LARGE')
      }
      taken++
      // As if its author had signed it: whatever members sign must not break the others.
      const replay = createReplay(dao.records[0]!, { verify: () => true })
      for (const record of [...dao.records.slice(1), forged]) replay.add(record)
      const state = replay.state()
      for (const view of state.proposals.values()) {
        if (!isAnswered(() => tallyOf(view))) return false
        if (!isAnswered(() => resultOf(state, view.id, opensMs))) return false
      }
      return state.recordCount >= 1
    }),
    { numRuns: 2 * numRuns },
  )
  t.ok(taken > 10, `${taken} changed records were records in form`)
  t.end()
})

t.test('ids, choices and rules of any form are read or refused with a code', (t) => {
  fc.assert(
    fc.property(fc.string(), fc.anything(), (text, value) => {
      const list = Array.isArray(value) ? value : [value]
      return [
        () => parseRecordId(text),
        () => parseChoices(value),
        () => parseChoices(list),
        () => parseRules(value),
      ].every(isAnswered)
    }),
    { numRuns },
  )
  t.end()
})

t.test('actions of any text are read or refused with a code', async () => {
  const ports = {
    resolveNode: () => {
      throw new X0tError('DAO_MEMBER_UNKNOWN', 'nobody')
    },
    readFile: async () => Buffer.from('a file'),
  }
  const types = [
    'update_threshold',
    'update_policy',
    'update_config',
    'ban_node',
    'rotate_keys',
    'publish_artifact',
  ]
  const text = fc.oneof(
    fc.string(),
    fc.tuple(fc.constantFrom(...types), fc.string()).map(([type, rest]) => `${type}:${rest}`),
    fc.tuple(fc.constantFrom(...types), fc.string(), fc.string()).map(([type, a, b]) => `${type}:${a}=${b}`),
  )
  await fc.assert(
    fc.asyncProperty(text, async (action) => {
      try {
        await readActionText(action, ports)
        return true
      } catch (error) {
        if (error instanceof X0tError) return true
        throw error
      }
    }),
    { numRuns },
  )
})
