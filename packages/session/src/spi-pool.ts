import type { Random } from '@x0t/core'
import { minSpi } from './security-association.ts'

/** The SPIs under which this node receives: random, so that nobody off the path guesses them, and each used once. */
export interface SpiPool {
  take(): number
  release(spi: number): void
}

export function createSpiPool(random: Random): SpiPool {
  const taken = new Set<number>()
  return {
    take() {
      for (;;) {
        const spi = Buffer.from(random.bytes(4)).readUInt32BE(0)
        if (spi < minSpi || taken.has(spi)) continue
        taken.add(spi)
        return spi
      }
    },
    release: (spi) => void taken.delete(spi),
  }
}
