import type { Clock, NodeId } from '@x0t/core'
import type { KeyInUse, KeysTarget } from './ports.ts'

/** Another one every quarter of a second is asked whether the new keys are in use, for a minute at most. */
const lookMs = 250
const withinMs = 60_000

/**
 * Makes new keys for every session and link of this node, and waits until they are in use.
 * @returns how many were replaced, and with whom they were not within a minute
 */
export async function rotateKeys(
  keys: KeysTarget,
  clock: Clock,
  isStopped: () => boolean,
): Promise<{ readonly replaced: number; readonly kept: readonly KeyInUse[] }> {
  const startMs = clock.monotonicMs()
  const isOver = (): boolean => isStopped() || clock.monotonicMs() - startMs >= withinMs
  const look = async (): Promise<void> => new Promise((resolve) => void clock.setTimer(lookMs, resolve))
  // Members that carry out one decision at once make keys with each other, which would be missed in between.
  while (keys.isMaking() && !isOver()) await look()
  const before = keys.inUse()
  let begun = new Set<KeyInUse>()
  for (;;) {
    const now = keys.inUse()
    const kept = before.filter((key) => isInUse(key, now))
    if (kept.length === 0 || isOver()) return { replaced: before.length - kept.length, kept }
    // A peer that could not be asked, as its connection was down just then, is asked again.
    begun = new Set([...begun, ...kept.filter((key) => !begun.has(key) && keys.renew(key))])
    await look()
  }
}

function isInUse(key: KeyInUse, now: readonly KeyInUse[]): boolean {
  return now.some(
    ({ peer, kind, generation }) => peer === key.peer && kind === key.kind && generation === key.generation,
  )
}

/** `session with a, link to b`. */
export function keyWords(keys: readonly KeyInUse[], nameOf: (id: NodeId) => string): string {
  return keys
    .map(({ kind, peer }) => `${kind} ${kind === 'session' ? 'with' : 'to'} ${nameOf(peer)}`)
    .join(', ')
}
