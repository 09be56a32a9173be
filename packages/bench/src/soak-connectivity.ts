import type { NetworkPlan } from '@x0t/testbed'

/** What a fault does to who can reach whom. */
export interface Disturbance {
  /** As injected: `link:a-b`, `node:a`, `set:a+b`. */
  readonly target: string
  readonly kind: string
}

/** Hosts that probe each other, as indexes into the hosts of the plan. */
export type ProbePair = readonly [number, number]

/** Links that carry nothing usable. A link that loses or delays is a link all the same. */
const cutting: readonly string[] = ['down', 'blackhole', 'one-way', 'flap']
const ending: readonly string[] = ['crash', 'freeze']

/**
 * Which pairs should reach each other: both ends run, and links and hosts that work join them. It asks what is
 * physically possible, not what the mesh has found out yet. A byzantine host can be reached, not passed.
 */
export function connectedPairs(
  plan: NetworkPlan,
  pairs: readonly ProbePair[],
  disturbances: readonly Disturbance[],
): readonly boolean[] {
  const hitBy = (kinds: readonly string[], target: string): boolean =>
    disturbances.some((one) => kinds.includes(one.kind) && one.target === target)
  const sets = disturbances
    .filter(({ kind }) => kind === 'partition')
    .map(({ target }) => new Set(target.slice('set:'.length).split('+')))
  const names = plan.hosts.map(({ name }) => name)
  const dead = names.map((name) => hitBy(ending, `node:${name}`))
  const silent = names.map((name) => hitBy(['byzantine'], `node:${name}`))
  const neighbours = names.map((): number[] => [])
  for (const { a, b } of plan.links) {
    if (hitBy(cutting, `link:${a.host}-${b.host}`) || hitBy(cutting, `link:${b.host}-${a.host}`)) continue
    if (sets.some((set) => set.has(a.host) !== set.has(b.host))) continue
    const [first, second] = [names.indexOf(a.host), names.indexOf(b.host)]
    neighbours[first]!.push(second)
    neighbours[second]!.push(first)
  }
  const reached = names.map((_, source) => {
    const found = new Set(dead[source]! ? [] : [source])
    for (const host of found) {
      if (silent[host]! && host !== source) continue
      for (const next of neighbours[host]!) if (!dead[next]!) found.add(next)
    }
    return found
  })
  return pairs.map(([from, to]) => reached[from]!.has(to))
}

/**
 * Pairs to probe: all of them, or, where those are more than `most`, each host with those that follow it at distances of
 * 1, 2, … in the list, so that every host is in as many.
 */
export function probePairs(hosts: number, most: number): readonly ProbePair[] {
  const pairs: ProbePair[] = []
  for (let distance = 1; distance <= hosts / 2; distance++) {
    for (let from = 0; from < hosts; from++) {
      const to = (from + distance) % hosts
      // Half way round every pair comes twice.
      if (2 * distance === hosts && from >= to) continue
      pairs.push([from, to])
    }
    if (pairs.length >= most) break
  }
  return pairs
}
