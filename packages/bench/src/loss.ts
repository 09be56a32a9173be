import { X0tError } from '@x0t/core'
import { disableOffloads, injectFault, lossCounters } from '@x0t/testbed'
import type { Lab } from './lab.ts'

/** What was lost on the links of a lab, by the kernel's counters. */
export interface InjectedLoss {
  readonly seen: number
  readonly dropped: number
}

/** Lets every link of the lab lose packets by chance, in each direction. Offloads go off, or whole bursts would go. */
export async function injectLoss(lab: Lab, lossRatio: number): Promise<void> {
  const percent = Number((lossRatio * 100).toFixed(4))
  for (const { a, b } of lab.links) await injectFault(lab.bed, `link:${a.host}-${b.host}`, `loss=${percent}%`)
}

/** Turns the offloads of every link off, as {@link injectLoss} does, for runs without loss to compare with. */
export async function withoutOffloads(lab: Lab): Promise<void> {
  for (const link of lab.links) await disableOffloads(link, lab.bed.run)
}

/**
 * Reads the counters and checks them against what was asked for.
 * @throws X0tError BENCH_LOSS_UNREAL if the share dropped lies beyond chance
 */
export async function checkLoss(lab: Lab, lossRatio: number): Promise<InjectedLoss> {
  let [seen, dropped] = [0, 0]
  for (const link of lab.links) {
    const counters = await lossCounters(link, lab.bed.run)
    seen += counters.seen
    dropped += counters.dropped
  }
  if (!isPlausible({ seen, dropped }, lossRatio)) {
    const share = ((dropped / Math.max(seen, 1)) * 100).toFixed(3)
    throw new X0tError(
      'BENCH_LOSS_UNREAL',
      `${dropped} of ${seen} packets dropped (${share} %), ${lossRatio * 100} % asked for`,
    )
  }
  return { seen, dropped }
}

/** True if the count lies within six standard deviations of a binomial, and something was seen at all. */
export function isPlausible({ seen, dropped }: InjectedLoss, lossRatio: number): boolean {
  const deviation = Math.sqrt(seen * lossRatio * (1 - lossRatio))
  return seen > 0 && Math.abs(dropped - seen * lossRatio) <= Math.max(6 * deviation, 3)
}
