/** What a probe says, 16 bytes after the hop header. Times are microseconds modulo 2^32 of the sender's clock. */
export interface Probe {
  readonly sentUs: number
  /** The last probe that its sender received, and how long it had been there; 0 and 0 if none. */
  readonly echoSentUs: number
  readonly echoDwellUs: number
  readonly intervalMs: number
  readonly misses: number
  /** Its sender hears the other side. */
  readonly hears: boolean
}

/**
 * Liveness of one link, after Bidirectional Forwarding Detection's asynchronous mode (RFC 5880 §6.8): both sides
 * send probes; the link lives while each hears the other and says so.
 */
export interface Liveness {
  /** Any datagram with a valid tag came. */
  heard(nowMs: number): void
  /** A probe came; true if it asks for one in return at once, because the other side does not hear us yet. */
  probeReceived(probe: Probe, nowMs: number): boolean
  /** The probe to send now. */
  makeProbe(nowMs: number): Probe
  /** True if a probe is due. */
  isDue(nowMs: number): boolean
  /** The change of state since the last call, if any. */
  judge(nowMs: number): 'up' | 'down' | undefined
  /** This process was not scheduled until now: the neighbour gets one more interval to be heard. */
  excuse(nowMs: number): void
  /** When {@link Liveness.isDue} or {@link Liveness.judge} should be asked next. */
  nextAtMs(): number
  readonly alive: boolean
  /** Smoothed round trip, ms; 0 before the first answer. */
  readonly rttMs: number
}

const microseconds = 2 ** 32

/** @param misses intervals of silence after which the other side is to declare us dead */
export function createLiveness({
  intervalMs,
  misses,
  nowMs,
}: {
  readonly intervalMs: number
  readonly misses: number
  readonly nowMs: number
}): Liveness {
  let heardAtMs = -Infinity
  let silenceMs = intervalMs * misses
  let peerIntervalMs = intervalMs
  let peerHears = false
  let alive = false
  let rttMs = 0
  let echoSentUs = 0
  let echoAtMs = -Infinity
  let dueAtMs = nowMs
  const toUs = (ms: number): number => Math.floor(ms * 1000) % microseconds
  const hears = (now: number): boolean => now - heardAtMs < silenceMs
  return {
    heard(now) {
      heardAtMs = now
    },
    probeReceived(probe, now) {
      heardAtMs = now
      peerIntervalMs = Math.max(1, probe.intervalMs)
      silenceMs = peerIntervalMs * Math.max(1, probe.misses)
      peerHears = probe.hears
      echoSentUs = probe.sentUs
      echoAtMs = now
      if (probe.echoSentUs !== 0) {
        const sampleUs = (toUs(now) - probe.echoSentUs - probe.echoDwellUs + 2 * microseconds) % microseconds
        // A sample above a minute is a wrapped or forged clock.
        if (sampleUs < 60e6) rttMs = rttMs === 0 ? sampleUs / 1000 : rttMs + (sampleUs / 1000 - rttMs) / 8
      }
      return !probe.hears
    },
    makeProbe(now) {
      // Sent early by up to a quarter, so that neighbours do not fall into step (RFC 5880 §6.8.7).
      dueAtMs = now + intervalMs * (0.8 + 0.15 * ((toUs(now) % 64) / 64))
      const dwellUs =
        echoAtMs === -Infinity ? 0 : Math.min(microseconds - 1, Math.round((now - echoAtMs) * 1000))
      // 0 means "none".
      return {
        sentUs: toUs(now) || 1,
        echoSentUs,
        echoDwellUs: dwellUs,
        intervalMs,
        misses,
        hears: hears(now),
      }
    },
    isDue: (now) => now >= dueAtMs,
    judge(now) {
      const lives = peerHears && hears(now)
      if (lives === alive) return undefined
      alive = lives
      // Tell the other side at once, in either case.
      dueAtMs = now
      return lives ? 'up' : 'down'
    },
    excuse(now) {
      if (alive) heardAtMs = Math.max(heardAtMs, now - silenceMs + peerIntervalMs)
    },
    nextAtMs: () => (alive ? Math.min(dueAtMs, heardAtMs + silenceMs) : dueAtMs),
    get alive() {
      return alive
    },
    get rttMs() {
      return rttMs
    },
  }
}
