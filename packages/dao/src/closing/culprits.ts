import type { MemberId } from '../record.ts'
import { nothing, type SealBook, type SignedSeal } from './seal-book.ts'

/** A witness that did what no honest one does, with the two records (or the one) that show it. */
export interface Culprit {
  readonly witness: MemberId
  /**
   * `two-values`: signed two things in one step of one round; the two records prove it alone.
   * `broken-lock`: committed to a set, and later prepared another one that q witnesses had not prepared since.
   * `unfounded-commit`: committed to a set that q witnesses had not prepared in that round.
   * The last two are judged by all the records at hand: if what excuses a witness comes later, it is no culprit. An
   * honest one acts on records that it has and passes on.
   */
  readonly fault: 'two-values' | 'broken-lock' | 'unfounded-commit'
  readonly records: readonly SignedSeal[]
}

/**
 * Why two certificates name more than f culprits: in one round, more than f witnesses are in both and signed two
 * values. In rounds r < s: take the first round after r in which another set than r's was prepared by q witnesses.
 * More than f of these had committed in r, and no quorum since allowed them to change. If there is no such round, the
 * commits of s are unfounded, all q of them.
 */
export function culpritsIn(book: SealBook): readonly Culprit[] {
  return [...twoValuesIn(book), ...brokenLocks(book), ...unfoundedCommits(book)]
}

/** Who signed two things in one step of one round. */
export function* twoValuesIn(book: SealBook): Generator<Culprit> {
  for (const step of ['prepare', 'commit'] as const) {
    for (const round of book.rounds(step)) {
      const first = new Map<MemberId, SignedSeal>()
      const named = new Set<MemberId>()
      for (const [, by] of [...book.votes(step, round)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        for (const [witness, seal] of by) {
          const other = first.get(witness)
          if (other === undefined) first.set(witness, seal)
          else if (!named.has(witness)) {
            named.add(witness)
            yield { witness, fault: 'two-values', records: [other, seal] }
          }
        }
      }
    }
  }
}

function* brokenLocks(book: SealBook): Generator<Culprit> {
  for (const round of book.rounds('commit')) {
    for (const [committed, by] of book.votes('commit', round)) {
      if (committed === nothing) continue
      for (const later of book.rounds('prepare')) {
        if (later <= round) continue
        for (const [value, preparers] of book.votes('prepare', later)) {
          if (value === nothing || value === committed) continue
          if (wasPreparedBetween(book, value, round, later)) continue
          for (const [witness, commit] of by) {
            const prepare = preparers.get(witness)
            if (prepare !== undefined) yield { witness, fault: 'broken-lock', records: [commit, prepare] }
          }
        }
      }
    }
  }
}

function wasPreparedBetween(
  book: SealBook,
  value: Parameters<SealBook['hasQuorum']>[2],
  from: number,
  before: number,
): boolean {
  return book
    .rounds('prepare')
    .some((round) => round >= from && round < before && book.hasQuorum('prepare', round, value))
}

function* unfoundedCommits(book: SealBook): Generator<Culprit> {
  for (const round of book.rounds('commit')) {
    for (const [value, by] of book.votes('commit', round)) {
      if (value === nothing || book.hasQuorum('prepare', round, value)) continue
      for (const [witness, commit] of by) yield { witness, fault: 'unfounded-commit', records: [commit] }
    }
  }
}
