import type { Clock, NodeId } from '@x0t/core'

/** How much worse a link is made to look while it is avoided: half of what is sent over it is lost. */
export const avoidedLossRatio = 0.5

/** Neighbours that this node leads traffic round for a while: by a worse metric, or as if their links were down. */
export interface Avoidance extends Disposable {
  /** Makes the link look worse for so long. */
  avoid(id: NodeId, forMs: number): void
  /** Takes the link out of routing for so long. */
  quarantine(id: NodeId, forMs: number): void
  isAvoided(id: NodeId): boolean
  isQuarantined(id: NodeId): boolean
  /** Until when, by neighbour, for people. */
  list(): readonly {
    readonly id: NodeId
    readonly kind: 'avoided' | 'quarantined'
    readonly leftMs: number
  }[]
}

interface Entry {
  readonly kind: 'avoided' | 'quarantined'
  readonly untilMs: number
  readonly cancel: () => void
}

/** @param changed is told when a neighbour's standing has changed, also by time */
export function createAvoidance(clock: Clock, changed: (id: NodeId) => void): Avoidance {
  const entries = new Map<NodeId, Entry>()
  const put = (id: NodeId, kind: Entry['kind'], forMs: number): void => {
    entries.get(id)?.cancel()
    const cancel = clock.setTimer(forMs, () => {
      entries.delete(id)
      changed(id)
    })
    entries.set(id, { kind, untilMs: clock.monotonicMs() + forMs, cancel })
    changed(id)
  }
  return {
    avoid(id, forMs) {
      if (entries.get(id)?.kind !== 'quarantined') put(id, 'avoided', forMs)
    },
    quarantine: (id, forMs) => put(id, 'quarantined', forMs),
    isAvoided: (id) => entries.get(id)?.kind === 'avoided',
    isQuarantined: (id) => entries.get(id)?.kind === 'quarantined',
    list: () =>
      [...entries].map(([id, { kind, untilMs }]) => ({ id, kind, leftMs: untilMs - clock.monotonicMs() })),
    [Symbol.dispose]() {
      for (const { cancel } of entries.values()) cancel()
      entries.clear()
    },
  }
}
