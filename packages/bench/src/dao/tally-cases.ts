import { createHash } from 'node:crypto'
import { nodeIdFromBytes } from '@x0t/core'
import type { MemberId, Rules, TallyInput, TallyOutcome, Voice } from '@x0t/dao'
import { createSeededRandom } from '@x0t/simnet'

/** A count with the outcome that it must have: a figure for a wrong answer is worth nothing. */
export interface TallyCase {
  readonly input: TallyInput
  readonly outcome: TallyOutcome
}

export const tallyCaseNames = ['tally', 'tie', 'near-tie'] as const
export type TallyCaseName = (typeof tallyCaseNames)[number]

/** One member in so many of the electorate does not vote. */
const absentOf = 5
const choices: TallyInput['choices'] = [
  { label: 'For', role: 'for' },
  { label: 'Against', role: 'against' },
  { label: 'Abstain', role: 'abstain' },
]

/** Roots of balances, a quorum of half of the weight, more than half of what was cast: what `x0t dao propose` takes. */
const majority: Rules = {
  method: 'quadratic-weight',
  decimals: 9,
  split: 'none',
  budget: null,
  decides: 'support',
  support: { threshold: '1/2', isStrict: true, base: 'cast' },
  quorum: { unit: 'weight', counts: ['for', 'against', 'abstain'], share: '1/2' },
  tiebreak: 'none',
  closesEarly: false,
  lateQuorumMs: null,
}

/** Two thirds are reached when equal: for = 2 · against. No quorum, which would be a second sum. */
const twoThirds: Rules = {
  ...majority,
  support: { threshold: '2/3', isStrict: false, base: 'for+against' },
  quorum: null,
}

/** @param count ballots, even for a tie */
export function tallyCase(name: TallyCaseName, count: number, seed: string): TallyCase {
  if (name === 'tally') return manyBallots(count, seed)
  const input = thresholdMetExactly(count, seed)
  return name === 'tie'
    ? { input, outcome: 'passed' }
    : { input: missedByOneUnit(input), outcome: 'defeated' }
}

/** Balances up to 10^27 at random, 58 in a hundred for, 40 against, 2 abstain: it passes, but not by a landslide. */
function manyBallots(count: number, seed: string): TallyCase {
  const random = createSeededRandom(`ballots ${seed}`)
  const voices: Voice[] = []
  for (let at = 0; at < count; at++) {
    const draw = random.integer(100)
    voices.push(voice(at, randomBalance(random.bytes(12)), draw < 58 ? 0 : draw < 98 ? 1 : 2))
  }
  const absent = Array.from({ length: Math.floor(count / (absentOf - 1)) }, (_, at) => ({
    member: memberOf(count + at),
    balance: randomBalance(random.bytes(12)),
  }))
  const present = voices.map(({ member, balance }) => ({ member, balance }))
  return {
    input: { choices, rules: majority, electorate: [...present, ...absent], voices },
    outcome: 'passed',
  }
}

/**
 * Half of the ballots √(4x) for, half √x against, all x and 4x different: no floating-point number and no number of
 * digits can tell that for is exactly twice against, and every pair is a square class of its own.
 */
function thresholdMetExactly(count: number, seed: string): TallyInput {
  if (count % 2 !== 0) throw new RangeError(`half of the ballots are for: ${count} is odd`)
  const random = createSeededRandom(`tie ${seed}`)
  const taken = new Set<bigint>()
  const voices: Voice[] = []
  while (voices.length < count) {
    const balance = randomBalance(random.bytes(12)) / 4n
    if (balance === 0n || taken.has(balance) || taken.has(4n * balance)) continue
    taken.add(balance).add(4n * balance)
    voices.push(voice(voices.length, 4n * balance, 0), voice(voices.length + 1, balance, 1))
  }
  const electorate = voices.map(({ member, balance }) => ({ member, balance }))
  return { choices, rules: twoThirds, electorate, voices }
}

/** One base unit more against: the sums differ by some 10^-13. */
function missedByOneUnit(input: TallyInput): TallyInput {
  const add = <T extends { readonly balance: bigint }>(one: T, at: number): T =>
    at === 1 ? { ...one, balance: one.balance + 1n } : one
  return { ...input, voices: input.voices.map(add), electorate: input.electorate.map(add) }
}

function voice(at: number, balance: bigint, choice: number): Voice {
  const member = memberOf(at)
  return { member, balance, ballot: { kind: 'single', choice }, by: member }
}

/** 12 bytes, reduced below 10^27, never zero. */
function randomBalance(bytes: Uint8Array): bigint {
  return (BigInt(`0x${Buffer.from(bytes).toString('hex')}`) % 10n ** 27n) + 1n
}

/** Ids that look like those of keys; a count never asks for the keys. */
function memberOf(at: number): MemberId {
  return nodeIdFromBytes(createHash('sha256').update(`member ${at}`).digest())
}
