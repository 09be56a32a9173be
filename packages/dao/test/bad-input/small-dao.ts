import { hasCode, X0tError } from '@x0t/core'
import {
  createGenesis,
  createProposal,
  createVote,
  defaultRules,
  laneOf,
  memberKeysOf,
  replay,
  signRecord,
  type Constitution,
  type DaoState,
  type Lane,
  type MemberId,
  type ProposalDraft,
  type RecordBodies,
  type RecordId,
  type RecordKind,
  type SignedRecord,
} from '@x0t/dao'
import type { Identity } from '@x0t/keys'
import { identityNamed } from '../support/sample-records.ts'

/** When proposals of the tests open and close; no real clock takes part. */
export const opensMs = 1_800_000_000_000
export const votingMs = 60_000
export const closesMs = opensMs + votingMs

/** Where in its lane a record goes, and what else of its head a test wants otherwise. */
export interface Placement {
  readonly seq?: number
  readonly prev?: RecordId | null
  readonly atMs?: number
  /** Signed by these keys, not by those of its author. */
  readonly signer?: Identity
  readonly dao?: RecordId
}

/** A DAO in memory whose members sign whatever a test wants: also what no library function would sign. */
export interface SmallDao {
  readonly dao: RecordId
  readonly records: readonly SignedRecord[]
  member(name: string): Identity
  id(name: string): MemberId
  state(): DaoState
  /** Signs the next record of the lane that its kind belongs to, and keeps it. */
  sign<Kind extends RecordKind>(
    name: string,
    kind: Kind,
    body: RecordBodies[Kind],
    placement?: Placement,
  ): SignedRecord
  /** Keeps a record that a test has made. */
  keep(signed: SignedRecord): void
  propose(name: string, draft?: Partial<ProposalDraft>): RecordId
  /** A ballot for a choice by number, as `x0t dao vote` would sign it. */
  vote(name: string, proposal: RecordId, choice: number, placement?: Placement): SignedRecord
}

/** Founds a DAO: the first name is the registrar, all are witnesses. Balances in whole tokens without decimals. */
export function smallDao(
  balances: Readonly<Record<string, string>>,
  constitution: Partial<Constitution> = {},
): SmallDao {
  const names = Object.keys(balances)
  const identities = new Map(names.map((name) => [name, identityNamed(name)]))
  const member = (name: string): Identity => {
    const known = identities.get(name)
    if (known !== undefined) return known
    const made = identityNamed(name)
    identities.set(name, made)
    return made
  }
  const founder = member(names[0]!)
  const records: SignedRecord[] = []
  const genesis = createGenesis(
    {
      name: 'Small',
      symbol: 'TOK',
      tokenDecimals: 0,
      registrars: [founder.nodeId],
      registrarsNeeded: 1,
      witnesses: 'members',
      guardians: [],
      rules: defaultRules,
      votingMs: 1000,
      graceMs: 0,
      timelockMs: 0,
      expiresMs: 0,
      maxOpenProposals: 4,
      ...constitution,
    },
    names.map((name) => ({
      id: member(name).nodeId,
      name,
      keys: memberKeysOf(member(name)),
      balance: balances[name]!,
    })),
    { nonce: new Uint8Array(32) },
  )
  const first = signRecord(
    founder,
    { dao: null, author: founder.nodeId, lane: 'member', seq: 0, prev: null, atMs: opensMs - 1000 },
    'genesis',
    genesis.body,
  )
  records.push(first)

  const placeAfter = (author: MemberId, lane: Lane): { seq: number; prev: RecordId | null } => {
    const last = records
      .filter(({ record }) => record.author === author && record.lane === lane)
      .toSorted((a, b) => a.record.seq - b.record.seq)
      .at(-1)
    return last === undefined ? { seq: 0, prev: null } : { seq: last.record.seq + 1, prev: last.id }
  }
  const dao: SmallDao = {
    dao: first.id,
    records,
    member,
    id: (name) => member(name).nodeId,
    state: () => replay(records),
    sign(name, kind, body, { signer = member(name), ...placement } = {}) {
      const author = member(name).nodeId
      const lane = laneOf(kind, body)
      const head = { dao: first.id, author, lane, atMs: opensMs, ...placeAfter(author, lane), ...placement }
      const signed = signRecord(signer, head, kind, body)
      records.push(signed)
      return signed
    },
    keep: (signed) => void records.push(signed),
    propose(name, draft = {}) {
      const { body } = createProposal(dao.state(), {
        author: dao.id(name),
        title: 'A question',
        text: '',
        choices: [
          { label: 'yes', role: 'for' },
          { label: 'no', role: 'against' },
          { label: 'abstain', role: 'abstain' },
        ],
        opensMs,
        closesMs,
        ...draft,
      })
      return dao.sign(name, 'proposal', body).id
    },
    vote(name, proposal, choice, placement) {
      const vote = { proposal, ballot: { kind: 'single', choice } as const, nowMs: opensMs }
      const { body } = createVote(dao.state(), dao.id(name), vote)
      return dao.sign(name, 'vote', body, placement)
    },
  }
  return dao
}

/** The code that `run` ends with; null where it ends well. Anything but an X0tError is thrown on: it would be a crash. */
export function codeOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof X0tError && hasCode(error, error.code)) return error.code
    throw error
  }
}

/** Why a record counts for nothing, as the state tells it. */
export function rejectionOf(state: DaoState, { id }: { readonly id: RecordId }): string | undefined {
  return state.rejected.find((one) => one.id === id)?.code
}

/** Scores by choice, published decimals cut off: 'yes 3, no 4' is ['3', '4', '0']. */
export function wholeScores(scores: readonly { readonly score: string }[]): readonly string[] {
  return scores.map(({ score }) => score.split('.')[0]!)
}
