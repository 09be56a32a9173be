import { limits } from './limits.ts'
import type { MetricParameters } from './parameters.ts'

/** What carries a link's datagrams: UDP, or sealed frames in the TLS stream. */
export type Carrier = 'udp' | 'tls'

/** What was measured of a link to a neighbour. */
export interface LinkMeasurement {
  /** Smoothed round-trip time, ms. */
  readonly rttMs: number
  /** Share of datagrams lost on the way to the neighbour, 0 to 1. */
  readonly lossRatio: number
  /** Largest UDP payload that passes the link, bytes. */
  readonly datagramBytes: number
  readonly carrier: Carrier
}

/**
 * Cost of a link in µs: hopUs + rtt / (1 − loss)² + lossUs · loss / (1 − loss).
 *
 * 1 / (1 − loss)² is ETX (De Couto et al., MobiCom 2003, §3: 1 / (d_f · d_r)) with the same loss both ways;
 * times the round-trip time it estimates the time until a datagram and its answer have passed, as ETT weighs
 * transmissions by their duration (Draves et al., MobiCom 2004, §3.2). On a short link that is next to nothing, while
 * whoever waits for a lost datagram waits for a timer of its sender: lossUs for each of the loss / (1 − loss) losses
 * that are to be expected. So 2 % on a LAN cost more than another two hops. Always in [1, 60,000,000].
 */
export function linkCostUs(measurement: LinkMeasurement, parameters: MetricParameters): number {
  const { rttMs, lossRatio, carrier } = measurement
  if (!(rttMs >= 0) || !(lossRatio >= 0)) return limits.linkCostUs
  const lost = Math.min(lossRatio, 0.99)
  const factor = carrier === 'tls' ? parameters.tlsFactor : 1
  const costUs =
    parameters.hopUs + (factor * rttMs * 1000) / (1 - lost) ** 2 + (parameters.lossUs * lost) / (1 - lost)
  return Math.min(Math.max(Math.round(costUs), 1), limits.linkCostUs)
}
