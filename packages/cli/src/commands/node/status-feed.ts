import { messageOf, type Clock } from '@x0t/core'
import type { Client } from '@x0t/local-api'
import { eventArrived, sampleArrived, startState, type LiveState } from '../../views/live-state.ts'

/** The state of a live view, kept up to date. */
export interface StatusFeed extends AsyncDisposable {
  state(): LiveState
  /** Calls `watch` after each change; the returned function ends that. */
  subscribe(watch: () => void): () => void
}

const sampleEveryMs = 1000

/** Asks the node once, then every second, and listens to its events until disposed. The first answer must come. */
export async function openStatusFeed(
  daemon: Client,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<StatusFeed> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const watchers = new Set<() => void>()
  let state = startState
  const change = (next: LiveState): void => {
    state = next
    for (const watch of watchers) watch()
  }
  const sample = async (): Promise<void> => {
    const options = { signal: both }
    const [status, { peers }, { routes }] = await Promise.all([
      daemon.status(undefined, options),
      daemon.peers(undefined, options),
      daemon.meshRoutes(undefined, options),
    ])
    change(sampleArrived(state, { status, peers, routes, nowMs: clock.wallMs() }))
  }
  await sample()

  let cancelTimer = (): void => {}
  const loop = (): void => {
    cancelTimer = clock.setTimer(sampleEveryMs, () => {
      sample()
        .catch((error: unknown) => change({ ...state, problem: messageOf(error) }))
        .finally(() => {
          if (!both.aborted) loop()
        })
        .catch(() => {})
    })
  }
  loop()
  const listening = (async () => {
    for await (const event of daemon.events(undefined, { signal: both })) change(eventArrived(state, event))
  })().catch((error: unknown) => {
    if (!both.aborted) change({ ...state, problem: messageOf(error) })
  })
  return {
    state: () => state,
    subscribe(watch) {
      watchers.add(watch)
      return () => void watchers.delete(watch)
    },
    async [Symbol.asyncDispose]() {
      watchers.clear()
      cancelTimer()
      stop.abort()
      await listening
    },
  }
}
