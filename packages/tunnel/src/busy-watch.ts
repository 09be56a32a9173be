/** Tells when a thread begins to be busy, and when it is light again. */
export interface BusyWatch {
  /** The thread slept between these times. */
  slept(fromMs: number, toMs: number): 'busy' | 'light' | undefined
}

const windowMs = 100
/** Share of a window awake above which a thread is busy, and below which it is light again. */
const busyRatio = 0.5
const lightRatio = 0.25

export function createBusyWatch(startMs: number): BusyWatch {
  let windowStartMs = startMs
  let asleepMs = 0
  let isBusy = false
  return {
    slept(fromMs, toMs) {
      asleepMs += toMs - fromMs
      const spanMs = toMs - windowStartMs
      if (spanMs < windowMs) return undefined
      const awakeRatio = 1 - asleepMs / spanMs
      windowStartMs = toMs
      asleepMs = 0
      if (awakeRatio > busyRatio === isBusy || (isBusy && awakeRatio > lightRatio)) return undefined
      isBusy = !isBusy
      return isBusy ? 'busy' : 'light'
    },
  }
}
