/** How often the kernel probes a link, and when its silence is death. */
export interface KernelPace {
  readonly intervalMs: number
  /** Between two answers. */
  readonly deadlineMs: number
  /** Probes in a row that must be unanswered, those that are on the way among them. */
  readonly misses: number
}

/** What is known of a link when its pace is chosen; 0 for what is not. */
export interface PaceBasis {
  readonly rttMs: number
  /** Mean deviation of the round trip. */
  readonly deviationMs: number
  /** Share of datagrams lost, both ways together. */
  readonly lossRatio: number
}

/** Longest round trip between neighbours on one wire. */
const oneWireMs = 2
/** Before the first answer. */
const moderateMs = 10
/** So unlikely must it be that all probes of a deadline fell to the ordinary loss of the link; a kernel sends many. */
const accident = 1e-8
const maxMisses = 24

/**
 * `auto` takes 1 ms where the round trip is short and steady, as between neighbours on one wire, then 3 ms, then 10 ms and
 * more. The round trip itself does not delay the judgement, since answers come at the pace of the probes; its changes do.
 */
export function suitableKernelIntervalMs({ rttMs, deviationMs }: PaceBasis): number {
  if (rttMs <= 0) return moderateMs
  if (rttMs < oneWireMs && deviationMs < 0.5) return 1
  if (rttMs < 20 && deviationMs < 1.5) return 3
  return Math.min(1000, Math.ceil(Math.max(10, rttMs / 10, 4 * deviationMs)))
}

/**
 * A fixed interval on one wire is a promise: silence is death after `misses` of them. There the round trip changes as this
 * machine is scheduled, and the guard knows when it stood still: patience would only delay the judgement.
 * @param misses probes in a row after which a lossless link of no length is down
 */
export function kernelPace(interval: number | 'auto', misses: number, basis: PaceBasis): KernelPace {
  const intervalMs = interval === 'auto' ? suitableKernelIntervalMs(basis) : interval
  const isPromise = interval !== 'auto' && basis.rttMs < oneWireMs
  const loss = Math.min(basis.lossRatio, 0.9)
  const missesUnderLoss = loss <= 0 ? 0 : Math.ceil(Math.log(accident) / Math.log(loss) - 1e-9)
  const inARow = Math.max(misses, Math.min(maxMisses, missesUnderLoss))
  return {
    intervalMs,
    deadlineMs: Math.max(inARow * intervalMs, isPromise ? 0 : intervalMs + 4 * basis.deviationMs),
    misses: inARow + Math.floor(basis.rttMs / intervalMs),
  }
}

/** Round trip and its mean deviation, smoothed after RFC 6298 §2. */
export interface RoundTripEstimate {
  readonly rttMs: number
  readonly deviationMs: number
}

export function smoothed(before: RoundTripEstimate | undefined, rttMs: number): RoundTripEstimate {
  if (before === undefined) return { rttMs, deviationMs: rttMs / 2 }
  return {
    rttMs: before.rttMs + (rttMs - before.rttMs) / 8,
    deviationMs: before.deviationMs + (Math.abs(rttMs - before.rttMs) - before.deviationMs) / 4,
  }
}
