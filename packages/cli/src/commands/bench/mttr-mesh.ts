import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { portsOf, runFolderOf } from '../testbed/bed-option.ts'
import { nodeRunner } from '../testbed/node-runner.ts'
import { version } from '../../version.ts'
import { commandLine, deliver, objectivesOf, wholeNumber, type ReportOptions } from './report-options.ts'
import { addLivenessOptions, kernelRateHz, livenessOf, type LivenessFlags } from './liveness-options.ts'
import { repeatable } from '../repeatable.ts'

/** Options of `x0t bench mttr` without `--url`. */
export interface MeshFlags extends ReportOptions, LivenessFlags {
  readonly faults: readonly string[]
  readonly runs: number
  readonly against: readonly string[]
  readonly peerRuns?: number
  readonly shape: string
  readonly hitless: boolean
  readonly x0t: boolean
  readonly rate?: number
  readonly observe: number
  readonly scheduling: 'round-robin' | 'ordinary'
  readonly seed: number
  readonly set?: readonly string[]
  readonly dir?: string
}

const list = (text: string): readonly string[] => text.split(',').filter((name) => name !== '')

/** Adds the options of a measurement of the overlay. */
export function addMeshOptions(command: Command): Command {
  return addLivenessOptions(command)
    .option('--faults <names>', 'separated by commas; all that there are by default', list, [])
    .option('--runs <n>', 'runs of each fault; percentiles need 30', wholeNumber(1, 10_000), 30)
    .option(
      '--against <names>',
      'peers, separated by commas: babeld,bird,wireguard-bird,wireguard-babel,tinc,nebula,yggdrasil; each may have a ' +
        'profile, like bird@2ms, babeld@10ms, tinc@default',
      list,
      [],
    )
    .option('--peer-runs <n>', 'the same for peers (default: as --runs)', wholeNumber(1, 10_000))
    .option('--shape <shape>', 'diamond, ring:N or grid:WxH', 'diamond')
    .option('--hitless', 'also measure x0t with every datagram over two disjoint paths', false)
    .option('--no-x0t', 'only the peers')
    .option('--observe <seconds>', 'a stream that is not back by then has failed', wholeNumber(2, 600), 60)
    .addOption(
      new Option('--scheduling <class>', 'of the daemons of all systems alike; round-robin is in real time')
        .choices(['round-robin', 'ordinary'])
        .default('round-robin'),
    )
    .option('--seed <n>', 'of the moments and the order of the faults', wholeNumber(0, 999_999_999), 1)
    .option('--set <section.key=value>', 'any setting of the x0t nodes; repeatable', repeatable)
    .addOption(new Option('--dir <folder>', 'folder of the records (default: /run/x0t-testbed for root)'))
    .addHelpText(
      'after',
      '\nThe overlay needs root. Names of results: outage/x0t/blackhole and detect, reroute, recovery (ms), lost,\n' +
        'duplicated, reordered (packets), and the same for x0t-hitless and each peer.',
    )
}

/** Measures x0t and peers in namespaces. */
export async function runMesh(options: MeshFlags, context: CommandContext): Promise<void> {
  const { runs, shape, hitless } = options
  const { kernel, cables } = livenessOf(options)
  const [{ choosePeerSystem, mttrBench, parseFaultNames, x0tSystem }, { parseShape }] = await Promise.all([
    import('@x0t/bench'),
    import('@x0t/testbed'),
  ])
  const output = context.output()
  const runner = nodeRunner(options.set ?? [])
  const watched = kernel === undefined ? {} : { kernel }
  const x0t = options.x0t ? [x0tSystem({ runner, ...watched })] : []
  const twice = hitless ? [x0tSystem({ runner, hitless, ...watched })] : []
  const peers = [...new Set(options.against)].map(choosePeerSystem)
  const report = await mttrBench({
    ...portsOf(context),
    systems: [...x0t, ...twice, ...peers],
    faults: parseFaultNames(options.faults),
    topology: parseShape(shape),
    shape,
    runs,
    peerRuns: options.peerRuns ?? runs,
    rateHz: options.rate ?? (kernel === undefined ? 1000 : kernelRateHz),
    observeMs: options.observe * 1000,
    seed: options.seed,
    scheduling: options.scheduling,
    cables,
    runFolder: await runFolderOf(options, context),
    objectives: await objectivesOf(options),
    command: commandLine(),
    versions: { x0t: version },
    onProgress: (text) => output.note(text),
  })
  await deliver(report, options, context)
}
