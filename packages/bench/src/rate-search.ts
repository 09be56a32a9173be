/** What came through when a rate was offered. */
export interface RateTrial {
  readonly receivedPerSecond: number
  readonly lossRatio: number
}

export interface RateSearchOptions {
  /** First rate to offer, packets per second. */
  readonly from: number
  readonly mostLossRatio: number
  /** Trials once a rate with too much loss is known. */
  readonly refinements: number
}

const growth = 1.5
const leastRate = 100
/** Rises of the offered rate that bring no more packets before the sender counts as exhausted. */
const mostIdleRises = 2

/**
 * The highest received rate at which no more than `mostLossRatio` is lost: the offered rate grows by half until too
 * much is lost, twice running as one bad trial may be chance, or until the sender sends no more; then the gap is
 * halved. 0 if even the least rates lose too much.
 */
export async function searchRate(
  trial: (rate: number) => Promise<RateTrial>,
  { from, mostLossRatio, refinements }: RateSearchOptions,
): Promise<number> {
  let best = 0
  let good = 0
  let bad = Infinity
  let idleRises = 0
  let left = refinements
  for (let rate = from; left > 0 && rate >= leastRate && idleRises < mostIdleRises;) {
    let found = await trial(rate)
    if (found.lossRatio > mostLossRatio) found = await trial(rate)
    if (found.lossRatio <= mostLossRatio) {
      if (bad === Infinity) idleRises = found.receivedPerSecond > best * 1.05 ? 0 : idleRises + 1
      best = Math.max(best, found.receivedPerSecond)
      good = rate
    } else {
      bad = rate
    }
    if (bad === Infinity) rate *= growth
    else if (good === 0) rate /= 2
    else {
      rate = (good + bad) / 2
      left--
    }
  }
  return best
}
