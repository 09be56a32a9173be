import type { FaultSteps } from './fault-steps.ts'
import type { LinkEnd, NetworkPlan, PlannedLink } from './network-plan.ts'
import { chainAt, nftFault, type RuleSet } from './nft-fault.ts'

/** Drops both directions of a link in silence, both at once; the carrier stays. */
export function blackhole({ a, b }: PlannedLink): FaultSteps {
  return nftFault([bothWays('x0t_blackhole', [a], -500)], bothTests([{ own: a, other: b }]))
}

/**
 * Drops what `from` sends to `to` in silence; the other direction works. It goes at its receiver, so that no system
 * call of the sender can tell.
 */
export function oneWay(from: LinkEnd, to: LinkEnd): FaultSteps {
  const table = {
    family: 'netdev',
    name: `x0t_one_way_${to.index}`,
    chains: [chainAt(to, 'ingress', -490, 'counter drop')],
  } as const
  return nftFault([{ namespace: to.namespace, tables: [table] }], [{ from, to, lost: true }])
}

/**
 * Drops everything between these hosts and all others in silence: each of them at one moment, all of them within some
 * milliseconds.
 */
export function partition(plan: NetworkPlan, hosts: readonly string[]): FaultSteps {
  const inside = new Set(hosts)
  const crossing = plan.links.flatMap(({ a, b }) => {
    if (inside.has(a.host) === inside.has(b.host)) return []
    return [inside.has(a.host) ? { own: a, other: b } : { own: b, other: a }]
  })
  const byHost = Map.groupBy(crossing, ({ own }) => own.host)
  const ruleSets = [...byHost.values()].map((ends) =>
    bothWays(
      'x0t_partition',
      ends.map(({ own }) => own),
      -480,
    ),
  )
  return nftFault(ruleSets, bothTests(crossing))
}

/** Chains at the ends of one host, which drop both directions. */
function bothWays(name: string, ends: readonly LinkEnd[], priority: number): RuleSet {
  const chains = ends.flatMap((end) => [
    chainAt(end, 'ingress', priority, 'counter drop'),
    chainAt(end, 'egress', priority, 'counter drop'),
  ])
  const { namespace, index } = ends[0]!
  return { namespace, tables: [{ family: 'netdev', name: `${name}_${index}`, chains }] }
}

function bothTests(
  ends: readonly { readonly own: LinkEnd; readonly other: LinkEnd }[],
): readonly { readonly from: LinkEnd; readonly to: LinkEnd; readonly lost: true }[] {
  return ends.flatMap(({ own, other }) => [
    { from: own, to: other, lost: true },
    { from: other, to: own, lost: true },
  ])
}
