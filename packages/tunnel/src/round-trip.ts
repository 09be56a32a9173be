/** Round trip and jitter of one link, from its probes. Times are microseconds modulo 2^32. */
export interface RoundTrip {
  /** A probe came: `sentUs` of its sender's clock, `atUs` of ours. */
  arrived(sentUs: number, atUs: number): void
  /** One of our own probes was echoed: it left at `sentUs` and lay `dwellUs` on the other side. */
  echoed(sentUs: number, dwellUs: number, atUs: number): void
  /** Forgets what was measured: the link has another path or carrier. */
  restart(): void
  /** Smoothed round trip; 0 before the first answer. */
  readonly rttMs: number
  /** Answers measured so far. */
  readonly samples: number
  /** Variation of the time on the way towards us (RFC 3550 §6.4.1). */
  readonly jitterMs: number
}

const modulus = 2 ** 32
/** A sample above a minute is a wrapped or forged clock. */
const maxSampleUs = 60e6
/** So many samples in a row on one side of the estimate are a new level, not an outlier. */
const levelSamples = 3

export function createRoundTrip(): RoundTrip {
  let rttMs = 0
  let samples = 0
  let jitterMs = 0
  let lastTransitUs: number | undefined
  let recent: number[] = []
  const leap = (): number | undefined => {
    if (recent.length < levelSamples) return undefined
    const [low, high] = [Math.min(...recent), Math.max(...recent)]
    const margin = 1 + rttMs / 4 + 2 * jitterMs
    if (low > rttMs + margin) return low
    return high < rttMs - margin ? high : undefined
  }
  return {
    arrived(sentUs, atUs) {
      const transitUs = (atUs - sentUs + 2 * modulus) % modulus
      if (lastTransitUs !== undefined) {
        // Clocks of both sides may be apart by anything; only the change counts, and that may wrap.
        const raw = (transitUs - lastTransitUs + 2 * modulus) % modulus
        const changeMs = (raw > modulus / 2 ? modulus - raw : raw) / 1000
        if (changeMs * 1000 < maxSampleUs) jitterMs += (changeMs - jitterMs) / 16
      }
      lastTransitUs = transitUs
    },
    echoed(sentUs, dwellUs, atUs) {
      const sampleUs = (atUs - sentUs - dwellUs + 2 * modulus) % modulus
      if (sampleUs >= maxSampleUs) return
      const sampleMs = sampleUs / 1000
      samples++
      recent = [...recent.slice(1 - levelSamples), sampleMs]
      rttMs = samples === 1 ? sampleMs : (leap() ?? rttMs + (sampleMs - rttMs) / 8)
    },
    restart() {
      rttMs = 0
      samples = 0
      jitterMs = 0
      lastTransitUs = undefined
      recent = []
    },
    get rttMs() {
      return rttMs
    },
    get samples() {
      return samples
    },
    get jitterMs() {
      return jitterMs
    },
  }
}
