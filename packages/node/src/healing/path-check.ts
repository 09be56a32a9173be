import type { Clock, NodeId } from '@x0t/core'
import type { LoopEvent, Reading } from '@x0t/mape-k'
import type { Route } from '@x0t/mesh'
import type { SeenMesh } from './ports.ts'

export interface PathCheckOptions {
  readonly mesh: Pick<SeenMesh, 'routes' | 'trace'>
  readonly isLinkUp: (id: NodeId) => boolean
  readonly nameOf: (id: NodeId) => string
  readonly clock: Clock
  readonly send: (event: LoopEvent) => void
  readonly read: (reading: Reading) => void
}

/** Finds out whether traffic that was moved off a neighbour gets through. */
export interface PathCheck extends Disposable {
  /** A neighbour went down; `before` are the routes as they were until then. */
  neighbourDown(id: NodeId, before: ReadonlyMap<NodeId, Route>): void
  /** Its link is up again, as its own probes prove; what went round it need not be asked any more. */
  neighbourUp(id: NodeId): void
}

/** Members that are asked over the new paths; one answer proves them. */
const maxAsked = 3
const askAgainMs = 2_000
const slowestAskMs = 30_000

export function createPathCheck(options: PathCheckOptions): PathCheck {
  const { mesh, isLinkUp, nameOf, clock, send, read } = options
  const rounds = new Map<NodeId, () => void>()
  const proven = new Set<NodeId>()
  let disposed = false

  const prove = async (id: NodeId, affected: readonly NodeId[], round: number): Promise<void> => {
    rounds.delete(id)
    const table = mesh.routes()
    const reachable = affected.flatMap((to) => {
      const route = table.get(to)
      return route === undefined || route.nextHop === id ? [] : [route]
    })
    // Nothing to be proved where no route leads any more: that is another alarm.
    if (reachable.length === 0 && round === 0) return againLater(id, affected, round)
    const answers = await Promise.all(reachable.slice(0, maxAsked).map((route) => ask(route)))
    if (disposed) return
    const answer = answers.find((one) => one !== undefined)
    if (answer !== undefined) {
      send({ type: 'mitigation-verified', entity: `node:${id}`, how: answer })
      read({ sensor: 'path-unverified', subject: `node:${id}`, value: 0 })
      proven.add(id)
      return
    }
    if (reachable.length > 0) read({ sensor: 'path-unverified', subject: `node:${id}`, value: 1 })
    againLater(id, affected, round)
  }
  const againLater = (id: NodeId, affected: readonly NodeId[], round: number): void => {
    const waitMs = Math.min(askAgainMs * 2 ** round, slowestAskMs)
    rounds.set(
      id,
      clock.setTimer(waitMs, () => void prove(id, affected, round + 1)),
    )
  }
  const ask = async ({ destination, nextHop }: Route): Promise<string | undefined> => {
    const startMs = clock.monotonicMs()
    try {
      const { reached } = await mesh.trace(destination)
      const tookMs = Math.round((clock.monotonicMs() - startMs) * 10) / 10
      return reached
        ? `${nameOf(destination)} answered a trace over ${nameOf(nextHop)} in ${tookMs} ms`
        : undefined
    } catch {
      return undefined // too many traces at once: asked again later
    }
  }

  return {
    neighbourDown(id, before) {
      const affected = [...before.values()].filter(({ nextHop }) => nextHop === id)
      if (affected.length === 0) return
      const over = new Map<NodeId, number>()
      for (const { alternate, red, blue } of affected) {
        const neighbours = [alternate?.neighbour, red?.nextHop, blue?.nextHop]
        const next = neighbours.find((other) => other !== undefined && other !== id && isLinkUp(other))
        if (next !== undefined) over.set(next, (over.get(next) ?? 0) + 1)
      }
      const moved = [...over.values()].reduce((sum, count) => sum + count, 0)
      if (moved > 0) {
        const names = [...over.keys()].map(nameOf).join(', ')
        const to = `${moved} of ${affected.length} routes through ${nameOf(id)} now lead over ${names}`
        send({ type: 'mitigated', entity: `node:${id}`, to })
      }
      rounds.get(id)?.()
      const others = affected.map(({ destination }) => destination)
      // The mesh computes its routes first.
      rounds.set(
        id,
        clock.setTimer(0, () => void prove(id, others, 0)),
      )
    },
    neighbourUp(id) {
      rounds.get(id)?.()
      if (!rounds.delete(id) || proven.delete(id)) return
      read({ sensor: 'path-unverified', subject: `node:${id}`, value: 0 })
    },
    [Symbol.dispose]() {
      disposed = true
      for (const cancel of rounds.values()) cancel()
      rounds.clear()
    },
  }
}
