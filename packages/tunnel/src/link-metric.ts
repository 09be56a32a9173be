import { createLossWindow } from './loss-window.ts'
import type { Probe } from './probe.ts'

/** When what is measured of a link is to be told, and what of its losses. */
export interface LinkMetric {
  /** A datagram with this hop counter came; not to be called for path-MTU probes. */
  received(counter: number): void
  /**
   * True if that brought news of losses towards us.
   * @param consumed datagrams in all that the kernel took from the link
   */
  probed(
    counter: number,
    probe: Pick<Probe, 'mtuProbes' | 'lossRatio'>,
    atMs: number,
    consumed?: number,
  ): boolean
  /** What to report now, if anything is due. */
  take(
    measured: { readonly rttMs: number; readonly mtuBytes: number },
    nowMs: number,
  ): MeasuredLink | undefined
  /** Share lost towards us; undefined until enough came. */
  readonly lossRatio: number | undefined
}

export interface MeasuredLink {
  readonly rttMs: number
  readonly mtuBytes: number
  /** 0 until enough datagrams came to tell. */
  readonly lossRatio: number
  readonly lossToRatio: number | undefined
}

const intervalMs = 1000
/** A leap is reported at once, but not more often than this. */
const leapIntervalMs = 100
const lossLeap = 0.05
const leastLost = 3
const rttLeapMs = 2

export function createLinkMetric(startMs: number): LinkMetric {
  const window = createLossWindow()
  let lossRatio: number | undefined
  let lossToRatio: number | undefined
  /** Lost in the short window, enough to be no accident. */
  let isSerious = false
  let reported: MeasuredLink = { rttMs: 0, mtuBytes: 0, lossRatio: 0, lossToRatio: 0 }
  let reportedAtMs = startMs
  const leaps = (now: MeasuredLink): boolean =>
    (isSerious && now.lossRatio >= reported.lossRatio + lossLeap) ||
    (now.lossToRatio ?? 0) >= (reported.lossToRatio ?? 0) + lossLeap ||
    (reported.rttMs > 0 && now.rttMs >= 2 * reported.rttMs && now.rttMs >= reported.rttMs + rttLeapMs)
  return {
    received: (counter) => window.received(counter),
    probed(counter, probe, atMs, consumed) {
      lossToRatio = probe.lossRatio
      if (!window.probed(counter, probe.mtuProbes, atMs, consumed)) return false
      const recent = window.recent()
      const settled = window.settled()
      isSerious = recent !== undefined && recent.lost >= leastLost
      // The short window warns of a fault, the long one ends the warning.
      lossRatio =
        recent === undefined ? undefined : Math.max(isSerious ? recent.ratio : 0, settled?.ratio ?? 0)
      return true
    },
    take({ rttMs, mtuBytes }, nowMs) {
      const now = { rttMs, mtuBytes, lossRatio: lossRatio ?? 0, lossToRatio }
      const sinceMs = nowMs - reportedAtMs
      const isDue =
        sinceMs >= intervalMs || mtuBytes !== reported.mtuBytes || (sinceMs >= leapIntervalMs && leaps(now))
      if (!isDue) return undefined
      reported = now
      reportedAtMs = nowMs
      return now
    },
    get lossRatio() {
      return lossRatio
    },
  }
}
