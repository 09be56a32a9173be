import { createHash } from 'node:crypto'
import { hasCode, messageOf, X0tError } from '@x0t/core'
import { readBundle } from './bundle-file.ts'
import { ballotSetRoot } from './closing/ballot-set.ts'
import { quorumOf } from './closing/quorum.ts'
import { tallyBytes } from './count/tally-bytes.ts'
import { tallyOf } from './proposal-result.ts'
import { createReplay, findGenesis } from './replay.ts'
import { createVerifier } from './verifier.ts'
import type { DaoState, ProposalView } from './dao-state.ts'
import type { RecordId, SignedRecord } from './record.ts'
import type { Tally } from './tally.ts'

/** One thing that was recomputed. `noted`: it adds up, but somebody should know of it. */
export interface BundleCheck {
  readonly check: BundleCheckName
  readonly verdict: 'holds' | 'noted' | 'fails'
  readonly found: string
  /** The proposal or record it is about; null: the whole bundle. */
  readonly about: RecordId | null
}

export const bundleCheckNames = [
  'file',
  'genesis',
  'records',
  'registry',
  'equivocation',
  'certificate',
  'ballots',
  'tally',
  'execution',
] as const
export type BundleCheckName = (typeof bundleCheckNames)[number]

export interface VerifiedProposal {
  readonly id: RecordId
  readonly title: string
  /** Ballots are final, certified by the witnesses. */
  readonly isFinal: boolean
  /** Root of the certified set in hexadecimal; null before a certificate. */
  readonly root: string | null
  readonly tally: Tally | null
  /** SHA-256 of the tally's bytes in hexadecimal: the same on every node. */
  readonly tallyDigest: string | null
}

export interface BundleVerification {
  /** Nothing fails. */
  readonly ok: boolean
  readonly checks: readonly BundleCheck[]
  readonly dao: RecordId | null
  readonly records: number
  readonly proposals: readonly VerifiedProposal[]
}

export interface VerifyBundleOptions {
  /** The DAO that it should be; without it, the one that is in the file. */
  readonly dao?: RecordId
  /** Threads that check signatures; as many as there are processors by default. */
  readonly threads?: number
  readonly signal?: AbortSignal
}

/**
 * What a record may be refused for without anything being wrong with the bundle: it is what it claims to be, and counts
 * for nothing. A ballot that fits no choice, a member that voted where it may not.
 */
const harmlessCodes: ReadonlySet<string> = new Set([
  'DAO_AMOUNT_INVALID',
  'DAO_NOT_IN_SNAPSHOT',
  'DAO_NOT_A_WITNESS',
  'DAO_NOT_A_GUARDIAN',
  'DAO_NOT_A_REGISTRAR',
  'DAO_REGISTRAR_FIXED',
  'DAO_SHARE_INVALID',
  'DAO_VOTES_INVALID',
  'DAO_BALLOT_INVALID',
  'DAO_BALLOT_KIND',
  'DAO_BALLOT_EMPTY',
  'DAO_CHOICE_UNKNOWN',
  'DAO_CHOICE_TWICE',
  'DAO_BUDGET_EXCEEDED',
  'DAO_TOO_MANY_RECORDS',
  'DAO_TOO_MANY_PROPOSALS',
])

/**
 * Checks a bundle with nothing but the file: the file itself, every signature, the chains, the registry and each
 * proposal's snapshot, the certificate over its ballots, the count; and names whatever does not add up.
 * @throws X0tError DAO_BUNDLE_NOT_FOUND if there is no file; all that is wrong in it is in the report
 */
export async function verifyBundle(
  path: string,
  { dao, threads, signal }: VerifyBundleOptions = {},
): Promise<BundleVerification> {
  const checks: BundleCheck[] = []
  const note = (
    check: BundleCheckName,
    verdict: BundleCheck['verdict'],
    found: string,
    about: RecordId | null = null,
  ): void => void checks.push({ check, verdict, found, about })
  const report = (state: DaoState | null, proposals: readonly VerifiedProposal[]): BundleVerification => ({
    ok: checks.every(({ verdict }) => verdict !== 'fails'),
    checks,
    dao: state?.dao ?? null,
    records: records.size,
    proposals,
  })

  const records = new Map<RecordId, SignedRecord>()
  try {
    for await (const signed of readBundle(path)) {
      signal?.throwIfAborted()
      records.set(signed.id, signed)
    }
    note('file', 'holds', `${records.size} records; number and hash are right`)
  } catch (error) {
    if (!(error instanceof X0tError) || error.code === 'DAO_BUNDLE_NOT_FOUND') throw error
    note('file', 'fails', `${error.code}: ${error.message}`)
  }

  let replay
  try {
    const genesis = findGenesis([...records.values()], dao)
    replay = createReplay(genesis)
    note('genesis', 'holds', `DAO ${genesis.id}${dao === undefined ? '; compare this id with yours' : ''}`)
  } catch (error) {
    if (!hasCode(error, (error as { code: string }).code)) throw error
    note('genesis', 'fails', `${error.code}: ${messageOf(error)}`)
    return report(null, [])
  }
  await using verifier = createVerifier(threads === undefined ? {} : { threads })
  await replay.addAll(records.values(), { verifier, ...(signal === undefined ? {} : { signal }) })
  const state = replay.state()
  checkRecords(state, records, note)
  const proposals = [...state.proposals.values()]
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((view) => checkProposal(view, note))
  return report(state, proposals)
}

type Note = (
  check: BundleCheckName,
  verdict: BundleCheck['verdict'],
  found: string,
  about?: RecordId | null,
) => void

/** Signatures, chains and places of all records; what the registry came to. */
function checkRecords(state: DaoState, records: ReadonlyMap<RecordId, SignedRecord>, note: Note): void {
  for (const { id, code, isWaiting } of state.rejected.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const { kind, author } = records.get(id)?.record ?? { kind: 'record', author: 'an unknown author' }
    const what = `${kind} of ${author}: ${code}`
    if (isWaiting) note('records', 'fails', `${what}; what it builds on is not in the bundle`, id)
    else note('records', harmlessCodes.has(code) ? 'noted' : 'fails', what, id)
  }
  note('records', 'holds', `${state.recordCount} of ${records.size} records hold, signatures and chains`)
  const { conflicts, sharingKeys, delegationCycles } = state.registry
  for (const [change] of conflicts)
    if (change !== undefined)
      note('registry', 'fails', `registrars signed two changes number ${change.change} of ${change.member}`)
  for (const member of sharingKeys)
    note('registry', 'noted', `${member} has keys of another member; left out`)
  for (const member of delegationCycles)
    note('registry', 'noted', `the delegation of ${member} runs in a circle`)
  note('registry', 'holds', `${state.members.size} members; every proposal's snapshot was found again`)
  for (const { author, lane, seq, records: twins } of state.equivocations)
    note('equivocation', 'noted', `${author} gave number ${seq} of ${lane} to ${twins.join(' and ')}`)
}

/** Whether the certificate is one, and what its ballots come to. */
function checkProposal(view: ProposalView, note: Note): VerifiedProposal {
  const { id, certificate, rivals, culprits } = view
  const { title, witnesses } = view.record.body
  const root = certificate === null ? null : Buffer.from(certificate.root).toString('hex')
  if (certificate === null) {
    note(
      'certificate',
      'noted',
      `"${title}" is not certified: its count is of the ballots in this bundle`,
      id,
    )
    if (view.executions.length > 0)
      note('execution', 'fails', 'nodes report that it was executed, without a certificate', id)
  } else if (rivals.length > 0)
    note(
      'certificate',
      'fails',
      `${rivals.length + 1} certificates over different sets; signed both: ${culprits.join(', ')}`,
      id,
    )
  else if (certificate.ballots === null)
    note('certificate', 'fails', 'declarations that its set is made of are not in the bundle', id)
  else {
    const { needed } = quorumOf(witnesses.length)
    const isRoot = Buffer.compare(ballotSetRoot(certificate.ballots), certificate.root) === 0
    const found = `${certificate.commits.length} of ${witnesses.length} witnesses (${needed} needed) over ${certificate.count} ballots, root ${root}`
    note('certificate', isRoot && certificate.commits.length >= needed ? 'holds' : 'fails', found, id)
    note(
      'ballots',
      view.isFinal ? 'holds' : 'fails',
      view.isFinal
        ? `all ${certificate.count} ballots of the set are here and signed`
        : 'ballots of the certified set are missing from the bundle, or do not hold',
      id,
    )
  }
  const count = countOf(view, note)
  return {
    id,
    title,
    isFinal: view.isFinal,
    root,
    tally: count,
    tallyDigest: count === null ? null : createHash('sha256').update(tallyBytes(count)).digest('hex'),
  }
}

function countOf(view: ProposalView, note: Note): Tally | null {
  try {
    const count = tallyOf(view)
    const kind = view.isFinal ? 'final' : 'provisional'
    note('tally', 'holds', `${kind}: ${count.outcome}, of ${count.turnout.members} members`, view.id)
    if (count.outcome !== 'passed' && view.executions.some(({ body }) => body.outcome === 'executed'))
      note('execution', 'fails', `nodes report that it was executed, and it is ${count.outcome}`, view.id)
    return count
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
    note('tally', 'fails', `${error.code}: ${error.message}`, view.id)
    return null
  }
}
