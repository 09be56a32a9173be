import { RootSum } from '../exact/root-sum.ts'
import type { Counted, CountedBallot } from './counted.ts'

/** Ballots with the same ranking, as one. */
interface Pile {
  readonly ranking: readonly number[]
  readonly tokens: bigint
}

/** What the choices that are the first of some ballot have now. */
type Standing = ReadonlyMap<number, bigint>

/**
 * Instant runoff as Snapshot counts it (snapshot.js `src/voting/rankedChoice.ts`). A ballot counts with its balance
 * for the first of its choices that is not eliminated; a ballot without one is exhausted and leaves the count. A
 * choice with more than half of what is left wins; at two choices the count ends. Else the choice with least is
 * eliminated, of those that are the first of some ballot: one that is nobody's first now stays in.
 *
 * Of several with least, the first of the proposal goes, as with Snapshot, and its rounds are the ones published. If
 * another order could make another choice win, all of these are leaders: it is a tie.
 */
export function countRankedChoice(ballots: readonly CountedBallot[], choices: number): Counted {
  const piles = pilesOf(ballots)
  const rounds: bigint[][] = []
  let eliminated: ReadonlySet<number> = new Set()
  for (;;) {
    const standing = standingOf(piles, eliminated)
    rounds.push(Array.from({ length: choices }, (_, choice) => standing.get(choice) ?? 0n))
    if (isOver(standing)) break
    eliminated = new Set([...eliminated, lastOf(standing)[0]!])
  }
  const scores = rounds.at(-1)!.map((tokens) => new RootSum().add(tokens, 1n))
  return { scores, areRoots: false, rounds, leaders: possibleWinners(piles, choices) }
}

function pilesOf(ballots: readonly CountedBallot[]): readonly Pile[] {
  const piles = new Map<string, Pile>()
  for (const { balance, ballot } of ballots) {
    const ranking = ballot.parts.map(([choice]) => choice)
    const key = ranking.join(' ')
    piles.set(key, { ranking, tokens: (piles.get(key)?.tokens ?? 0n) + balance.value })
  }
  return [...piles.values()]
}

function standingOf(piles: readonly Pile[], eliminated: ReadonlySet<number>): Standing {
  const standing = new Map<number, bigint>()
  for (const { ranking, tokens } of piles) {
    const first = ranking.find((choice) => !eliminated.has(choice))
    if (first !== undefined) standing.set(first, (standing.get(first) ?? 0n) + tokens)
  }
  return standing
}

function isOver(standing: Standing): boolean {
  if (standing.size < 3) return true
  let [most, all] = [0n, 0n]
  for (const tokens of standing.values()) {
    if (tokens > most) most = tokens
    all += tokens
  }
  return 2n * most > all
}

/** The choices with least, in the order of the proposal. */
function lastOf(standing: Standing): readonly number[] {
  const least = [...standing.values()].reduce((a, b) => (b < a ? b : a))
  return [...standing.keys()].filter((choice) => standing.get(choice) === least).toSorted((a, b) => a - b)
}

/** The choices with most, if that is not nothing. */
function firstOf(standing: Standing): readonly number[] {
  if (standing.size === 0) return []
  const most = [...standing.values()].reduce((a, b) => (b > a ? b : a))
  return most === 0n ? [] : [...standing.keys()].filter((choice) => standing.get(choice) === most)
}

/** Steps that ties may be followed for; where that is not enough, all that are left count as leaders. */
const mostSteps = 2_000_000

/** Whoever wins in some order of eliminating choices that have equally little. */
function possibleWinners(piles: readonly Pile[], choices: number): readonly number[] {
  const winners = new Set<number>()
  const seen = new Set<string>()
  // Without ties this is done after one look at the piles for each choice.
  let stepsLeft = mostSteps + 2 * choices * (piles.length + choices)
  const todo: ReadonlySet<number>[] = [new Set()]
  for (let eliminated = todo.pop(); eliminated; eliminated = todo.pop()) {
    const standing = standingOf(piles, eliminated)
    stepsLeft -= piles.length + choices
    if (stepsLeft < 0) {
      for (const { ranking } of piles) {
        for (const choice of ranking) if (!eliminated.has(choice)) winners.add(choice)
      }
    } else if (isOver(standing)) {
      for (const choice of firstOf(standing)) winners.add(choice)
    } else {
      for (const last of lastOf(standing)) {
        stepsLeft -= choices
        const next = new Set([...eliminated, last])
        const key = [...next].toSorted((a, b) => a - b).join(' ')
        if (!seen.has(key)) todo.push(next)
        seen.add(key)
      }
    }
  }
  return [...winners].toSorted((a, b) => a - b)
}
