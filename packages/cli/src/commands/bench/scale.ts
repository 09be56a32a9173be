import { InvalidArgumentError, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { version } from '../../version.ts'
import {
  commandLine,
  deliver,
  objectivesOf,
  wholeNumber,
  withReport,
  type ReportOptions,
} from './report-options.ts'

interface ScaleFlags extends ReportOptions {
  readonly nodes: readonly number[]
  readonly topologies?: string
  readonly die: number
  readonly seed: number
}

export function registerScale(bench: Command, context: CommandContext): void {
  withReport(
    bench
      .command('scale')
      .description('simulate the routing of large meshes: convergence, messages, and a mass death of nodes')
      .option('--nodes <list>', 'sizes of the meshes', sizesOf, [50, 100, 200, 500])
      .option('--topologies <folder>', 'recorded meshes as JSON; made-up ones where absent')
      .option('--die <percent>', 'how many nodes die at once', wholeNumber(1, 90), 10)
      .option(
        '--seed <n>',
        'the same seed gives the same meshes and failures',
        wholeNumber(0, 999_999_999),
        1,
      ),
  ).action(async (options: ScaleFlags) => {
    const { scaleBench } = await import('@x0t/bench')
    const output = context.output()
    const report = await scaleBench({
      nodes: options.nodes,
      topologies: options.topologies,
      diePercent: options.die,
      seed: options.seed,
      objectives: await objectivesOf(options),
      command: commandLine(),
      versions: { x0t: version },
      onProgress: (text) => output.note(text),
    })
    await deliver(report, options, context)
  })
}

function sizesOf(text: string): readonly number[] {
  const parse = wholeNumber(3, 2048)
  const sizes = text.split(',').map((one) => parse(one.trim()))
  if (new Set(sizes).size !== sizes.length) throw new InvalidArgumentError('expected different sizes')
  return sizes
}
