import type { NetworkPlan } from '@x0t/testbed'
import { seededRandom } from './seeded-random.ts'

/** One fault of a soak run: what, on what, and for how long. */
export interface PlannedFault {
  /** `link:a-b` or `node:a`. */
  readonly target: string
  /** `down`, `blackhole`, `loss=12%`, `crash`, `freeze`. */
  readonly action: string
  readonly holdMs: number
}

const kinds = ['down', 'blackhole', 'loss', 'crash', 'freeze'] as const

/**
 * An endless, seeded sequence of faults on a testbed. The first host, which holds the authority, is hit like any other.
 * @param seed the same seed on the same plan gives the same faults
 */
export function* planFaults(plan: NetworkPlan, seed: number): Generator<PlannedFault, never> {
  const random = seededRandom(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  for (;;) {
    const kind = pick(kinds)
    const holdMs = 2000 + Math.floor(random() * 8000)
    if (kind === 'crash' || kind === 'freeze') {
      yield { target: `node:${pick(plan.hosts).name}`, action: kind, holdMs }
      continue
    }
    const { a, b } = pick(plan.links)
    const action = kind === 'loss' ? `loss=${5 + Math.floor(random() * 26)}%` : kind
    yield { target: `link:${a.host}-${b.host}`, action, holdMs }
  }
}
