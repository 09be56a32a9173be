import { messageOf, type NodeId } from '@x0t/core'
import type { ActionName, Diagnosis, EffectResult } from '@x0t/mape-k'
import type { Avoidance } from './avoidance.ts'

/** What the effectors act on. */
export interface EffectorTargets {
  readonly avoidance: Avoidance
  readonly sessions: {
    drop(peer: NodeId): void
    ensure(peer: NodeId): void
    renew(peer: NodeId): void
    list(): readonly { readonly sa: { readonly peer: NodeId } }[]
  }
  /** Renews the certificate now; why not, where that failed. */
  readonly renewSvid: () => Promise<string | undefined>
  /** Agrees the link to a neighbour anew; false where no control connection lets it. */
  readonly renewLink: (id: NodeId) => boolean
  /** Dials all addresses without waiting; false while there is no control plane. */
  readonly retryDials: () => boolean
  /** Routes whose next hop this is. */
  readonly routesOver: (id: NodeId) => number
  readonly neighbours: () => readonly NodeId[]
  readonly restoreLastGoodPolicy: () => string | undefined
  readonly restartSubsystem: (name: string) => Promise<string | undefined>
  readonly nameOf: (id: NodeId) => string
}

/** How long traffic is led round a neighbour, or it is kept out, before it gets another chance. */
const avoidForMs = 15_000
const quarantineForMs = 120_000

/** Carries out an action on the real thing, and says what that changed, or why it could not be done. */
export async function carryOut(
  action: ActionName,
  { entity }: Pick<Diagnosis, 'entity'>,
  targets: EffectorTargets,
): Promise<EffectResult> {
  const [kind, id] = entity.split(':', 2)
  const node = kind === 'node' ? (id as NodeId) : undefined
  try {
    return await effects[action](targets, node, id ?? entity)
  } catch (error) {
    return { did: false, why: messageOf(error) }
  }
}

type Effect = (
  targets: EffectorTargets,
  node: NodeId | undefined,
  what: string,
) => EffectResult | Promise<EffectResult>

const done = (changed: string): EffectResult => ({ did: true, changed })
const not = (why: string): EffectResult => ({ did: false, why })
const needsNeighbour = 'this is not about a neighbour'
const needsMember = 'this is not about a member'

const effects: Readonly<Record<ActionName, Effect>> = {
  reroute({ avoidance, routesOver, neighbours, nameOf }, node) {
    if (node === undefined || !neighbours().includes(node)) return not(needsNeighbour)
    const before = routesOver(node)
    avoidance.avoid(node, avoidForMs)
    return done(
      `the link to ${nameOf(node)} counts as half lost for ${avoidForMs / 1000} s; ${before} routes led over it`,
    )
  },
  'restart-session'({ sessions, nameOf }, node) {
    if (node === undefined) return not(needsMember)
    const had = sessions.list().filter(({ sa }) => sa.peer === node).length
    sessions.drop(node)
    sessions.ensure(node)
    return done(`dropped ${had} associations with ${nameOf(node)} and began a new session`)
  },
  redial({ renewLink, retryDials, neighbours, nameOf }, node) {
    if (node !== undefined && neighbours().includes(node) && renewLink(node))
      return done(`offered ${nameOf(node)} new keys and ids for the link`)
    return retryDials()
      ? done('dialled all known addresses without waiting')
      : not('the control plane is not up')
  },
  async 'renew-svid'({ renewSvid }) {
    const why = await renewSvid()
    return why === undefined ? done('the certificate was renewed') : not(why)
  },
  rekey({ sessions, nameOf }, node) {
    if (node === undefined) return not(needsMember)
    if (!sessions.list().some(({ sa }) => sa.peer === node))
      return not(`there is no session with ${nameOf(node)}`)
    sessions.renew(node)
    return done(`began to make new keys with ${nameOf(node)}`)
  },
  async 'restart-subsystem'({ restartSubsystem }, _node, what) {
    const why = await restartSubsystem(what)
    return why === undefined ? done(`the ${what} was started again`) : not(why)
  },
  'quarantine-neighbour'({ avoidance, neighbours, nameOf }, node) {
    if (node === undefined || !neighbours().includes(node)) return not(needsNeighbour)
    avoidance.quarantine(node, quarantineForMs)
    return done(`nothing is routed over ${nameOf(node)} for ${quarantineForMs / 1000} s`)
  },
  'rollback-config'({ restoreLastGoodPolicy }) {
    const restored = restoreLastGoodPolicy()
    return restored === undefined ? not('no earlier policy is kept') : done(restored)
  },
}
