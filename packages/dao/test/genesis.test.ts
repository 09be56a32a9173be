import { nodeIdOfKeys } from '@x0t/keys'
import t from 'tap'
import {
  createGenesis,
  createReplay,
  defaultRules,
  memberKeysOf,
  signRecord,
  type Constitution,
  type MemberEntry,
} from '@x0t/dao'
import { entryOf, startMs, testMember } from './support/test-dao.ts'

const [a, b] = [testMember(1), testMember(2)]
const constitution: Constitution = {
  name: 'Test',
  symbol: 'T',
  tokenDecimals: 0,
  registrars: [a.id],
  registrarsNeeded: 1,
  witnesses: 'members',
  guardians: [],
  rules: defaultRules,
  votingMs: 1,
  graceMs: 1,
  timelockMs: 1,
  expiresMs: 1,
  maxOpenProposals: 1,
}
const members = [entryOf(a, '1'), entryOf(b, '1')]
const head = {
  dao: null,
  author: a.id,
  lane: 'member',
  seq: 0,
  prev: null,
  atMs: startMs,
} as const

t.test('a founding that contradicts itself is refused', (t) => {
  const refused = (change: Partial<Constitution>, list: readonly MemberEntry[] = members) =>
    t.throws(() => createGenesis({ ...constitution, ...change }, list), { code: 'DAO_GENESIS_INVALID' })
  refused({ registrars: [testMember(9).id] })
  refused({ guardians: [testMember(9).id] })
  refused({ witnesses: [testMember(9).id] })
  refused({ registrarsNeeded: 2 })
  refused({}, [members[0]!, members[0]!])
  refused({}, [members[0]!, { ...members[1]!, id: testMember(9).id }])
  const half = { ...memberKeysOf(b.identity), ed25519: a.identity.ed25519.publicRaw }
  refused({}, [members[0]!, { ...members[1]!, keys: half, id: nodeIdOfKeys(half.ed25519, half.mldsa65) }])
  t.end()
})

t.test('a genesis holds if a founding member signed it', (t) => {
  const { body } = createGenesis(constitution, members.toReversed())
  t.ok(createReplay(signRecord(a.identity, head, 'genesis', body)))
  const refused = { code: 'DAO_GENESIS_INVALID' }
  t.throws(() => createReplay(signRecord(b.identity, head, 'genesis', body)), refused, 'signed by another')
  const stranger = testMember(9)
  const foreign = signRecord(stranger.identity, { ...head, author: stranger.id }, 'genesis', body)
  t.throws(() => createReplay(foreign), refused, 'signed by no member')
  const genesis = signRecord(a.identity, head, 'genesis', body)
  const veto = { proposal: genesis.id, reason: '' }
  t.throws(
    () => createReplay(signRecord(a.identity, { ...head, dao: genesis.id }, 'veto', veto)),
    refused,
    'another kind',
  )
  t.end()
})

t.test('a genesis without rules that hold is no record', (t) => {
  const { body } = createGenesis(constitution, members)
  for (const change of [
    { rules: { ...defaultRules, support: null } },
    { rules: { ...defaultRules, method: 'quadratic' } },
    { tokenDecimals: 37 },
    { registrars: [] },
    { name: '' },
    { extra: 1 },
  ]) {
    const broken = { ...body, constitution: { ...body.constitution, ...change } } as never
    t.throws(() => signRecord(a.identity, head, 'genesis', broken), { code: 'DAO_RECORD_MALFORMED' })
  }
  for (const balance of ['-1', '1.5', '01', '1e3', (2n ** 256n).toString(), '', 7]) {
    const broken = { ...body, members: [{ ...body.members[0]!, balance }, body.members[1]!] } as never
    t.throws(() => signRecord(a.identity, head, 'genesis', broken), { code: 'DAO_RECORD_MALFORMED' })
  }
  const largest = { ...body.members[0]!, balance: (2n ** 256n - 1n).toString() }
  t.ok(signRecord(a.identity, head, 'genesis', { ...body, members: [largest, body.members[1]!] }))
  t.end()
})
