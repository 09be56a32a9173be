import { limits } from './limits.ts'
import type { MetricParameters } from './parameters.ts'

/** What carries a link's datagrams: UDP, or sealed frames in the TLS stream. */
export type Carrier = 'udp' | 'tls'

/** What was measured of a link to a neighbour. */
export interface LinkMeasurement {
  /** Smoothed round-trip time, ms. */
  readonly rttMs: number
  /** Share of datagrams lost one way, 0 to 1. */
  readonly lossRatio: number
  /** Largest UDP payload that passes the link, bytes. */
  readonly datagramBytes: number
  readonly carrier: Carrier
}

/**
 * Cost of a link in µs: hopUs + rtt / (1 − loss)².
 *
 * 1 / (1 − loss)² is ETX (De Couto et al., MobiCom 2003, §3: 1 / (d_f · d_r)) with the same loss both ways;
 * times the round-trip time it estimates the time until a datagram and its answer have passed, as ETT weighs
 * transmissions by their duration (Draves et al., MobiCom 2004, §3.2). Always in [1, 60,000,000].
 */
export function linkCostUs(measurement: LinkMeasurement, parameters: MetricParameters): number {
  const { rttMs, lossRatio, carrier } = measurement
  if (!(rttMs >= 0) || !(lossRatio >= 0)) return limits.linkCostUs
  const delivered = 1 - Math.min(lossRatio, 0.99)
  const factor = carrier === 'tls' ? parameters.tlsFactor : 1
  const costUs = parameters.hopUs + (factor * rttMs * 1000) / delivered ** 2
  return Math.min(Math.max(Math.round(costUs), 1), limits.linkCostUs)
}

/**
 * Whether a new cost should replace the one in use: hysteresis, so that noise neither floods nor re-routes.
 * A cost that at least doubled is taken at once, one that fell to a quarter (a link that recovered) after a fifth of
 * `minIntervalMs`, anything else after all of it.
 */
export function isCostChange(
  usedUs: number,
  measuredUs: number,
  usedForMs: number,
  parameters: MetricParameters,
): boolean {
  const differenceUs = Math.abs(measuredUs - usedUs)
  if (differenceUs < parameters.changeUs || differenceUs < usedUs * parameters.changeRatio) return false
  if (measuredUs >= 2 * usedUs) return true
  const hasRecovered = 4 * measuredUs <= usedUs
  return usedForMs >= (hasRecovered ? parameters.minIntervalMs / 5 : parameters.minIntervalMs)
}
