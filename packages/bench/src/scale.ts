import { X0tError } from '@x0t/core'
import { createSeededRandom } from '@x0t/simnet'
import { describeEnvironment } from './environment.ts'
import type { Objective } from './objective.ts'
import { makeReport, type Report, type Skipped } from './report.ts'
import { sampleBook, type SampleBook } from './result.ts'
import { pairsOf, arrives, untilConnected } from './scale/reachability.ts'
import { readTopologies } from './scale/read-topologies.ts'
import { simulatedMesh, type SimulatedMesh } from './scale/simulated-mesh.ts'
import { components, geometricGraph, recordedPart, type ScaleTopology } from './scale/topology.ts'

export interface ScaleOptions {
  /** Sizes of the meshes. */
  readonly nodes: readonly number[]
  /** Folder of recorded topologies; made-up ones where it is absent. */
  readonly topologies?: string | undefined
  /** Share of the nodes that die at once, percent. */
  readonly diePercent: number
  readonly seed: number
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
}

/** Largest mesh that the limits of the product allow. */
export const mostNodes = 2048
/** Single failures that are tried on each mesh. */
const linkFailures = 5
const nodeFailures = 3
/** Time for everything to come to rest, and that in which messages of one change are counted. */
const restMs = 8000
const countMs = 1000

/**
 * Simulates the routing of meshes of growing size in virtual time. Results for each size N, times in ms:
 * `converge/N`, `messages/N`, `bytes/N` (per node, all nodes start at once), the same with `link-` and `node-` (one link
 * or node fails), `reconnect/N` (after a share of the nodes died at once: until every pair of survivors that is connected
 * reaches each other), `reconverge/N` (until no route changes any more), `held/N` (% of those pairs that never lost
 * each other, by alternates alone), `spf/N` (shortest-path runs per survivor).
 * @throws X0tError BENCH_TOPOLOGY_INVALID, BENCH_OPTION_INVALID
 */
export async function scaleBench(options: ScaleOptions): Promise<Report> {
  const { nodes, diePercent, seed, topologies, onProgress = () => {} } = options
  for (const size of nodes)
    if (!Number.isSafeInteger(size) || size < 3 || size > mostNodes)
      throw new X0tError('BENCH_OPTION_INVALID', `a mesh has 3 to ${mostNodes} nodes, not ${size}`, {
        exitCode: 2,
      })
  const recorded = topologies === undefined ? [] : await readTopologies(topologies)
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  const book = sampleBook()
  const failed: Skipped[] = []
  const notes: string[] = []
  for (const size of nodes) {
    const topology = recordedPart(recorded, size, seed) ?? geometricGraph(size, seed)
    notes.push(`${size} nodes, ${topology.links.length} links: ${topology.origin}`)
    const problem = measureMesh({ topology, seed, diePercent, book, onProgress })
    if (problem !== undefined) failed.push({ path: `scale/${size}`, reason: problem })
    // Lets progress be seen and signals be heard between meshes.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return makeReport(
    {
      kind: 'scale',
      timestamp,
      environment,
      command: options.command,
      parameters: { nodes: nodes.join(','), diePercent, seed, topologies: topologies ?? 'synthetic' },
      results: book.results(),
      skipped: [],
      failed,
      notes: [
        'Simulated in virtual time with the routing state machine of the product: computing takes no time in it, and a failure is noticed at once. To real failures add the time of detection.',
        ...notes,
        `Messages and bytes are means per node, of ${restMs} ms at the start and of ${countMs} ms after a failure.`,
      ],
    },
    options.objectives,
  )
}

interface Measuring {
  readonly topology: ScaleTopology
  readonly seed: number
  readonly diePercent: number
  readonly book: SampleBook
  readonly onProgress: (text: string) => void
}

/** Measures one mesh; what went wrong, if anything did. */
function measureMesh({ topology, seed, diePercent, book, onProgress }: Measuring): string | undefined {
  const size = topology.nodes
  const random = createSeededRandom(`scale ${size} ${seed}`)
  const mesh = simulatedMesh(topology, seed)
  const record = (prefix: string, forMs: number, change: () => void): void => {
    const startMs = mesh.simnet.nowMs
    const before = { ...mesh.simnet.delivered }
    change()
    mesh.simnet.run(forMs)
    const { messages, bytes } = mesh.simnet.delivered
    book.add(`${prefix}converge/${size}`, 'ms', Math.max(0, mesh.changedMs() - startMs))
    book.add(`${prefix}messages/${size}`, 'per node', (messages - before.messages) / size)
    book.add(`${prefix}bytes/${size}`, 'B per node', (bytes - before.bytes) / size)
  }

  onProgress(`${size} nodes: start`)
  record('', restMs, () => mesh.start())
  const everyone = components(size, topology.links)
  const lost = lostPairs(mesh, everyone)
  if (lost > 0) return `after the start ${lost} pairs do not reach each other`

  for (let i = 0; i < linkFailures; i++) {
    onProgress(`${size} nodes: link failure ${i + 1} of ${linkFailures}`)
    const link = random.integer(topology.links.length)
    record('link-', countMs, () => mesh.cut(link))
    mesh.mend(link)
    mesh.simnet.run(restMs)
  }
  for (let i = 0; i < nodeFailures; i++) {
    onProgress(`${size} nodes: node failure ${i + 1} of ${nodeFailures}`)
    const node = random.integer(size)
    record('node-', countMs, () => mesh.kill(node))
    mesh.boot(node)
    mesh.simnet.run(restMs)
  }

  const dying = new Set<number>()
  while (dying.size < Math.max(1, Math.round((size * diePercent) / 100))) dying.add(random.integer(size))
  onProgress(`${size} nodes: ${dying.size} die at once`)
  const survivors = components(size, topology.links, dying)
  const startMs = mesh.simnet.nowMs
  const spfBefore = mesh.spfRuns()
  for (const node of dying) mesh.kill(node)
  // The neighbours are told in the same moment, and answer with what they know.
  mesh.simnet.run(0)
  const { ms, cutAtFirst, pairs } = untilConnected(mesh, survivors, 30_000)
  if (ms === undefined) return 'some survivors that are connected did not reach each other within 30 s'
  book.add(`reconnect/${size}`, 'ms', ms)
  if (pairs > 0) book.add(`held/${size}`, '%', (100 * (pairs - cutAtFirst)) / pairs)
  mesh.simnet.run(restMs)
  book.add(`reconverge/${size}`, 'ms', Math.max(0, mesh.changedMs() - startMs))
  book.add(`spf/${size}`, 'per node', (mesh.spfRuns() - spfBefore) / (size - dying.size))
  const stillLost = lostPairs(mesh, survivors)
  return stillLost === 0 ? undefined : `after all ${stillLost} pairs of survivors do not reach each other`
}

function lostPairs(mesh: SimulatedMesh, groups: readonly (readonly number[])[]): number {
  let lost = 0
  for (const pair of pairsOf(groups)) if (!arrives(mesh, pair)) lost++
  return lost
}
