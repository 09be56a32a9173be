/**
 * Sliding window against replay (RFC 4303 §3.4.3, the bitmap of RFC 6479). Call {@link ReplayWindow.accept}
 * only with numbers whose integrity has been checked: a forged number would move the window.
 */
export interface ReplayWindow {
  /** False for a number seen before, left of the window, zero, or past 2^53 - 1. Changes nothing. */
  isNew(number: number): boolean
  /** Records a number; false, as {@link ReplayWindow.isNew}, if it must be dropped. */
  accept(number: number): boolean
  /** Highest number accepted so far; 0 before the first. */
  highest(): number
}

/** @param size numbers that may be late and still be accepted; a power of two, 64 or more */
export function createReplayWindow(size: number): ReplayWindow {
  if (size < 64 || (size & (size - 1)) !== 0)
    throw new RangeError(`window of ${size} is not a power of two >= 64`)
  // One word more than the window, so that a word can be cleared as a whole when the window enters it.
  const words = new Int32Array((size * 2) / 32)
  const mask = size * 2 - 1
  let top = 0
  const isNew = (number: number): boolean => {
    if (number > top) return number <= Number.MAX_SAFE_INTEGER
    if (number <= 0 || number + size <= top) return false
    const bit = number % (mask + 1)
    return (words[bit >>> 5]! & (1 << (bit & 31))) === 0
  }
  return {
    isNew,
    accept(number) {
      if (!isNew(number)) return false
      if (number > top) {
        const fromWord = Math.floor(top / 32)
        const toWord = Math.floor(number / 32)
        if (toWord - fromWord >= words.length) words.fill(0)
        else for (let word = fromWord + 1; word <= toWord; word++) words[word % words.length] = 0
        top = number
      }
      const bit = number % (mask + 1)
      words[bit >>> 5]! |= 1 << (bit & 31)
      return true
    },
    highest: () => top,
  }
}
