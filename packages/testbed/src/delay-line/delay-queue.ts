/**
 * Frames that wait, in the order in which they came: a frame never overtakes the one before it, as on a path whose
 * delay varies with the length of a queue.
 */
export interface DelayQueue<T> {
  /** Takes a frame unless too many bytes wait already; returns whether it was taken. */
  add(frame: T, bytes: number, nowMs: number): boolean
  /** The next frame whose time has come, undefined if there is none. */
  take(nowMs: number): T | undefined
  /** When the next frame is due, Infinity where none waits. */
  nextMs(): number
}

/**
 * @param random uniform in [0, 1): each frame waits `latencyMs` ± `jitterMs`, but at least until the one before it left
 */
export function delayQueue<T>({
  latencyMs,
  jitterMs,
  maxBytes,
  random,
}: {
  readonly latencyMs: number
  readonly jitterMs: number
  readonly maxBytes: number
  readonly random: () => number
}): DelayQueue<T> {
  let waiting: { readonly frame: T; readonly bytes: number; readonly dueMs: number }[] = []
  let first = 0
  let waitingBytes = 0
  let lastDueMs = -Infinity
  return {
    add(frame, bytes, nowMs) {
      if (waitingBytes + bytes > maxBytes) return false
      lastDueMs = Math.max(lastDueMs, nowMs + latencyMs + jitterMs * (2 * random() - 1))
      waiting.push({ frame, bytes, dueMs: lastDueMs })
      waitingBytes += bytes
      return true
    },
    take(nowMs) {
      const next = waiting[first]
      if (next === undefined || next.dueMs > nowMs) return undefined
      first++
      waitingBytes -= next.bytes
      // Shifting an array costs its length; so what has left is cut off once it is the larger part.
      if (first > 64 && 2 * first > waiting.length) {
        waiting = waiting.slice(first)
        first = 0
      }
      return next.frame
    },
    nextMs: () => waiting[first]?.dueMs ?? Infinity,
  }
}
