import { messageOf } from '@x0t/core'
import type { BpfValue, EventDecoder } from '@x0t/bpf'
import {
  countersArrived,
  eventSeen,
  watchStart,
  type BpfEvent,
  type WatchCounter,
  type WatchState,
} from '../../views/bpf-watch-state.ts'
import type { Kernel } from './kernel.ts'

/** What happens in an object, as it happens. */
export interface WatchFeed extends AsyncDisposable {
  state(): WatchState
  /** Calls `watch` after each change; the returned function ends that. */
  subscribe(watch: () => void): () => void
  /** Ends with the feed; for streams. */
  onEvent(listener: (event: BpfEvent) => void): void
  onCounters(listener: (counters: readonly WatchCounter[]) => void): void
}

export interface WatchRequest {
  readonly object: string
  readonly intervalMs: number
  /** Struct of events, where no shipped manifest tells. */
  readonly eventType: string | undefined
  readonly wallMs: () => number
  readonly signal: AbortSignal
}

/** Reads the ring buffers of an object, and every `intervalMs` how often its programs ran and what its small maps count. */
export async function openWatchFeed(kernel: Kernel, request: WatchRequest): Promise<WatchFeed> {
  const { backend, root, monotonicMs } = kernel
  const { object, intervalMs, wallMs, signal } = request
  const { eventDecoder, findPinned, readInventory, readProgramManifests, statisticsBetween, toJson } =
    await import('@x0t/bpf')
  await using stack = new AsyncDisposableStack()
  const watchers = new Set<() => void>()
  const eventListeners = new Set<(event: BpfEvent) => void>()
  const counterListeners = new Set<(counters: readonly WatchCounter[]) => void>()
  let state = watchStart(object)
  const change = (next: WatchState): void => {
    state = next
    for (const watch of watchers) watch()
  }

  const pinned = await findPinned(root, object)
  const maps = await Promise.all(
    pinned.maps.map(async (pin) => ({
      name: pin.name,
      map: stack.use(await backend.openMap({ pin: pin.path })),
    })),
  )
  const types = maps.map(({ map }) => map.types()).find((found) => found !== undefined)?.types
  const manifests: Readonly<Record<string, { readonly events?: Readonly<Record<string, string>> }>> =
    await readProgramManifests()
  for (const { name, map } of maps) {
    if (map.spec.type !== 'ringbuf') continue
    const decode: EventDecoder = eventDecoder(types, request.eventType ?? manifests[object]?.events?.[name])
    stack.use(
      map.onEvent((bytes) => {
        const value: BpfValue = decode(bytes)
        const event = { atMs: wallMs(), map: name, event: toJson(value) }
        for (const listener of eventListeners) listener(event)
        change(eventSeen(state, event))
      }),
    )
  }

  stack.use(backend.enableStatistics())
  const ownIds = new Map(
    (await readInventory(backend, root))
      .filter(({ name }) => name === object)
      .flatMap(({ programs }) => programs.map(({ name, info }) => [info?.id ?? -1, name] as const)),
  )
  let before = { infos: await backend.listPrograms(), atMs: monotonicMs() }
  const sample = async (): Promise<void> => {
    const now = { infos: await backend.listPrograms(), atMs: monotonicMs() }
    const counters = statisticsBetween(before.infos, now.infos, now.atMs - before.atMs)
      .filter(({ id }) => ownIds.has(id))
      .map(({ id, runs, runsPerSecond, nsPerRun }) => ({
        program: ownIds.get(id)!,
        runs,
        runsPerSecond,
        nsPerRun,
      }))
    before = now
    for (const listener of counterListeners) listener(counters)
    change(countersArrived(state, counters, wallMs()))
  }
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const sampling = (async () => {
    while (!both.aborted) {
      await kernel.wait(intervalMs)
      if (!both.aborted) await sample()
    }
  })().catch((error: unknown) => {
    if (!both.aborted) change({ ...state, problem: messageOf(error) })
  })
  void sampling
  stack.defer(() => {
    stop.abort()
    watchers.clear()
  })
  const resources = stack.move()
  return {
    state: () => state,
    subscribe(watch) {
      watchers.add(watch)
      return () => void watchers.delete(watch)
    },
    onEvent: (listener) => void eventListeners.add(listener),
    onCounters: (listener) => void counterListeners.add(listener),
    [Symbol.asyncDispose]: async () => resources.disposeAsync(),
  }
}
