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
const maxAsked = 2
/** Asked again after 0.25, 0.5, 1 s … 32 s, whether the answers before are out or not. */
const firstWaitMs = 250
const slowestMs = 32_000

export function createPathCheck(options: PathCheckOptions): PathCheck {
  const { mesh, isLinkUp, nameOf, clock, send, read } = options
  /** Checks under way, by neighbour; another one of the same neighbour replaces them. */
  const checks = new Map<NodeId, { isProven: boolean; isHurt: boolean; cancel: () => void }>()

  const begin = (id: NodeId, affected: readonly NodeId[]): void => {
    checks.get(id)?.cancel()
    const check = { isProven: false, isHurt: false, cancel: () => {} }
    checks.set(id, check)
    const isCurrent = (): boolean => checks.get(id) === check && !check.isProven
    const askAll = async (round: number): Promise<void> => {
      const waitMs = Math.min(firstWaitMs * 2 ** round, slowestMs)
      check.cancel = clock.setTimer(waitMs, () => void askAll(round + 1))
      const table = mesh.routes()
      const reachable = affected.flatMap((to) => {
        const route = table.get(to)
        return route === undefined || route.nextHop === id ? [] : [route]
      })
      // Where no route leads any more there is nothing to be proved: that is another alarm.
      if (reachable.length === 0) return
      const answer = await firstAnswer(reachable.slice(0, maxAsked).map((route) => ask(route)))
      if (!isCurrent()) return
      if (answer === undefined) {
        check.isHurt = true
        return read({ sensor: 'path-unverified', subject: `node:${id}`, value: 1 })
      }
      check.isProven = true
      check.cancel()
      send({ type: 'mitigation-verified', entity: `node:${id}`, how: answer })
      if (check.isHurt) read({ sensor: 'path-unverified', subject: `node:${id}`, value: 0 })
    }
    // The data plane and the mesh come first.
    check.cancel = clock.setTimer(0, () => void askAll(0))
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
      begin(
        id,
        affected.map(({ destination }) => destination),
      )
    },
    neighbourUp(id) {
      const check = checks.get(id)
      if (check === undefined) return
      check.cancel()
      checks.delete(id)
      if (check.isHurt && !check.isProven)
        read({ sensor: 'path-unverified', subject: `node:${id}`, value: 0 })
    },
    [Symbol.dispose]() {
      for (const { cancel } of checks.values()) cancel()
      checks.clear()
    },
  }
}

/** The first of the answers that is one; undefined if none is. */
async function firstAnswer(asked: readonly Promise<string | undefined>[]): Promise<string | undefined> {
  const answered = asked.map(async (one) => (await one) ?? Promise.reject(new Error('no answer')))
  try {
    return await Promise.any(answered)
  } catch {
    return undefined
  }
}
