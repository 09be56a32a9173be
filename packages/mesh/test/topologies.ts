import { existsSync, readFileSync } from 'node:fs'
import { createSeededRandom } from '@x0t/simnet'
import type { Edge } from './mesh-network.ts'

export const line = (size: number): Edge[] => Array.from({ length: size - 1 }, (_, i) => [i, i + 1])

export const ring = (size: number): Edge[] => Array.from({ length: size }, (_, i) => [i, (i + 1) % size])

export function grid(width: number, height: number): Edge[] {
  const edges: Edge[] = []
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (x + 1 < width) edges.push([y * width + x, y * width + x + 1])
      if (y + 1 < height) edges.push([y * width + x, (y + 1) * width + x])
    }
  return edges
}

/** Connected: a random tree, then random links up to the mean degree; latencies from 1 to 20 ms. */
export function randomGraph(seed: string, size: number, meanDegree: number): Edge[] {
  const random = createSeededRandom(seed)
  const edges: Edge[] = []
  const seen = new Set<string>()
  const add = (a: number, b: number): void => {
    const key = a < b ? `${a} ${b}` : `${b} ${a}`
    if (a === b || seen.has(key)) return
    seen.add(key)
    edges.push([a, b, 1 + random.integer(20)])
  }
  for (let i = 1; i < size; i++) add(i, random.integer(i))
  const target = Math.min((size * meanDegree) / 2, (size * (size - 1)) / 2)
  while (edges.length < target) add(random.integer(size), random.integer(size))
  return edges
}

const folder = `${import.meta.dirname}/../../../../shared/data/topologies`

/** True where the recorded topologies lie beside the repository. */
export const hasRecordedTopologies = existsSync(folder)

/** The largest connected part of a recorded community network, renumbered. */
export function recordedTopology(name: string): { readonly size: number; readonly edges: Edge[] } {
  const { links } = JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8')) as {
    links: [a: number, b: number, type: number, tqAb: number, tqBa: number][]
  }
  const neighbours = new Map<number, Set<number>>()
  for (const [a, b] of links) {
    if (a === b) continue
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      neighbours.set(from, (neighbours.get(from) ?? new Set()).add(to))
  }
  let largest: number[] = []
  const visited = new Set<number>()
  for (const start of neighbours.keys()) {
    if (visited.has(start)) continue
    const part = [start]
    visited.add(start)
    for (const node of part)
      for (const next of neighbours.get(node)!) {
        if (visited.has(next)) continue
        visited.add(next)
        part.push(next)
      }
    if (part.length > largest.length) largest = part
  }
  const numberOf = new Map(largest.map((node, index) => [node, index]))
  const edges: Edge[] = []
  for (const node of largest)
    for (const next of neighbours.get(node)!)
      // Radio and VPN links differ in latency; the record has none, so 2 to 9 ms by the numbers of the ends.
      if (node < next) edges.push([numberOf.get(node)!, numberOf.get(next)!, 2 + ((node * 7 + next) % 8)])
  return { size: largest.length, edges }
}
