import type { EventLog, NodeEvent } from './event-log.ts'

/** An event as the API tells it. */
export interface LevelledEvent extends NodeEvent {
  readonly level: 'info' | 'warn'
}

const worrying = new Set([
  'link-down',
  'neighbour-down',
  'svid-expired',
  'session-failed',
  'banned',
  'tun-absent',
  'healing.detected',
  'healing.failed',
  'healing.safe-mode',
  'dao.equivocation',
  'dao.failed',
  'dao.halted',
  'dao.neighbour-muted',
  'dao.other-dao',
  'dao.writer-muted',
])
const maxQueued = 1000

/** The events so far, then new ones until `signal` ends it. A reader that is too slow loses the oldest. */
export async function* watchEvents(events: EventLog, signal: AbortSignal): AsyncGenerator<LevelledEvent> {
  const queue: NodeEvent[] = [...events.recent()]
  let wake = (): void => {}
  const unsubscribe = events.subscribe((event) => {
    queue.push(event)
    if (queue.length > maxQueued) queue.shift()
    wake()
  })
  const onAbort = (): void => wake()
  signal.addEventListener('abort', onAbort)
  try {
    while (!signal.aborted) {
      const event = queue.shift()
      if (event === undefined) await new Promise<void>((resolve) => void (wake = resolve))
      else yield { ...event, level: worrying.has(event.event) ? 'warn' : 'info' }
    }
  } finally {
    unsubscribe()
    signal.removeEventListener('abort', onAbort)
  }
}
