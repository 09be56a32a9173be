import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import {
  bedStatus,
  clearFaults,
  createBed,
  injectFault,
  type Bed,
  type BedPortOptions,
  type RunnerSpec,
  type Topology,
} from '@x0t/testbed'
import { describeEnvironment } from './environment.ts'
import type { Objective } from './objective.ts'
import { makeReport, type Report, type Skipped } from './report.ts'
import { memoryWatch } from './memory-watch.ts'
import { sampleBook } from './result.ts'
import { planFaults } from './soak-plan.ts'
import { unreachablePairs, wrongRoutes, type ProbedHost } from './soak-probe.ts'

export interface SoakOptions extends BedPortOptions {
  readonly topology: Topology
  /** The shape that the topology was made from, for the report. */
  readonly shape: string
  readonly runner: RunnerSpec
  readonly runFolder: string
  readonly durationMs: number
  /** The same seed gives the same faults in the same order. */
  readonly seed: number
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
}

/** Name of the testbed of a soak: its namespaces are x0t-soak-n0 and so on. */
const soakBed = 'soak'
/** Routing tables must agree within this after the last fault is lifted. */
const healWithinMs = 60_000

/**
 * Runs a mesh of real nodes under random faults, one at a time. After each healing every host must reach every other
 * one and all routes must be right within 60 s. Results: `heal/<fault>` (ms from healing until then), `faults`,
 * `crashes` (nodes that died without a fault), `unhealed`, `wrong-routes`, `rss/<host>` (MiB), `rss-slope/<host>`.
 * @throws X0tError BENCH_TUNNEL_DOWN if the mesh does not even come up
 */
export async function soakBench(options: SoakOptions): Promise<Report> {
  const { topology, shape, durationMs, seed, command, objectives, onProgress = () => {} } = options
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  await using bed = await createBed({
    ...options,
    name: soakBed,
    onProgress: (up, of) => onProgress(`${up} of ${of} hosts are up`),
  })
  const { clock, signal } = bed
  const hosts = await probedHosts(bed)
  const book = sampleBook()
  const memory = memoryWatch(bed)
  const failed: Skipped[] = []
  const begun = await waitUntilWhole(bed, hosts)
  if (begun.problems.length > 0) {
    throw new X0tError(
      'BENCH_TUNNEL_DOWN',
      `the mesh did not come up: ${begun.problems.slice(0, 5).join(', ')}`,
    )
  }
  book.add('converge', 'ms', begun.tookMs)
  let [faults, crashes, unhealed, wrong] = [0, 0, 0, 0]
  const until = clock.monotonicMs() + durationMs
  for (const { target, action, holdMs } of planFaults(bed.plan, seed)) {
    if (clock.monotonicMs() >= until) break
    signal.throwIfAborted()
    await memory.sample()
    const kind = action.split('=')[0]!
    const before = await bedStatus(bed)
    const died = before.hosts.filter(({ state }) => state === 'dead').map(({ name }) => name)
    if (died.length > 0) {
      // A dead node stays dead: one cannot count it twice, nor go on as if the mesh were whole.
      crashes += died.length
      failed.push({
        path: 'soak',
        reason: `died without a fault before fault ${faults + 1}: ${died.join(' ')}`,
      })
      onProgress(`died without a fault: ${died.join(' ')}`)
      break
    }
    faults++
    onProgress(`fault ${faults}: ${target} ${action} for ${holdMs} ms`)
    await injectFault(bed, target, action)
    await delay(holdMs, undefined, { signal })
    await clearFaults(bed)
    const { tookMs, problems, routes } = await waitUntilWhole(bed, await probedHosts(bed))
    if (problems.length === 0) {
      book.add(`heal/${kind}`, 'ms', tookMs)
      continue
    }
    unhealed++
    wrong += routes
    const reason = `fault ${faults}: ${problems.length} problems after ${healWithinMs / 1000} s: ${problems.slice(0, 5).join(', ')}`
    failed.push({ path: `${target} ${action}`, reason })
    onProgress(reason)
  }
  await memory.sample()
  const counts = { faults, crashes, unhealed, 'wrong-routes': wrong }
  for (const [name, count] of Object.entries(counts)) book.add(name, 'count', count)
  memory.addTo(book)
  const minutes = durationMs / 60_000
  return makeReport(
    {
      kind: 'soak',
      timestamp,
      environment,
      command,
      parameters: { shape, hosts: topology.hosts.length, minutes, seed },
      results: book.results(),
      skipped: [],
      failed,
      notes: [
        `Faults one at a time, seed ${seed}: link down, silent blackhole, loss of 5 to 30 %, crash (SIGKILL) with a new ` +
          'start at healing, freeze (SIGSTOP); each for 2 to 10 s.',
        'heal: from healing until every host pings every other one and every node has a right route to each; it is read ' +
          'by looking again and again, and a look takes hundreds of milliseconds. For a crash it begins when the node is up.',
        'rss-slope: least squares over the samples of one process, where there are ten or more.',
      ],
    },
    objectives,
  )
}

/** Hosts with the addresses that their nodes last told; a node that has not started is an error of the run. */
async function probedHosts(bed: Bed): Promise<readonly ProbedHost[]> {
  return Promise.all(
    bed.plan.hosts.map(async ({ name, namespace }) => {
      const details = (await bed.folder.process(name))?.details ?? {}
      const { overlayAddress, nodeId } = details
      if (overlayAddress === undefined || nodeId === undefined) {
        throw new X0tError('BENCH_TUNNEL_DOWN', `no x0t node runs on ${name}`)
      }
      const socketPath = join(bed.folder.hostFolder(name), 'home', 'x0t.sock')
      return { name, namespace, overlayAddress, nodeId, socketPath }
    }),
  )
}

/** Looks until all pairs reach each other and all routes are right, `healWithinMs` at most. */
async function waitUntilWhole(
  bed: Bed,
  hosts: readonly ProbedHost[],
): Promise<{ readonly tookMs: number; readonly problems: readonly string[]; readonly routes: number }> {
  const startMs = bed.clock.monotonicMs()
  for (;;) {
    bed.signal.throwIfAborted()
    const pairs = await unreachablePairs(bed, hosts)
    const routes = await wrongRoutes(bed, hosts)
    const tookMs = bed.clock.monotonicMs() - startMs
    const problems = [...pairs, ...routes]
    if (problems.length === 0 || tookMs >= healWithinMs) return { tookMs, problems, routes: routes.length }
    await delay(100, undefined, { signal: bed.signal })
  }
}
