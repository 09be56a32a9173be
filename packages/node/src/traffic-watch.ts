import type { Clock, NodeId } from '@x0t/core'
import type { Sessions } from '@x0t/session'

export interface TrafficWatchOptions {
  readonly dataPlane: { peersWithTraffic(): readonly Uint8Array[] }
  readonly sessions: Pick<Sessions, 'list' | 'touch'>
  readonly labelOf: (id: NodeId) => Uint8Array
  readonly clock: Clock
}

const intervalMs = 10_000

/** Tells the sessions which of them carry traffic: those are renewed, the others lapse. */
export function followTraffic({ dataPlane, sessions, labelOf, clock }: TrafficWatchOptions): Disposable {
  let cancel = clock.setTimer(intervalMs, look)
  function look(): void {
    const active = new Set(dataPlane.peersWithTraffic().map((label) => Buffer.from(label).toString('hex')))
    for (const peer of new Set(sessions.list().map(({ sa }) => sa.peer)))
      if (active.has(Buffer.from(labelOf(peer)).toString('hex'))) sessions.touch(peer)
    cancel = clock.setTimer(intervalMs, look)
  }
  return { [Symbol.dispose]: () => cancel() }
}
