import type { NetworkPlan } from '@x0t/testbed'
import { seededRandom } from './seeded-random.ts'

/** One fault of a soak run: what, on what, and for how long. */
export interface PlannedFault {
  /** `link:a-b`, `node:a` or `set:a+b`. */
  readonly target: string
  /** As `x0t testbed fault` takes it: `down`, `loss=12%`, `crash`. */
  readonly action: string
  readonly holdMs: number
}

/**
 * How often each kind comes, in parts of 100: what is common in life (a lossy or slow link, a link that is down, a node
 * that restarts) more often than what is rare (a liar, a split mesh).
 */
export const faultWeights = {
  down: 13,
  blackhole: 12,
  'one-way': 8,
  loss: 13,
  'loss-from': 7,
  latency: 10,
  flap: 6,
  crash: 13,
  freeze: 8,
  byzantine: 4,
  partition: 6,
} as const

type SoakFault = keyof typeof faultWeights

const nodeFaults: readonly SoakFault[] = ['crash', 'freeze', 'byzantine']

/**
 * An endless, seeded sequence of faults on a testbed. The first host, which holds the authority, is hit like any other.
 * @param seed the same seed on the same plan gives the same faults
 */
export function* planFaults(plan: NetworkPlan, seed: number): Generator<PlannedFault, never> {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  for (;;) {
    const kind = pickKind(random())
    const holdMs = 2000 + below(8000)
    if (nodeFaults.includes(kind)) {
      yield { target: `node:${pick(plan.hosts).name}`, action: kind, holdMs }
      continue
    }
    if (kind === 'partition') {
      const hosts = connectedPart(
        plan,
        pick(plan.hosts).name,
        1 + below(Math.ceil(plan.hosts.length / 2)),
        pick,
      )
      yield { target: `set:${hosts.join('+')}`, action: kind, holdMs }
      continue
    }
    const { a, b } = pick(plan.links)
    const [from, to] = random() < 0.5 ? [a, b] : [b, a]
    yield { target: `link:${from.host}-${to.host}`, action: `${kind}${strength(kind, below)}`, holdMs }
  }
}

function pickKind(draw: number): SoakFault {
  const weights = Object.entries(faultWeights) as [SoakFault, number][]
  let left = draw * weights.reduce((sum, [, weight]) => sum + weight, 0)
  return (weights.find(([, weight]) => (left -= weight) < 0) ?? weights[0]!)[0]
}

/** Loss of 5 to 30 %, latency of 20 to 200 ms with a tenth of it as jitter, states of 200 to 1000 ms. */
function strength(kind: SoakFault, below: (limit: number) => number): string {
  if (kind === 'loss' || kind === 'loss-from') return `=${5 + below(26)}%`
  if (kind === 'latency') {
    const ms = 10 * (2 + below(19))
    return `=${ms}ms±${ms / 10}ms`
  }
  return kind === 'flap' ? `=${200 + below(801)}ms` : ''
}

/** Up to `size` hosts that hang together, but never all. */
function connectedPart(
  plan: NetworkPlan,
  first: string,
  size: number,
  pick: <T>(list: readonly T[]) => T,
): readonly string[] {
  const part = new Set([first])
  while (part.size < Math.min(size, plan.hosts.length - 1)) {
    const next = plan.links.flatMap(({ a, b }) => {
      if (part.has(a.host) === part.has(b.host)) return []
      return [part.has(a.host) ? b.host : a.host]
    })
    if (next.length === 0) break
    part.add(pick(next))
  }
  return [...part]
}
