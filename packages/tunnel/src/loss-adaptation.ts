/**
 * How a unit is protected, by the loss that the peer reports.
 *
 * Parity: fragment i belongs to class i mod `parity`; each class adds one fragment, the exclusive-or of its
 * members, so that one loss in each class, or a burst of `parity` losses, is repaired without a round trip.
 * From level 4 on, TCP super-packets are cut into units of at most `maxFragments` datagrams, so that a
 * loss that parity cannot repair takes little with it.
 */
export interface Protection {
  readonly parity: number
  readonly maxFragments: number
  /** Units of one datagram get a parity too: their copy. */
  readonly protectSingles: boolean
  /** Small packets share a unit of up to this many bytes; 0: up to one datagram. */
  readonly packBytes: number
}

/** Levels in order of rising loss. */
export const protections: readonly Protection[] = [
  { parity: 0, maxFragments: 255, packBytes: 16_384, protectSingles: false },
  { parity: 1, maxFragments: 255, packBytes: 0, protectSingles: false },
  { parity: 2, maxFragments: 255, packBytes: 0, protectSingles: false },
  { parity: 4, maxFragments: 255, packBytes: 0, protectSingles: false },
  { parity: 4, maxFragments: 12, packBytes: 0, protectSingles: true },
  { parity: 4, maxFragments: 4, packBytes: 0, protectSingles: true },
]

/** Loss ratio above which each level is left for the next; the last level has none. */
const upAbove = [0.0003, 0.002, 0.005, 0.02, 0.06] as const

export interface LossState {
  readonly level: number
  /** Smoothed share of fragments lost, 0 to 1. */
  readonly lossRatio: number
  /** When the present level was last needed, ms. */
  readonly neededAtMs: number
}

export const initialLossState: LossState = { level: 0, lossRatio: 0, neededAtMs: 0 }

/** Fragments after which a report counts half. */
const fullSample = 256

/** A level is left downwards only after it was not needed for this long. */
const calmMs = 2000

/**
 * The next state after a report of the peer.
 * @param received fragments received since the last report
 * @param lost fragments lost since then
 */
export function adaptToLoss(state: LossState, received: number, lost: number, nowMs: number): LossState {
  const total = received + lost
  if (total === 0) return state
  // The weight grows with the sample, so that a few fragments cannot shake the estimate.
  const weight = Math.min(0.5, total / fullSample)
  const lossRatio = state.lossRatio + weight * (lost / total - state.lossRatio)
  let needed = upAbove.findIndex((limit) => lossRatio <= limit)
  if (needed < 0) needed = upAbove.length
  if (needed >= state.level) return { level: needed, lossRatio, neededAtMs: nowMs }
  if (nowMs - state.neededAtMs < calmMs) return { ...state, lossRatio }
  return { level: state.level - 1, lossRatio, neededAtMs: nowMs }
}
