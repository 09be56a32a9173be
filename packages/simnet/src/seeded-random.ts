import type { Random } from '@x0t/core'

/** Random numbers that a seed fixes. Not for keys: they can be predicted. */
export interface SeededRandom extends Random {
  /** Uniform in [0, 1). */
  number(): number
  /** Uniform integer in [0, below). */
  integer(below: number): number
}

/** Generator sfc32 (Chris Doty-Humphrey, PractRand), seeded by a text through FNV-1a. */
export function createSeededRandom(seed: string): SeededRandom {
  let hash = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193)
  let a = hash
  let b = Math.imul(hash, 0x9e3779b1)
  let c = hash ^ 0x5bd1e995
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  // As its author advises: the first outputs are not mixed yet.
  for (let i = 0; i < 15; i++) next()
  const number = (): number => next() / 2 ** 32
  return {
    number,
    integer: (below) => Math.floor(number() * below),
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let i = 0; i < length; i++) bytes[i] = next()
      return bytes
    },
  }
}
