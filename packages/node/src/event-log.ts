import type { Clock, LogFields } from '@x0t/core'

/** Something that happened in the node and that its operator may want to see. */
export interface NodeEvent {
  readonly atMs: number
  readonly event: string
  readonly fields: LogFields
}

/** The last events of this node, and those who watch. */
export interface EventLog {
  emit(event: string, fields?: LogFields): void
  recent(): readonly NodeEvent[]
  subscribe(watch: (event: NodeEvent) => void): () => void
}

/** Keeps the last `capacity` events. A watcher that throws does not disturb the others. */
export function createEventLog(clock: Clock, capacity = 500): EventLog {
  const events: NodeEvent[] = []
  const watchers = new Set<(event: NodeEvent) => void>()
  return {
    emit(event, fields = {}) {
      const entry = { atMs: clock.wallMs(), event, fields }
      events.push(entry)
      if (events.length > capacity) events.shift()
      for (const watch of watchers) {
        try {
          watch(entry)
        } catch {
          watchers.delete(watch)
        }
      }
    },
    recent: () => [...events],
    subscribe(watch) {
      watchers.add(watch)
      return () => void watchers.delete(watch)
    },
  }
}
