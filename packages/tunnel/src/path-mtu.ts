import { maxDatagramBytes, minDatagramBytes } from './limits.ts'

/** UDP payloads worth trying: paths of 1,280, 1,380, 1,420, 1,452, 1,492, 1,500 and 9,000 bytes, over IPv6 and IPv4. */
export const mtuCandidates: readonly number[] = [
  minDatagramBytes,
  1332,
  1372,
  1392,
  1404,
  1424,
  1444,
  1452,
  1464,
  1472,
  4048,
  maxDatagramBytes,
]

/**
 * Finds the longest datagram that a link carries, by padded probes that must not be fragmented (RFC 8899). What was
 * found is confirmed every second: a path that has become narrower swallows long datagrams without a word.
 */
export interface PathMtu {
  /** Sizes to probe now, if a try or a confirmation is due. */
  due(nowMs: number): readonly number[]
  /** The other side has received a probe of this size. */
  answered(sizeBytes: number): void
  /** A longer datagram than the path carries was refused or the link changed: search anew at once. */
  restart(nowMs: number): void
  nextAtMs(): number
  readonly bytes: number
}

const tries = 3
const tryIntervalMs = 150
const roundIntervalMs = 30_000
const confirmIntervalMs = 1000
/** Confirmations in a row without an answer after which the path counts as narrower; one lost alone does not. */
const confirmTries = 4

export function createPathMtu(nowMs: number): PathMtu {
  let bytes = minDatagramBytes
  let best = 0
  let attempt = 0
  let nextAtMs = nowMs
  let unconfirmed = 0
  let confirmAtMs = Infinity

  const restart = (now: number): void => {
    attempt = 0
    best = 0
    nextAtMs = now
    confirmAtMs = Infinity
  }
  const search = (now: number): readonly number[] => {
    if (attempt === tries) {
      // All tries are over: what was answered in this round counts, be it less than before.
      bytes = Math.max(best, minDatagramBytes)
      attempt = 0
      best = 0
      nextAtMs = now + roundIntervalMs
      unconfirmed = 0
      confirmAtMs = bytes > minDatagramBytes ? now + confirmIntervalMs : Infinity
      return []
    }
    attempt++
    nextAtMs = now + tryIntervalMs
    return mtuCandidates.filter((size) => size > best)
  }
  const confirm = (now: number): readonly number[] => {
    if (unconfirmed === confirmTries) {
      bytes = minDatagramBytes
      restart(now)
      return search(now)
    }
    unconfirmed++
    confirmAtMs = now + tryIntervalMs
    return [bytes]
  }
  return {
    due(now) {
      if (now >= nextAtMs) return search(now)
      return now >= confirmAtMs ? confirm(now) : []
    },
    answered(sizeBytes) {
      if (!mtuCandidates.includes(sizeBytes)) return
      if (sizeBytes === bytes && unconfirmed > 0) {
        confirmAtMs += confirmIntervalMs - tryIntervalMs
        unconfirmed = 0
      }
      best = Math.max(best, sizeBytes)
      bytes = Math.max(bytes, best)
    },
    restart,
    nextAtMs: () => Math.min(nextAtMs, confirmAtMs),
    get bytes() {
      return bytes
    },
  }
}
