import type { NodeId } from '@x0t/core'
import type { Route } from '@x0t/mesh'
import type { HitlessRule } from './config/kind.ts'
import { meansNode } from './node-reference.ts'

/** How far what this node sends to a member is safe from any single failure. */
export interface Hitlessness {
  /** Asked for by a setting, for all traffic to this member. Classes of traffic are decided packet by packet. */
  readonly isAsked: boolean
  /**
   * Members that both trees pass, whose death would lose packets all the same; null while the trees are not known, when
   * packets go one way only.
   */
  readonly sharedNodes: NodeId[] | null
}

/** The classes of traffic among the rules. */
export function hitlessClasses(rules: readonly HitlessRule[]): number[] {
  return rules.flatMap((rule) => (rule.kind === 'class' ? [rule.dscp] : []))
}

/** True if the rules ask for two paths to this member. A beginning that fits several members means all of them. */
export function isHitless(rules: readonly HitlessRule[], id: NodeId, name: string): boolean {
  return rules.some((rule) => {
    if (rule.kind !== 'member') return rule.kind === 'all'
    return meansNode(rule.reference, { id, name })
  })
}

/** What hitless means for this route at present. */
export function hitlessness(rules: readonly HitlessRule[], route: Route, name: string): Hitlessness {
  const { red, blue, destination } = route
  return {
    isAsked: isHitless(rules, destination, name),
    sharedNodes:
      red === undefined || blue === undefined
        ? null
        : red.path.filter((id) => id !== destination && blue.path.includes(id)),
  }
}
