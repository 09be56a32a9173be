import type { Answer } from './requester.ts'

/** A probe that has ended. Only the times and the failure matter. */
export type Probe = Pick<Answer, 'startMs' | 'firstByteMs' | 'endMs' | 'failure'>

export interface OutageQuery {
  /** When the injection began. */
  readonly injectedMs: number
  /** The service is back only if nothing fails for this long after its first good answer. */
  readonly stableMs: number
  readonly nowMs: number
  /** Starts of the probes that have not ended. */
  readonly pending: readonly number[]
  /** A time to first byte of at most this is normal: the 95th percentile from before. */
  readonly normalMs: number
}

/**
 * `untouched`: nothing has failed since the injection. `down`: the last thing known is a failure, or the time since the
 * first good answer is too short. `slow`: back and stable, but every answer is slower than normal. `back`: all well,
 * and `fastMs` is the end of the first answer that was as fast as before.
 */
export type Outage =
  | { readonly state: 'untouched' }
  | { readonly state: 'down'; readonly firstFailedMs: number }
  | { readonly state: 'slow'; readonly firstFailedMs: number; readonly backMs: number }
  | {
      readonly state: 'back'
      readonly firstFailedMs: number
      readonly backMs: number
      readonly fastMs: number
    }

/**
 * What the probes tell about an injection, on their clock. An outage lasts from the start of the first failed probe
 * (not before the injection) until the first good answer to a probe that was sent after the last failed one.
 */
export function findOutage(
  probes: readonly Probe[],
  { injectedMs, stableMs, nowMs, pending, normalMs }: OutageQuery,
): Outage {
  let [firstFailedMs, lastFailedMs] = [Infinity, -Infinity]
  for (const { startMs, endMs, failure } of probes) {
    if (failure === undefined || endMs < injectedMs) continue
    firstFailedMs = Math.min(firstFailedMs, Math.max(startMs, injectedMs))
    lastFailedMs = Math.max(lastFailedMs, startMs)
  }
  if (firstFailedMs === Infinity) return { state: 'untouched' }
  let [backMs, fastMs] = [Infinity, Infinity]
  for (const { startMs, endMs, firstByteMs = Infinity } of probes) {
    if (startMs <= lastFailedMs) continue
    backMs = Math.min(backMs, endMs)
    if (firstByteMs - startMs <= normalMs) fastMs = Math.min(fastMs, endMs)
  }
  const stableUntilMs = backMs + stableMs
  // A probe that still waits may yet turn out to have failed.
  const settled = nowMs >= stableUntilMs && pending.every((startMs) => startMs > stableUntilMs)
  if (!settled) return { state: 'down', firstFailedMs }
  if (fastMs === Infinity) return { state: 'slow', firstFailedMs, backMs }
  return { state: 'back', firstFailedMs, backMs, fastMs }
}
