import type { Bed } from '../bed.ts'
import { cablesOf } from './cable-plan.ts'
import type { SideCounters } from './fault-switch.ts'
import { openFaultSwitch } from './switch-map.ts'

/** What a cable has carried and what its faults have dropped in one direction. */
export interface CableCounters extends SideCounters {
  readonly from: string
  readonly to: string
}

/**
 * Packets passed and dropped by the cables of a testbed, by direction, as the kernel counts them.
 * @throws X0tError TESTBED_CABLES_UNAVAILABLE if its links are no cables with a program
 */
export async function cableCounters(bed: Pick<Bed, 'plan' | 'folder'>): Promise<readonly CableCounters[]> {
  using map = await openFaultSwitch(bed.folder)
  return cablesOf(bed.plan).flatMap((cable) => {
    const [one, other] = cable.sides.map(({ host }) => host.host) as [string, string]
    return [
      { from: one, to: other, ...map.switch.counters(cable, 0) },
      { from: other, to: one, ...map.switch.counters(cable, 1) },
    ]
  })
}
