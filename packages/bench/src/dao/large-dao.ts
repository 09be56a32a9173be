import { randomBytes } from 'node:crypto'
import {
  createGenesis,
  createProposal,
  createReplay,
  decodeSigned,
  defaultRules,
  memberKeysOf,
  signRecord,
  type DaoState,
  type MemberEntry,
  type MemberKeys,
  type RecordBodies,
  type RecordId,
  type RecordKind,
  type SignedRecord,
} from '@x0t/dao'
import { createIdentity, generateMasterSeed, nodeIdOfKeys, type Identity } from '@x0t/keys'
import { decodeBallots } from './ballot-file.ts'
import type { Progress } from './job.ts'
import { memberSeeds, signBallots, type SigningTask } from './signing-pool.ts'

/** A DAO with all its records: genesis, a registrar's admissions, one proposal, a ballot of every member. */
export interface LargeDao {
  readonly proposal: RecordId
  /** Genesis, admissions and the proposal. */
  readonly registry: readonly SignedRecord[]
  readonly ballots: readonly SignedRecord[]
}

export interface LargeDaoOptions {
  readonly members: number
  readonly threads: number
  readonly signal: AbortSignal
  readonly onProgress: Progress
  /** Members besides, who do not vote: nodes that carry the records. */
  readonly nodes?: readonly MemberKeys[]
}

/** Makes a DAO of so many members with real keys and signatures, about 2 ms of a processor each. */
export async function makeLargeDao(options: LargeDaoOptions): Promise<LargeDao> {
  const { members, onProgress, nodes = [] } = options
  const seeds = memberSeeds(members)
  const keys: MemberKeys[] = []
  await signBallots({ ...options, seeds }, async (answer, from) => {
    for (const [at, ballot] of decodeBallots(answer).entries()) keys[from + at] = ballot.keys
  })
  onProgress(`admitting ${members} members`)
  const founder = createIdentity(generateMasterSeed())
  const { genesis, admissions, state } = admit(founder, [...keys, ...nodes].map(entryOf))
  const opensMs = Date.now()
  const { body } = createProposal(state, {
    author: founder.nodeId,
    title: 'Shall it pass?',
    text: '',
    choices: [
      { label: 'yes', role: 'for' },
      { label: 'no', role: 'against' },
      { label: 'abstain', role: 'abstain' },
    ],
    opensMs,
  })
  const proposal = sign(founder, admissions.at(-1) ?? genesis, 'proposal', body)
  const ballots: SignedRecord[] = []
  const vote: NonNullable<SigningTask['vote']> = { dao: genesis.id, proposal: proposal.id }
  await signBallots({ ...options, seeds, vote }, async (answer, from) => {
    for (const [at, { envelope }] of decodeBallots(answer).entries())
      ballots[from + at] = decodeSigned(envelope)
  })
  return { proposal: proposal.id, registry: [genesis, ...admissions, proposal], ballots }
}

function entryOf(keys: MemberKeys, at: number): MemberEntry {
  const id = nodeIdOfKeys(keys.ed25519, keys.mldsa65)
  return { id, name: `member ${at}`, keys, balance: (10n ** 18n * BigInt(1 + (at % 1000))).toString() }
}

/** The founding by one member, who admits the others one by one. */
function admit(
  founder: Identity,
  entries: readonly MemberEntry[],
): {
  readonly genesis: SignedRecord
  readonly admissions: readonly SignedRecord[]
  readonly state: DaoState
} {
  const own = { id: founder.nodeId, name: 'founder', keys: memberKeysOf(founder), balance: '0' }
  const { body } = createGenesis(
    {
      name: 'Benchmark',
      symbol: 'TOK',
      tokenDecimals: 18,
      registrars: [founder.nodeId],
      registrarsNeeded: 1,
      witnesses: [founder.nodeId],
      guardians: [],
      rules: defaultRules,
      votingMs: 86_400_000,
      graceMs: 60_000,
      timelockMs: 60_000,
      expiresMs: 86_400_000,
      maxOpenProposals: 1,
    },
    [own],
    { nonce: new Uint8Array(randomBytes(32)) },
  )
  const genesis = sign(founder, undefined, 'genesis', body)
  const admissions: SignedRecord[] = []
  for (const member of entries)
    admissions.push(sign(founder, admissions.at(-1) ?? genesis, 'member.add', { member, change: 1 }))
  // They were signed a moment ago.
  const replay = createReplay(genesis, { verify: () => true })
  for (const record of admissions) replay.add(record)
  return { genesis, admissions, state: replay.state() }
}

/** The next record of the founder's lane. */
function sign<Kind extends RecordKind>(
  founder: Identity,
  before: SignedRecord | undefined,
  kind: Kind,
  body: RecordBodies[Kind],
): SignedRecord {
  const seq = before === undefined ? 0 : before.record.seq + 1
  const dao = before === undefined ? null : (before.record.dao ?? before.id)
  const head = { dao, author: founder.nodeId, lane: 'member' as const, seq, prev: before?.id ?? null }
  return signRecord(founder, { ...head, atMs: Date.now() }, kind, body)
}
