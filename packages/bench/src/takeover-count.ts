import { X0tError } from '@x0t/core'
import { firstArrivals, firstAt } from './mttr/measure-stream.ts'
import type { StreamLog } from './mttr/stream/log.ts'

/** What became of a stretch of the stream. */
export interface BurstCount {
  readonly lost: number
  /** Longest run of missing numbers times the interval, ms. */
  readonly outageMs: number
  /** From the kill until the first that was lost was sent, ms; negative before it, absent where none was. */
  readonly firstLossMs?: number
}

/**
 * Counts what was lost of the first `packets` datagrams that were sent from an instant on; numbers that the sender passed
 * over are none.
 * @param killedMs must lie within them
 * @throws X0tError BENCH_MEASUREMENT_FAILED if the stream is shorter, or the kill was outside of it
 */
export function countBurst(
  log: StreamLog,
  {
    fromMs,
    packets,
    killedMs,
  }: { readonly fromMs: number; readonly packets: number; readonly killedMs: number },
): BurstCount {
  const { sentMs, intervalMs } = log
  const { arrivedMs } = firstArrivals(log)
  let [sent, lost, run, longest] = [0, 0, 0, 0]
  let lastMs = NaN
  let firstLossMs: number | undefined
  for (let at = firstAt(sentMs, fromMs); at < sentMs.length && sent < packets; at++) {
    const isSkipped = Number.isNaN(sentMs[at]!)
    if (!isSkipped) {
      sent++
      lastMs = sentMs[at]!
    }
    const isMissing = !isSkipped && Number.isNaN(arrivedMs[at]!)
    if (isMissing) lost++
    if (isMissing) firstLossMs ??= sentMs[at]! - killedMs
    // A number that was passed over does not end a run.
    run = isMissing || (isSkipped && run > 0) ? run + 1 : 0
    longest = Math.max(longest, run)
  }
  if (sent < packets)
    throw new X0tError('BENCH_MEASUREMENT_FAILED', `the sender sent ${sent} of ${packets} datagrams in time`)
  if (!(killedMs > fromMs && killedMs < lastMs))
    throw new X0tError('BENCH_MEASUREMENT_FAILED', 'the kill was not in the middle of the datagrams')
  return { lost, outageMs: longest * intervalMs, ...(firstLossMs === undefined ? {} : { firstLossMs }) }
}
