import type { Clock, Random } from './ports.ts'

/** Longest delay of a JavaScript timer, milliseconds; a longer one would fire at once. */
export const maxTimerMs = 2 ** 31 - 1

/** The real time of this process. Timers do not keep the process alive. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), maxTimerMs))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Random bytes of the operating system. */
export const systemRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}
