import type { MemberId } from '../record.ts'

/** Sizes that closing rests on, for n witnesses. */
export interface Quorum {
  readonly witnesses: number
  /** ⌊2n/3⌋ + 1: signatures of a certificate. Two such groups share more than `faults` witnesses. */
  readonly needed: number
  /** n − needed: as many may lie, or be gone. */
  readonly faults: number
  /** More than half: as many clocks end the vote. */
  readonly majority: number
}

/** The quorum of `witnesses` witnesses, at least one. */
export function quorumOf(witnesses: number): Quorum {
  const needed = Math.floor((2 * witnesses) / 3) + 1
  return { witnesses, needed, faults: witnesses - needed, majority: Math.floor(witnesses / 2) + 1 }
}

/** Whose turn it is to propose in a round: the witnesses in the order of their ids, over and over. */
export function proposerOf(witnesses: readonly MemberId[], round: number): MemberId {
  const sorted = witnesses.toSorted()
  return sorted[round % sorted.length]!
}
