import type { Command } from 'commander'
import type { ProgramManifest } from '@x0t/bpf'
import type { CommandContext } from '../../main.ts'
import { repeatable } from '../repeatable.ts'
import { openKernel, withKernel, type KernelOptions } from './kernel.ts'
import { wholeNumber } from './options.ts'

interface DumpOptions extends KernelOptions {
  readonly filter?: readonly string[]
  readonly top?: number
  readonly by?: string
  readonly perCpu?: true
  readonly ndjson?: true
}

export function registerDump(bpf: Command, context: CommandContext): void {
  withKernel(
    bpf
      .command('dump')
      .description('show the entries of a map, typed by its BTF; of per-CPU maps the sums')
      .argument('<map>', 'OBJECT/MAP; OBJECT where it has one map; or MAP where one is so named')
      .option(
        '--filter <field=value>',
        'only entries with this (=, !=, <, <=, >, >=); repeatable',
        repeatable,
      )
      .option(
        '--top <count>',
        'only so many, those with the greatest --by',
        wholeNumber('--top', 1, 1_000_000),
      )
      .option('--by <field>', 'order by this field, the greatest first; the value by default')
      .option('--per-cpu', 'the value of each CPU, not the sum')
      .option('--ndjson', 'one JSON document a line, for streams'),
  ).action(async (reference: string, options: DumpOptions) => {
    const { backend, root } = await openKernel(options, context)
    const { chooseRows, findPinnedMap, parseFilter, readProgramManifests, readRows, rowHintsOf, rowToJson } =
      await import('@x0t/bpf')
    const filters = (options.filter ?? []).map(parseFilter)
    const { object, map: pin } = await findPinnedMap(root, reference)
    using map = await backend.openMap({ pin: pin.path })
    const manifests: Readonly<Record<string, ProgramManifest>> = await readProgramManifests()
    const hints = rowHintsOf(manifests[object.name], pin.name)
    const rows = chooseRows(readRows(map, { perCpu: options.perCpu === true, hints }), {
      filters,
      ...(options.top === undefined ? {} : { top: options.top }),
      ...(options.by === undefined ? {} : { by: options.by }),
    })
    if (options.ndjson === true) {
      for (const row of rows) context.streams.stdout.write(`${JSON.stringify(rowToJson(row))}\n`)
      return
    }
    const { dumpView } = await import('../../views/bpf-dump.ts')
    context
      .output()
      .result(
        { object: object.name, map: pin.name, type: map.spec.type, entries: rows.map(rowToJson) },
        dumpView,
      )
  })
}
