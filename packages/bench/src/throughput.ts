import { hasCode, messageOf, silentLog, X0tError, type Log } from '@x0t/core'
import { systemRun, type BedPortOptions, type RunnerSpec } from '@x0t/testbed'
import { describeEnvironment } from './environment.ts'
import { makeLab } from './lab.ts'
import { withoutOffloads } from './loss.ts'
import { measureTunnel } from './measure-tunnel.ts'
import { peers, veth, x0t } from './peers/index.ts'
import {
  chooseTunnels,
  installHint,
  lossPrograms,
  measuringPrograms,
  missingPrograms,
  requirePrograms,
} from './programs.ts'
import type { Objective } from './objective.ts'
import { makeReport, type Report, type Skipped } from './report.ts'
import { sampleBook } from './result.ts'
import type { Tunnel } from './tunnel.ts'

export interface ThroughputOptions extends BedPortOptions {
  /** Names of the peers to compare with. */
  readonly against: readonly string[]
  /** Hosts between the two ends. */
  readonly relays: number
  readonly lossRatio: number
  readonly runs: number
  /** Length of one TCP run. */
  readonly seconds: number
  /** Search the highest rate of small datagrams. */
  readonly datagrams: boolean
  /** Offloads of the links off also without loss. */
  readonly offloads: boolean
  /** How to run x0t nodes; absent: x0t is not measured. */
  readonly x0tRunner?: RunnerSpec
  readonly runFolder: string
  readonly objectives: readonly Objective[]
  /** The command, for the report. */
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly onProgress?: (text: string) => void
}

/**
 * Measures the bare link, x0t and peers in turn, `runs` rounds over, each time in fresh namespaces with fresh
 * daemons. Rounds are interleaved, so that a machine that gets slower or busier does so for all.
 * @throws X0tError BENCH_TOOL_MISSING, BENCH_PEER_UNKNOWN, BENCH_OPTION_INVALID
 */
export async function throughputBench(options: ThroughputOptions): Promise<Report> {
  checkOptions(options)
  const {
    against,
    relays,
    lossRatio,
    runs,
    seconds,
    datagrams,
    offloads,
    x0tRunner,
    onProgress = () => {},
  } = options
  const chosen = chooseTunnels(peers, [...new Set(against)])
  const path = options.env['PATH'] ?? ''
  await requirePrograms([...measuringPrograms, ...(lossRatio > 0 || !offloads ? lossPrograms : [])], path)
  const run = options.run ?? systemRun(options.env)
  const all = [veth, ...(x0tRunner === undefined ? [] : [x0t]), ...chosen]
  const { able, skipped } = await sortOut(all, relays, path)
  const versions: Record<string, string> = { ...options.versions }
  for (const tunnel of able) {
    if (tunnel.version !== undefined) versions[tunnel.name] = await tunnel.version(run)
  }
  const environment = await describeEnvironment(versions)
  const timestamp = new Date().toISOString()
  const book = sampleBook()
  const failed: Skipped[] = []
  const log: Log = options.log ?? silentLog
  for (let round = 1; round <= runs; round++) {
    for (const tunnel of able) {
      options.signal.throwIfAborted()
      onProgress(`round ${round} of ${runs}: ${tunnel.name}`)
      try {
        const runner = tunnel.lab?.x0t === true ? x0tRunner : undefined
        await using lab = await makeLab({
          ...options,
          run,
          relays,
          forward: tunnel.lab?.forward === true,
          ...(runner === undefined ? {} : { runner }),
        })
        if (!offloads) await withoutOffloads(lab)
        await measureTunnel(lab, tunnel, { seconds, lossRatio, datagrams }, book)
      } catch (error) {
        if (options.signal.aborted || isFatal(error)) throw error
        log.warn('bench-path-failed', { path: tunnel.name, round, error })
        failed.push({ path: tunnel.name, reason: `round ${round}: ${messageOf(error)}` })
        onProgress(`round ${round} of ${runs}: ${tunnel.name} failed: ${messageOf(error)}`)
      }
    }
  }
  const parameters = { runs, seconds, relays, lossRatio, offloads: offloads && lossRatio === 0, datagrams }
  const { command } = options
  const results = book.results()
  const notes = [...method(options), ...able.map((tunnel) => tunnel.setup)]
  return makeReport(
    { kind: 'throughput', timestamp, environment, command, parameters, results, skipped, failed, notes },
    options.objectives,
  )
}

function checkOptions({ relays, lossRatio, runs, seconds }: ThroughputOptions): void {
  const check = (name: string, value: number, least: number, most: number): void => {
    if (value >= least && value <= most) return
    throw new X0tError('BENCH_OPTION_INVALID', `${name} is ${value}; expected ${least} to ${most}`, {
      exitCode: 2,
    })
  }
  check('the number of relays', relays, 0, 8)
  check('the loss ratio', lossRatio, 0, 0.9)
  check('the number of runs', runs, 1, 1000)
  check('the length of a run in seconds', seconds, 1, 3600)
}

/** Which of the paths can be measured here, and why the others cannot. */
async function sortOut(
  tunnels: readonly Tunnel[],
  relays: number,
  path: string,
): Promise<{ readonly able: readonly Tunnel[]; readonly skipped: readonly Skipped[] }> {
  const able: Tunnel[] = []
  const skipped: Skipped[] = []
  for (const tunnel of tunnels) {
    const missing = await missingPrograms(tunnel.programs, path)
    if (missing.length > 0) {
      const names = missing.map((one) => one.program).join(', ')
      skipped.push({ path: tunnel.name, reason: `not installed: ${names}`, install: installHint(missing) })
    } else if (relays > tunnel.mostRelays) {
      skipped.push({
        path: tunnel.name,
        reason: `cannot go through ${relays} relays, ${tunnel.mostRelays} at most`,
      })
    } else {
      able.push(tunnel)
    }
  }
  return { able, skipped }
}

/** Failures that would only repeat themselves. */
function isFatal(error: unknown): boolean {
  return ['TESTBED_NEEDS_ROOT', 'TESTBED_EXISTS', 'TESTBED_NAMESPACE_EXISTS', 'TESTBED_TOOL_MISSING'].some(
    (code) => hasCode(error, code),
  )
}

function method({ relays, lossRatio, offloads, seconds }: ThroughputOptions): string[] {
  return [
    `${relays + 2} hosts in network namespaces on this machine, joined by veth pairs of MTU 1500; both ends, the ` +
      'daemons and iperf3 share its cores. Links between machines behave otherwise.',
    `tcp: one iperf3 stream for ${seconds} s, as received. rtt-idle, rtt-loaded: ping every 10 ms without other ` +
      'traffic and during the TCP run; lost pings are in ping-loss-loaded. cpu: user and system time of all daemons ' +
      'of the path per GB received, without kernel threads. first-ping: from when the daemons run until the first answer. rss: the largest daemon, before and after load. ' +
      'pps: 200-byte datagrams received per second at 1 % loss or less, best of a search with 2-s trials.',
    lossRatio > 0
      ? `Every link drops ${lossRatio * 100} % in each direction by chance (nft numgen, independent); link offloads ` +
        'are off for all paths alike; the counters of the kernel were checked after every run.'
      : `Link offloads are ${offloads ? 'on, as the kernel sets them' : 'off'}, for all paths alike; no loss is injected.`,
  ]
}
