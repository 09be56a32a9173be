/**
 * How long a link that went down must be heard steadily before it is up again: three intervals the first time, then
 * 100 ms, 200 ms and so on up to 2 s for each further time within ten seconds (the idea of RFC 2439, with a window in
 * place of its penalty).
 */
export interface FlapDamping {
  down(nowMs: number): void
  holdMs(intervalMs: number, nowMs: number): number
}

const windowMs = 10_000
const maxHoldMs = 2000

export function createFlapDamping(): FlapDamping {
  let downsAtMs: number[] = []
  return {
    down(nowMs) {
      downsAtMs = [...downsAtMs.filter((atMs) => nowMs - atMs < windowMs), nowMs].slice(-16)
    },
    holdMs(intervalMs, nowMs) {
      const downs = downsAtMs.filter((atMs) => nowMs - atMs < windowMs).length
      if (downs === 0) return 0
      return downs === 1 ? Math.min(3 * intervalMs, maxHoldMs) : Math.min(maxHoldMs, 100 * 2 ** (downs - 2))
    },
  }
}
