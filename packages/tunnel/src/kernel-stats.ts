import type { KernelCounter } from './fast-path-layout.ts'
import type { StatName, Stats } from './shared-state.ts'

/** Which counter of the data plane each one of the program belongs to; the others concern its own probes. */
const sameAs: Readonly<Partial<Record<KernelCounter, StatName>>> = {
  forwarded: 'datagramsForwarded',
  toRepair: 'datagramsToRepair',
  toTree: 'datagramsToTree',
  toSilent: 'datagramsToSilent',
  droppedTooShort: 'droppedTooShort',
  droppedBadTag: 'droppedBadTag',
  droppedReplay: 'droppedHopReplay',
  droppedHopLimit: 'droppedHopLimit',
  droppedLoop: 'droppedLoop',
}

/** Counters of the workers and of the program in the kernel together. */
export function withKernelCounters(
  stats: Stats,
  counters: Readonly<Record<KernelCounter, number>> | undefined,
): Stats {
  if (counters === undefined) return stats
  const sums: Record<StatName, number> = { ...stats }
  for (const [name, stat] of Object.entries(sameAs)) sums[stat] += counters[name as KernelCounter]
  return sums
}
