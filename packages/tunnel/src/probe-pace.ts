import type { Carrier } from './commands.ts'

/** How often a link is probed: a fixed interval, or as fast as its round trip and jitter make sense. */
export type ProbeInterval = number | 'auto'

/** Where `auto` begins, before the round trip is known and while the link is down. */
export const moderateMs = 100
const fastestMs = 10
const slowestMs = 1000
/** Over TCP: a retransmission may take 200 ms and more, and is no death (RFC 6298 §2.4 and its practice). */
const tlsMs = 500
/** Links up to which each is probed at the fastest rate; beyond, all share about 1,600 probes a second. */
const fastLinks = 16
const samplesNeeded = 3
/** A shorter interval is chosen only if it is shorter by a quarter, and this long after the last change. */
const calmMs = 2000

/** The interval that a link asks for by itself, ms. */
export function suitableIntervalMs({
  rttMs,
  jitterMs,
  links,
  carrier,
}: {
  readonly rttMs: number
  readonly jitterMs: number
  readonly links: number
  readonly carrier: Carrier
}): number {
  const leastMs = Math.max((fastestMs * links) / fastLinks, carrier === 'tls' ? tlsMs : fastestMs)
  return Math.min(slowestMs, Math.ceil(Math.max(leastMs, rttMs / 4, 4 * jitterMs)))
}

/** The interval this side wishes for, over time: raised at once, lowered with hysteresis. */
export interface ProbePace {
  readonly wantedMs: number
  measured(
    link: {
      readonly rttMs: number
      readonly jitterMs: number
      readonly links: number
      readonly carrier: Carrier
      readonly samples: number
    },
    nowMs: number,
  ): void
  restart(): void
}

export function createProbePace(interval: ProbeInterval): ProbePace {
  let wantedMs = interval === 'auto' ? moderateMs : interval
  let changedAtMs = -Infinity
  return {
    get wantedMs() {
      return wantedMs
    },
    measured(link, nowMs) {
      if (interval !== 'auto' || link.samples < samplesNeeded) return
      const suitableMs = suitableIntervalMs(link)
      const isShorter = suitableMs <= wantedMs * 0.75 && nowMs - changedAtMs >= calmMs
      if (suitableMs <= wantedMs && !isShorter) return
      wantedMs = suitableMs
      changedAtMs = nowMs
    },
    restart() {
      if (interval === 'auto') wantedMs = moderateMs
      changedAtMs = -Infinity
    },
  }
}
