import { createHash } from 'node:crypto'
import { perObject } from '@x0t/core'
import type { TrustBundle } from './trust-bundle.ts'

/** What was found of a chain, and while all dates in it hold. Times are milliseconds since 1970. */
interface Remembered<Found> {
  readonly found: Found
  readonly fromMs: number
  readonly untilMs: number
}

/** Most chains that are remembered of one bundle: more than a mesh has members. */
const maxChains = 4096

/**
 * Chains whose signatures and rules were found to hold under a bundle, by their SHA-256: neither can change. Dates are
 * compared at each use, and only successes are kept.
 */
export class SvidMemory<Found> {
  readonly #chains = new Map<string, Remembered<Found>>()

  get(key: string, nowMs: number): Found | undefined {
    const known = this.#chains.get(key)
    return known !== undefined && nowMs >= known.fromMs && nowMs <= known.untilMs ? known.found : undefined
  }

  set(key: string, remembered: Remembered<Found>): void {
    const [oldest] = this.#chains.keys()
    if (this.#chains.size >= maxChains && oldest !== undefined) this.#chains.delete(oldest)
    this.#chains.set(key, remembered)
  }
}

/** The memory of each bundle; it goes with the bundle. */
export function svidMemories<Found>(): (bundle: TrustBundle) => SvidMemory<Found> {
  return perObject(() => new SvidMemory<Found>())
}

/** Names a chain by all its bytes and where one certificate ends. */
export function chainKey(chainDer: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const der of chainDer) hash.update(`${der.length} `).update(der)
  return hash.digest('base64')
}
