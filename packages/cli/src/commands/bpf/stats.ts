import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { parseOption } from '../node/parse-option.ts'
import { openKernel, withKernel, type KernelOptions } from './kernel.ts'
import { wholeNumber } from './options.ts'

interface StatsOptions extends KernelOptions {
  readonly interval: string
  readonly count: number
  readonly all?: true
}

export function registerStats(bpf: Command, context: CommandContext): void {
  withKernel(
    bpf
      .command('stats')
      .description('count how often programs run, and what a run costs; the kernel counts only meanwhile')
      .argument('[object]', 'of this object; of all by default')
      .option('--interval <duration>', 'count for so long', '1s')
      .option(
        '--count <number>',
        'so many times; 0: until interrupted',
        wholeNumber('--count', 0, 1_000_000),
        1,
      )
      .option('--all', 'programs of others too'),
  ).action(async (name: string | undefined, options: StatsOptions) => {
    const { backend, root, monotonicMs, wait } = await openKernel(options, context)
    const { measureRuns, readInventory } = await import('@x0t/bpf')
    const { parseDurationMs } = await import('@x0t/node/config')
    const { statsView } = await import('../../views/bpf.ts')
    const intervalMs = parseOption('--interval', options.interval, parseDurationMs)
    for (let round = 0; options.count === 0 || round < options.count; round += 1) {
      const measured = await measureRuns(backend, { intervalMs, monotonicMs, wait })
      const objects = await readInventory(backend, root)
      const owners = new Map(
        objects.flatMap((object) =>
          object.programs.flatMap((program) =>
            program.info === undefined ? [] : [[program.info.id, `${object.name}/${program.name}`] as const],
          ),
        ),
      )
      const programs = measured
        .map((statistics) => ({ ...statistics, program: owners.get(statistics.id) ?? null }))
        .filter(({ program }) =>
          name === undefined ? options.all === true || program !== null : program?.startsWith(`${name}/`),
        )
      const result = { intervalMs, programs }
      if (options.count === 1) context.output().result(result, statsView)
      else context.output().line(result, statsView)
    }
  })
}
