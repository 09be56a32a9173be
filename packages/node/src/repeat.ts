import type { Clock } from '@x0t/core'

/** Runs `run` every `intervalMs`, first after the first interval; the returned function ends it. */
export function every(clock: Clock, intervalMs: number, run: () => void): () => void {
  let cancel = clock.setTimer(intervalMs, tick)
  function tick(): void {
    run()
    cancel = clock.setTimer(intervalMs, tick)
  }
  return () => cancel()
}
