import type { MemberId } from './record.ts'

/**
 * Whose ballot counts for whom: one step, never further. A delegation to oneself or to no member is none; those that
 * run in a circle are void for all in the circle.
 * @returns `delegates` of those that have one, and who was in a circle, ascending
 */
export function resolveDelegations(
  members: readonly { readonly id: MemberId; readonly delegate: MemberId | null }[],
): { readonly delegates: ReadonlyMap<MemberId, MemberId>; readonly cycles: readonly MemberId[] } {
  const known = new Set(members.map(({ id }) => id))
  const delegates = new Map<MemberId, MemberId>()
  for (const { id, delegate } of members)
    if (delegate !== null && delegate !== id && known.has(delegate)) delegates.set(id, delegate)
  const seen = new Set<MemberId>()
  const cycles: MemberId[] = []
  for (const start of delegates.keys()) {
    const way: MemberId[] = []
    let at: MemberId | undefined = start
    while (at !== undefined && !seen.has(at)) {
      seen.add(at)
      way.push(at)
      at = delegates.get(at)
    }
    // The way has come back to itself: what follows from there on is the circle.
    const back = at === undefined ? -1 : way.indexOf(at)
    if (back >= 0) cycles.push(...way.slice(back))
  }
  for (const id of cycles) delegates.delete(id)
  return { delegates, cycles: cycles.toSorted() }
}
