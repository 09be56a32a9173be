import { createSeededRandom } from '@x0t/simnet'

/** A link of a simulated mesh. */
export interface ScaleLink {
  readonly a: number
  readonly b: number
  /** One way, ms. */
  readonly latencyMs: number
  /** Share of datagrams lost one way. */
  readonly lossRatio: number
}

/** A connected graph to simulate; nodes are numbered from 0. */
export interface ScaleTopology {
  /** What it is, for the report. */
  readonly origin: string
  readonly nodes: number
  readonly links: readonly ScaleLink[]
}

/** A recorded mesh: links only, each way's quality as the share delivered. */
export interface RecordedMesh {
  readonly name: string
  readonly nodes: number
  readonly links: readonly RecordedLink[]
}

export interface RecordedLink {
  readonly a: number
  readonly b: number
  /** 0 radio, 1 VPN, 2 other. */
  readonly kind: number
  readonly lossRatio: number
}

/** Links that one node of x0t may list: hubs of a record that have more lose the rest. */
const mostLinks = 256
/** A radio link worse than this would not be kept up. */
const mostLoss = 0.5

/**
 * A connected part of `size` nodes: a breadth-first search from a node by chance, with all links among those found.
 * Where one record is too small, the largest part of each is taken in turn and joined to what is there by two links.
 * The records hold no latencies: 1 to 5 ms by chance for radio, 5 to 30 ms for the rest.
 */
export function recordedPart(
  meshes: readonly RecordedMesh[],
  size: number,
  seed: number,
): ScaleTopology | undefined {
  const random = createSeededRandom(`scale ${seed}`)
  const parts = meshes.map((mesh) => ({ mesh, largest: largestPart(mesh) }))
  const fitting = parts.filter(({ largest }) => largest.length >= size)
  const links: ScaleLink[] = []
  const taken: string[] = []
  let nodes = 0
  const take = (mesh: RecordedMesh, from: readonly number[], count: number): void => {
    const adjacent = adjacency(mesh)
    const found = breadthFirst(adjacent, from[random.integer(from.length)]!, count)
    const numbers = new Map(found.map((node, index) => [node, nodes + index]))
    for (const { a, b, kind, lossRatio } of kept(mesh, new Set(found))) {
      const latencyMs = kind === 0 ? 1 + random.integer(5) : 5 + random.integer(26)
      links.push({ a: numbers.get(a)!, b: numbers.get(b)!, latencyMs, lossRatio })
    }
    const joints = nodes === 0 ? 0 : 2
    for (let i = 0; i < joints; i++)
      links.push({
        a: random.integer(nodes),
        b: nodes + random.integer(found.length),
        latencyMs: 20,
        lossRatio: 0,
      })
    nodes += found.length
    taken.push(`${found.length} nodes of ${mesh.name}`)
  }
  if (fitting.length > 0) {
    const { mesh, largest } = fitting[random.integer(fitting.length)]!
    take(mesh, largest, size)
  } else
    for (const { mesh, largest } of parts.toSorted((x, y) => y.largest.length - x.largest.length))
      if (nodes < size) take(mesh, largest, Math.min(size - nodes, largest.length))
  const unique = connectedPart(nodes, withoutDoubles(links))
  return unique === undefined || nodes < size
    ? undefined
    : { origin: taken.join(' + '), nodes, links: unique }
}

/** Points by chance in a square, each linked to those nearest to it until all are connected; about 6 links a node. */
export function geometricGraph(size: number, seed: number): ScaleTopology {
  const random = createSeededRandom(`geometric ${seed}`)
  const points = Array.from({ length: size }, () => [random.number(), random.number()] as const)
  const distance = (a: number, b: number): number =>
    Math.hypot(points[a]![0] - points[b]![0], points[a]![1] - points[b]![1])
  for (let radius = Math.sqrt(6 / (Math.PI * size)); ; radius *= 1.1) {
    const links: ScaleLink[] = []
    for (let a = 0; a < size; a++)
      for (let b = 0; b < a; b++)
        if (distance(a, b) <= radius)
          links.push({
            a,
            b,
            latencyMs: Math.max(1, Math.round((distance(a, b) / radius) * 5)),
            lossRatio: 0,
          })
    if (connectedPart(size, links) !== undefined)
      return { origin: 'synthetic: points by chance in a square, linked to near ones', nodes: size, links }
  }
}

/** Groups of nodes that reach each other over `links`, the largest first; nodes of `without` are in none. */
export function components(
  nodes: number,
  links: Iterable<{ readonly a: number; readonly b: number }>,
  without: ReadonlySet<number> = new Set(),
): number[][] {
  const adjacent = new Map<number, number[]>()
  for (let node = 0; node < nodes; node++) if (!without.has(node)) adjacent.set(node, [])
  for (const { a, b } of links) {
    if (without.has(a) || without.has(b)) continue
    adjacent.get(a)!.push(b)
    adjacent.get(b)!.push(a)
  }
  const seen = new Set<number>()
  const found: number[][] = []
  for (const node of adjacent.keys()) {
    if (seen.has(node)) continue
    const part = breadthFirst(adjacent, node, nodes)
    for (const one of part) seen.add(one)
    found.push(part)
  }
  return found.toSorted((x, y) => y.length - x.length)
}

function breadthFirst(
  adjacent: ReadonlyMap<number, readonly number[]>,
  start: number,
  count: number,
): number[] {
  const found = new Set([start])
  for (const node of found)
    for (const next of adjacent.get(node) ?? []) {
      if (found.size >= count) return [...found]
      found.add(next)
    }
  return [...found]
}

function adjacency(mesh: RecordedMesh): Map<number, number[]> {
  const adjacent = new Map<number, number[]>()
  for (const { a, b } of kept(mesh))
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      adjacent.set(from, [...(adjacent.get(from) ?? []), to])
  return adjacent
}

/** The links of a record among `nodes`, without doubles and loops, up to 256 a node. */
function kept({ links }: RecordedMesh, nodes?: ReadonlySet<number>): RecordedLink[] {
  const degrees = new Map<number, number>()
  return withoutDoubles(links).filter(({ a, b }) => {
    if (nodes !== undefined && !(nodes.has(a) && nodes.has(b))) return false
    const [degreeA, degreeB] = [degrees.get(a) ?? 0, degrees.get(b) ?? 0]
    if (degreeA >= mostLinks || degreeB >= mostLinks) return false
    degrees.set(a, degreeA + 1)
    degrees.set(b, degreeB + 1)
    return true
  })
}

function withoutDoubles<T extends { readonly a: number; readonly b: number }>(links: readonly T[]): T[] {
  const seen = new Set<string>()
  return links.filter(({ a, b }) => {
    const key = a < b ? `${a} ${b}` : `${b} ${a}`
    if (a === b || seen.has(key)) return false
    seen.add(key)
    return true
  })
}

const largestPart = (mesh: RecordedMesh): number[] => components(mesh.nodes, kept(mesh))[0] ?? []

/** The links, if they connect all nodes. */
function connectedPart(nodes: number, links: readonly ScaleLink[]): readonly ScaleLink[] | undefined {
  return components(nodes, links)[0]?.length === nodes ? links : undefined
}

/** Share of datagrams lost by a recorded quality, from 0 to 1 or from 0 to 255. */
export function lossOf(quality: number): number {
  const delivered = quality > 1 ? quality / 255 : quality
  return Math.min(Math.max(0, 1 - delivered), mostLoss)
}
