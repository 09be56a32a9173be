import { parseFaultTarget } from '../fault-spec.ts'
import type { ActiveFault } from '../manifest.ts'
import type { NetworkPlan } from '../network-plan.ts'
import { cableBetween, cablesOf, type Cable } from './cable-plan.ts'

/** A direction of a cable in which a fault drops packets. */
export interface Drop {
  readonly cable: Cable
  /** The side on which the packets come in. */
  readonly side: 0 | 1
  /** Above 0, up to 1. */
  readonly ratio: number
}

type DropFault = Pick<ActiveFault, 'target' | 'kind' | 'value'>

/** Where a fault drops packets, and how many of them; nowhere for a fault that is done in another way. */
export function dropsOf(plan: NetworkPlan, { target: text, kind, value = 1 }: DropFault): readonly Drop[] {
  const target = parseFaultTarget(text, plan)
  if (target.kind === 'link') {
    const { cable, side } = cableBetween(plan, target.from, target.to)
    const own: Drop = { cable, side, ratio: value }
    if (kind === 'blackhole') return bothSides(cable)
    if (kind === 'one-way') return [{ ...own, ratio: 1 }]
    if (kind === 'loss') return bothSides(cable, value)
    return kind === 'loss-from' ? [own] : []
  }
  if (target.kind !== 'set' || kind !== 'partition') return []
  const inside = new Set(target.hosts)
  return cablesOf(plan)
    .filter(({ sides: [one, other] }) => inside.has(one.host.host) !== inside.has(other.host.host))
    .flatMap((cable) => bothSides(cable))
}

/** For each cable the share that is dropped on each side when all these faults are at work: the greatest counts. */
export function dropRatios(
  plan: NetworkPlan,
  faults: readonly DropFault[],
): readonly { readonly cable: Cable; readonly ratios: readonly [number, number] }[] {
  const ratios = cablesOf(plan).map((): [number, number] => [0, 0])
  for (const { cable, side, ratio } of faults.flatMap((fault) => dropsOf(plan, fault)))
    ratios[cable.number]![side] = Math.max(ratios[cable.number]![side], ratio)
  return cablesOf(plan).map((cable) => ({ cable, ratios: ratios[cable.number]! }))
}

function bothSides(cable: Cable, ratio = 1): readonly Drop[] {
  return [
    { cable, side: 0, ratio },
    { cable, side: 1, ratio },
  ]
}
