import type { Certificate } from '../dao-state.ts'
import type { MemberId, RecordId, SignedRecord } from '../record.ts'
import { culpritsIn, twoValuesIn, type Culprit } from './culprits.ts'
import { nothing, SealBook, type SignedProposal, type SignedSeal, type Value } from './seal-book.ts'

/** How far the closing of a proposal came. */
export interface Closing {
  /** The one of the lowest round; null as long as q witnesses did not commit to one set. */
  readonly certificate: Certificate | null
  /** Certificates over other sets: with one of them the proposal halts. */
  readonly rivals: readonly Certificate[]
  /** Where there are rivals: the witnesses that made them possible, more than f. */
  readonly culprits: readonly MemberId[]
}

/**
 * Certificates among messages of the closing protocol: q commits over one set in one round. More messages never take
 * one away. Signatures are checked before; messages of others than the proposal's witnesses are passed over.
 */
export function certificatesOf(proposal: SignedProposal, seals: readonly SignedRecord[]): Closing {
  const book = bookOf(proposal, seals)
  const [certificate = null, ...rivals] = certificatesIn(book, proposal.id)
  const culprits = rivals.length === 0 ? [] : culpritsIn(book).map(({ witness }) => witness)
  return { certificate, rivals, culprits: [...new Set(culprits)].toSorted() }
}

/**
 * Witnesses that broke the protocol, with the records that show it. Without rival certificates only what two records
 * prove alone: the rest may just be waiting for records that are on their way.
 */
export function culpritsOf(proposal: SignedProposal, seals: readonly SignedRecord[]): readonly Culprit[] {
  const book = bookOf(proposal, seals)
  return certificatesIn(book, proposal.id).length < 2 ? [...twoValuesIn(book)] : culpritsIn(book)
}

/** The certificate of the lowest round for each set that has one. */
function certificatesIn(book: SealBook, proposal: RecordId): readonly Certificate[] {
  const byRoot = new Map<Value, Certificate>()
  for (const round of book.rounds('commit')) {
    for (const value of book.valuesWithQuorum('commit', round).toSorted()) {
      if (value === nothing || byRoot.has(value)) continue
      const commits = [...book.votes('commit', round).get(value)!.values()].toSorted(byAuthor)
      const { body } = commits[0]!.record
      if (body.step === 'declare' || body.root === null) continue
      const { root, count } = body
      const ballots = ballotsOfValue(book, value)
      byRoot.set(value, { proposal, round, root, count, ballots, commits })
    }
  }
  return [...byRoot.values()]
}

/** The set of a value, from any proposal of it whose declarations are here. */
function ballotsOfValue(book: SealBook, value: Value): readonly RecordId[] | null {
  for (const proposed of book.proposedAs(value)) {
    const ballots = book.ballotsOf(proposed)
    if (ballots !== null && ballots !== undefined) return ballots
  }
  return null
}

function bookOf(proposal: SignedProposal, seals: readonly SignedRecord[]): SealBook {
  const book = new SealBook(proposal)
  for (const seal of seals) book.add(seal)
  return book
}

function byAuthor(a: SignedSeal, b: SignedSeal): number {
  return a.record.author < b.record.author ? -1 : 1
}
