import { hasCode, X0tError } from '@x0t/core'
import { searchRate, type RateTrial } from './rate-search.ts'

/** Loss up to which a rate counts as carried. */
const mostLossRatio = 0.01

/**
 * The highest rate of small datagrams that a path carries, packets per second. A trial in which even iperf3's own TCP
 * connection broke down lost too much.
 * @throws X0tError BENCH_MEASUREMENT_FAILED if no rate came through
 */
export async function smallDatagramRate(trial: (rate: number) => Promise<RateTrial>): Promise<number> {
  let problem: unknown
  const guarded = async (rate: number): Promise<RateTrial> => {
    try {
      return await trial(rate)
    } catch (error) {
      if (!hasCode(error, 'BENCH_MEASUREMENT_FAILED')) throw error
      problem = error
      return { receivedPerSecond: 0, lossRatio: 1 }
    }
  }
  const best = await searchRate(guarded, { from: 10_000, mostLossRatio, refinements: 4 })
  if (best > 0) return best
  throw new X0tError('BENCH_MEASUREMENT_FAILED', 'no rate of small datagrams came through', {
    cause: problem,
  })
}
