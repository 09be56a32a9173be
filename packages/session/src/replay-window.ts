/** Sequence numbers below the highest one seen that may still arrive late. */
export const replayWindowSize = 8192

const wordBits = 32

/**
 * Sliding window against replays (RFC 4303 §3.4.3) with the ring of words of RFC 6479: 64-bit sequence numbers, from 1.
 * Only numbers that the AEAD authenticated may be recorded: ask {@link isFresh} before opening a unit, and
 * {@link accept} after it, so that a forged number never moves the window.
 */
export class ReplayWindow {
  readonly #words: Uint32Array<ArrayBuffer>
  readonly #size: bigint
  #highest = 0n

  /** @param size a multiple of 32, at least 32 */
  constructor(size: number = replayWindowSize) {
    if (!Number.isInteger(size) || size < wordBits || size % wordBits !== 0)
      throw new RangeError(`a replay window has a multiple of ${wordBits} places, not ${size}`)
    this.#size = BigInt(size)
    // One word more than the window: the word of the highest number is cleared as a whole when entered.
    this.#words = new Uint32Array(size / wordBits + 1)
  }

  /** Highest number recorded; 0 at first. */
  get highest(): bigint {
    return this.#highest
  }

  /** True if the number was not recorded and is not too old. */
  isFresh(sequence: bigint): boolean {
    if (sequence < 1n) return false
    if (sequence > this.#highest) return true
    if (this.#highest - sequence >= this.#size) return false
    return (this.#words[this.#wordOf(sequence)]! & maskOf(sequence)) === 0
  }

  /** Records an authenticated number. False, and nothing changed, if it is a replay or too old. */
  accept(sequence: bigint): boolean {
    if (!this.isFresh(sequence)) return false
    if (sequence > this.#highest) this.#advance(sequence)
    this.#words[this.#wordOf(sequence)]! |= maskOf(sequence)
    return true
  }

  #advance(sequence: bigint): void {
    const from = this.#highest >> 5n
    const steps = (sequence >> 5n) - from
    const words = this.#words.length
    if (steps >= BigInt(words)) this.#words.fill(0)
    else for (let step = 1n; step <= steps; step++) this.#words[Number((from + step) % BigInt(words))] = 0
    this.#highest = sequence
  }

  #wordOf(sequence: bigint): number {
    return Number((sequence >> 5n) % BigInt(this.#words.length))
  }
}

function maskOf(sequence: bigint): number {
  return 1 << Number(sequence & 31n)
}
