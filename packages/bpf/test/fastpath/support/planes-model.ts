import type { RouteFields, Tree } from './fastpath.ts'

export interface Decision {
  readonly neighbour: number
  readonly plane: number
  readonly remaining: number
  readonly isSilent: boolean
}

/** Who answers, and to whom there is a link at all. */
export interface Neighbourhood {
  readonly living: ReadonlySet<number>
  readonly linked: ReadonlySet<number>
}

const hopsOf = (tree: Tree | undefined): number => tree?.hops ?? Infinity

/** All trees to try on a plane, the best first: relays keep to the trees of who sent the datagram, as its distance tells. */
function treesOf(route: RouteFields, plane: number, remaining: number): readonly (Tree | undefined)[] {
  const now = plane === 2 ? route.red : route.blue
  const { former } = route
  if (former === undefined) return [now]
  const before = plane === 2 ? former.red : former.blue
  const fitsNow = now !== undefined && now.hops + 1 === remaining
  const fitsBefore = before !== undefined && before.hops + 1 === remaining
  if (fitsNow && !fitsBefore) return [now, before]
  if (fitsBefore && !fitsNow) return [before, now]
  return former.isHeld && Number.isFinite(remaining) ? [before, now] : [now, before]
}

function onTree(
  route: RouteFields,
  plane: number,
  remaining: number,
  living: ReadonlySet<number>,
): Decision | undefined {
  const found = treesOf(route, plane, remaining).find(
    (tree) => tree !== undefined && tree.hops < remaining && living.has(tree.neighbour),
  )
  return found && { neighbour: found.neighbour, plane, remaining: found.hops, isSilent: false }
}

/**
 * ARCHITECTURE.md, "Planes", as a list of ways tried in order: the model for the program in the kernel, written from the
 * rules and not from either code.
 */
export function nextHop(
  route: RouteFields,
  plane: number,
  remaining: number,
  from: number,
  { living, linked }: Neighbourhood,
): Decision | 'down' | 'loop' {
  if (plane >= 2) {
    const tree = onTree(route, plane, remaining, living)
    if (tree !== undefined) return tree
    const entry = plane === 2 ? route.red : route.blue
    if (entry === undefined) return 'down'
    if (entry.hops >= remaining) return 'loop'
    return linked.has(entry.neighbour)
      ? { neighbour: entry.neighbour, plane, remaining: entry.hops, isSilent: true }
      : 'down'
  }
  const { nextHop: next, feasibleUs, alternate, red, blue } = route
  const isNextAlive = living.has(next)
  const mayTakeNext = next !== from && feasibleUs < remaining
  if (isNextAlive && mayTakeNext) return { neighbour: next, plane, remaining: feasibleUs, isSilent: false }
  if (alternate !== undefined && alternate.plane > plane && living.has(alternate.neighbour)) {
    const isRepair = alternate.plane === 1
    if (!isRepair)
      return {
        neighbour: alternate.neighbour,
        plane: alternate.plane,
        remaining: alternate.remaining,
        isSilent: false,
      }
    if (alternate.neighbour !== from) {
      const distance = isNextAlive ? Math.min(alternate.remaining, feasibleUs) : alternate.remaining
      return { neighbour: alternate.neighbour, plane: 1, remaining: distance, isSilent: false }
    }
  }
  const order = hopsOf(blue) < hopsOf(red) ? [3, 2] : [2, 3]
  for (const on of order) {
    const tree = onTree(route, on, Infinity, living)
    if (tree !== undefined) return tree
  }
  if (isNextAlive) return 'loop'
  return mayTakeNext && linked.has(next)
    ? { neighbour: next, plane, remaining: feasibleUs, isSilent: true }
    : 'down'
}
