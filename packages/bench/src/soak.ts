import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import {
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
import { faultWeights, planFaults } from './soak-plan.ts'
import { availabilityBook } from './soak-availability.ts'
import { probePairs, type ProbePair } from './soak-connectivity.ts'
import { diagnose } from './soak-diagnosis.ts'
import { wrongRoutes, type ProbedHost } from './soak-probe.ts'
import { machineMs, startProber, type Prober } from './soak-prober.ts'
import { soakRun } from './soak-run.ts'

export interface SoakOptions extends BedPortOptions {
  readonly topology: Topology
  /** The shape that the topology was made from, for the report. */
  readonly shape: string
  readonly runner: RunnerSpec
  readonly runFolder: string
  readonly durationMs: number
  /** Time without a fault after each recovery, ms; 0 where absent. */
  readonly pauseMs?: number
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
/** A recovery that takes longer is explained by what the nodes see. */
const explainAfterMs = 5000
/** Each pair is probed four times a second, so that the probing is a small part of the load, and answers count for 1 s. */
const [probeEveryMs, answerWithinMs] = [250, 1000]
/** Most pairs probed: all of twelve hosts. */
const mostPairs = 66

/**
 * Runs a mesh of real nodes under random faults, one at a time, while hosts probe each other over the overlay. Nodes
 * that end are started again at once, as by a service manager. After each healing every pair must reach each other and
 * all routes must be right within 60 s. Results: `availability`, `availability-raw`, `availability/<fault>` (%, share of
 * probes answered within a second: of pairs that should be connected, of all, by fault from its injection until the mesh
 * is whole again), `heal/<fault>` (ms from healing until then), `restart` (ms from SIGKILL until the node is up),
 * `faults`, `crashes` (nodes that died without a fault), `unhealed`, `wrong-routes`, `rss/<host>` (MiB),
 * `rss-slope/<host>`.
 * @throws X0tError BENCH_TUNNEL_DOWN if the mesh does not even come up
 */
export async function soakBench(options: SoakOptions): Promise<Report> {
  const {
    topology,
    shape,
    durationMs,
    pauseMs = 0,
    seed,
    command,
    objectives,
    onProgress = () => {},
  } = options
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  await using bed = await createBed({
    ...options,
    name: soakBed,
    onProgress: (up, of) => onProgress(`${up} of ${of} hosts are up`),
  })
  const { clock, signal } = bed
  const hosts = await probedHosts(bed)
  const pairs = probePairs(hosts.length, mostPairs)
  const book = sampleBook()
  const memory = memoryWatch(bed)
  const availability = availabilityBook()
  const failed: Skipped[] = []
  let [faults, unhealed, wrong, crashes] = [0, 0, 0, 0]
  {
    await using prober = startProber(
      {
        hosts: hosts.map(({ namespace, overlayAddress }) => ({
          namespace: `/run/netns/${namespace}`,
          address: overlayAddress,
        })),
        pairs,
        intervalMs: probeEveryMs,
        deadlineMs: answerWithinMs,
      },
      (fate) => availability.add(fate),
    )
    const watch: Watch = { bed, pairs, prober, onProgress }
    const begun = await waitUntilWhole(watch, hosts)
    if (begun.problems.length > 0) {
      throw new X0tError(
        'BENCH_TUNNEL_DOWN',
        `the mesh did not come up: ${begun.problems.slice(0, 5).join(', ')}`,
      )
    }
    book.add('converge', 'ms', begun.tookMs)
    await using run = soakRun(bed, pairs, availability)
    const until = clock.monotonicMs() + durationMs
    for (const { target, action, holdMs } of planFaults(bed.plan, seed)) {
      if (clock.monotonicMs() >= until) break
      signal.throwIfAborted()
      await memory.sample()
      const kind = action.split('=')[0]!
      faults++
      onProgress(`fault ${faults}: ${target} ${action}${kind === 'crash' ? '' : ` for ${holdMs} ms`}`)
      const hit = [{ target, kind }]
      if (kind === 'crash') {
        const restarted = run.restarted(target.slice('node:'.length))
        const killedMs = clock.monotonicMs()
        await run.change(hit, kind, () => injectFault(bed, target, action))
        await run.change([], kind, () => restarted)
        book.add('restart', 'ms', clock.monotonicMs() - killedMs)
      } else {
        await run.change(hit, kind, () => injectFault(bed, target, action))
        await delay(holdMs, undefined, { signal })
        await run.change([], kind, () => clearFaults(bed))
      }
      const { tookMs, problems, routes } = await waitUntilWhole(watch, await probedHosts(bed))
      await run.change([], 'none', async () => {})
      for (const host of run.died.slice(crashes)) {
        failed.push({ path: 'soak', reason: `${host} died without a fault, about fault ${faults}` })
        onProgress(`died without a fault: ${host}`)
      }
      crashes = run.died.length
      await delay(pauseMs, undefined, { signal })
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
    // The fate of the last probes is known after their deadline.
    await delay(2 * answerWithinMs, undefined, { signal })
  }
  availability.addTo(book)
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
      parameters: { shape, hosts: topology.hosts.length, minutes, pauseSeconds: pauseMs / 1000, seed },
      results: book.results(),
      skipped: [],
      failed,
      notes: [
        `Faults one at a time, seed ${seed}, each for 2 to 10 s, ${pauseMs / 1000} s apart; parts of 100: ` +
          `${Object.entries(faultWeights)
            .map(([kind, weight]) => `${kind} ${weight}`)
            .join(', ')}. ` +
          'A node that crashed (SIGKILL) is started again at once, as by a service manager.',
        `availability: ${pairs.length} pairs of hosts, each probed every ${probeEveryMs} ms over the overlay, ends taking ` +
          `turns; answered within ${answerWithinMs} ms. Counted are pairs whose ends run and which links and hosts that ` +
          'work join, from the moment of the injection, without grace; a lossy or slow link counts as one that works, a ' +
          'byzantine host as one that cannot be passed, a started host as there once it says that it is up. ' +
          'availability-raw: all pairs, all the time.',
        'heal: from healing until every pair has had an answer and every node has a right route to each; for a crash from ' +
          `when the node is up. The probes come every ${probeEveryMs} ms: it is no finer.`,
        'rss-slope: least squares over the samples of one process, where there are ten or more.',
      ],
    },
    objectives,
  )
}

interface Watch {
  readonly bed: Bed
  readonly pairs: readonly ProbePair[]
  readonly prober: Prober
  readonly onProgress: (text: string) => void
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

/** Looks until all pairs have answered since now and all routes are right, `healWithinMs` at most. */
async function waitUntilWhole(
  { bed, pairs, prober, onProgress }: Watch,
  hosts: readonly ProbedHost[],
): Promise<{ readonly tookMs: number; readonly problems: readonly string[]; readonly routes: number }> {
  const startMs = machineMs()
  let explained = false
  for (;;) {
    bed.signal.throwIfAborted()
    const silent = prober.unanswered(startMs).map((pair) => pairs[pair]!)
    const isLate = machineMs() - startMs >= explainAfterMs
    // Asking the nodes costs them time: not while the probes show that it is too early.
    const routes = silent.length === 0 || isLate ? await wrongRoutes(bed, hosts) : []
    const tookMs = machineMs() - startMs
    const problems = [
      ...silent.map(([from, to]) => `${hosts[from]!.name}-${hosts[to]!.name} silent`),
      ...routes,
    ]
    if (problems.length === 0 || tookMs >= healWithinMs) return { tookMs, problems, routes: routes.length }
    if (isLate && !explained) {
      explained = true
      const few = silent.slice(0, 6).map(([from, to]) => [hosts[from]!, hosts[to]!] as const)
      const why = await diagnose(hosts, few)
      onProgress(`not whole after ${Math.round(tookMs)} ms: ${problems.slice(0, 12).join(', ')}\n${why}`)
    }
    await delay(isLate ? 500 : 50, undefined, { signal: bed.signal })
  }
}
