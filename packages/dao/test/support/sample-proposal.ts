import { nodeIdFromBytes } from '@x0t/core'
import {
  recordIdOf,
  type Action,
  type MemberId,
  type ProposalView,
  type RecordHead,
  type RecordId,
  type RecordOf,
  type Rules,
  type SignedRecord,
} from '@x0t/dao'

/** Ids of nodes 1, 2, 3 … */
export const nodeOf = (byte: number): MemberId => nodeIdFromBytes(new Uint8Array(32).fill(byte))
export const proposalId = (name: string): RecordId => recordIdOf(Buffer.from(name))

export const supportRules: Rules = {
  method: 'quadratic-weight',
  decimals: 9,
  split: 'none',
  budget: null,
  decides: 'support',
  support: { threshold: '1/2', isStrict: true, base: 'for+against' },
  quorum: null,
  tiebreak: 'none',
  closesEarly: false,
  lateQuorumMs: null,
}

export interface SampleView {
  readonly id?: RecordId
  readonly actions: readonly Action[]
  readonly witnesses?: readonly MemberId[]
  /** When each witness committed; null: there is no certificate. */
  readonly commitsMs?: readonly number[] | null
  readonly timelockMs?: number
  readonly expiresMs?: number
  readonly vetoes?: readonly string[]
  readonly isCanceled?: boolean
  readonly isHalted?: boolean
  readonly reports?: readonly (readonly [
    by: MemberId,
    action: number,
    outcome: 'executed' | 'failed',
    detail?: string,
  ])[]
}

/** A proposal as the records would tell it, with what matters to its execution. */
export function viewOf(sample: SampleView): ProposalView {
  const id = sample.id ?? proposalId('a proposal')
  const witnesses = sample.witnesses ?? [nodeOf(1), nodeOf(2), nodeOf(3)]
  const head = (author: MemberId, atMs = 0, seq = 0): RecordHead => ({
    v: 1,
    dao: null,
    author,
    lane: 'member',
    seq,
    prev: null,
    atMs,
  })
  const body: RecordOf<'proposal'>['body'] = {
    title: 'a title',
    text: '',
    choices: [
      { label: 'yes', role: 'for' },
      { label: 'no', role: 'against' },
    ],
    rules: supportRules,
    actions: sample.actions,
    asOf: [],
    snapshotRoot: new Uint8Array(32),
    witnesses,
    opensMs: 0,
    closesMs: 500,
    graceMs: 0,
    timelockMs: sample.timelockMs ?? 1000,
    expiresMs: sample.expiresMs ?? 10_000,
  }
  const { commitsMs = [900, 1000, 1100] } = sample
  const certificate =
    commitsMs === null
      ? null
      : {
          proposal: id,
          round: 0,
          root: new Uint8Array(32),
          count: 0,
          ballots: [],
          commits: commitsMs.map((atMs, at) => ({
            record: { ...head(witnesses[at]!, atMs), kind: 'seal' },
          })) as unknown as readonly SignedRecord[],
        }
  const seqs = new Map<MemberId, number>()
  return {
    id,
    record: { ...head(nodeOf(1)), kind: 'proposal', body },
    electorate: witnesses.map((one) => ({
      id: one,
      name: '',
      keys: { ed25519: new Uint8Array(32), mldsa65: new Uint8Array(1952) },
      balance: '1',
      delegate: null,
    })),
    voices: [],
    box: [],
    seals: [],
    certificate,
    isFinal: certificate !== null,
    rivals: sample.isHalted === true && certificate !== null ? [certificate, certificate] : [],
    culprits: [],
    vetoes: (sample.vetoes ?? []).map((reason) => ({
      ...head(nodeOf(9)),
      kind: 'veto',
      body: { proposal: id, reason },
    })),
    isCanceled: sample.isCanceled ?? false,
    executions: (sample.reports ?? []).map(([author, action, outcome, detail = '']) => {
      const seq = seqs.get(author) ?? 0
      seqs.set(author, seq + 1)
      return { ...head(author, 0, seq), kind: 'execution', body: { proposal: id, action, outcome, detail } }
    }),
  } as unknown as ProposalView
}
