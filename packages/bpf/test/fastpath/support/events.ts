import type { Fastpath } from './fastpath.ts'

export interface Event {
  readonly slot: number
  readonly state: number
  readonly atNs: bigint
  readonly silenceNs: bigint
  readonly rttNs: bigint
}

/** The events from now on; the function waits until there have been so many, and returns all of them. */
export function collectEvents(
  t: { teardown(end: () => void): void },
  { object }: Fastpath,
): (count: number) => Promise<readonly Event[]> {
  const events: Event[] = []
  let wake = (): void => {}
  const listening = object.maps.get('fastpath_events')!.onEvent((bytes) => {
    const view = new DataView(bytes.slice().buffer)
    const long = (at: number): bigint => view.getBigUint64(at, true)
    events.push({
      slot: view.getUint32(0, true),
      state: view.getUint32(4, true),
      atNs: long(8),
      silenceNs: long(16),
      rttNs: long(24),
    })
    wake()
  })
  t.teardown(() => listening[Symbol.dispose]())
  return async (count) => {
    while (events.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      await promise
    }
    return events
  }
}
