import { createHash } from 'node:crypto'

/** A DNS label that members share and that tells strangers on the network nothing but that x0t is here. */
export function mdnsTagOf(trustDomain: string): string {
  return `x0t-${createHash('sha256').update(`x0t-mdns-v1${trustDomain}`).digest('hex').slice(0, 16)}`
}
