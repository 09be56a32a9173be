import { isIP } from 'node:net'
import type { Clock } from '@x0t/core'

const maxKeys = 4096

/** How often something may happen per key. */
export interface Rate {
  /** Tokens of a full bucket. */
  readonly burst: number
  readonly perSecond: number
}

/** Token buckets by key, in bounded memory: of more than 4096 keys the one that waited longest is forgotten. */
export class TokenBuckets {
  readonly #rate: Rate
  readonly #clock: Clock
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
  }

  /** Takes one token of `key`; false if there is none. */
  take(key: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const { burst, perSecond } = this.#rate
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs }
    const tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1000)
    const allowed = tokens >= 1
    // Set anew, so that the order of the map is the order of last use.
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, atMs: nowMs })
    if (this.#buckets.size > maxKeys) {
      const oldest = this.#buckets.keys().next()
      if (oldest.done !== true) this.#buckets.delete(oldest.value)
    }
    return allowed
  }
}

/** The key under which a remote address is limited: an IPv4 address, or the /64 of an IPv6 address. */
export function rateKey(ip: string): string {
  if (isIP(ip) !== 6) return ip
  const [head = '', tail = ''] = ip.split('::', 2)
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const gap = ip.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0
  const groups = [...left, ...Array.from({ length: gap }, () => '0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}
