import { writeFile } from 'node:fs/promises'
import { InvalidArgumentError, type Command } from 'commander'
import type { Report } from '@x0t/bench'
import { exitCodes, type CommandContext } from '../../main.ts'

interface SaveFlags {
  readonly dir: string
  readonly name: string
}

interface CompareFlags extends SaveFlags {
  readonly against?: string
  readonly threshold: number
  readonly alpha: number
  readonly floor?: Readonly<Record<string, number>>
  readonly markdown?: string
}

/** `x0t bench baseline …`: keep a run, and hold later runs against it. */
export function registerBaseline(bench: Command, context: CommandContext): void {
  const baseline = bench.command('baseline').description('keep a run, and hold later runs against it')
  withFolder(
    baseline
      .command('save')
      .description('keep a report as the baseline')
      .argument('<file>', 'a report, as --out wrote it'),
  ).action(async (file: string, { dir, name }: SaveFlags) => {
    const { readReport, saveBaseline } = await import('@x0t/bench')
    const path = await saveBaseline(await readReport(file), dir, name)
    context.output().result({ saved: path, name }, (value) => `${value.name} is ${value.saved}`)
  })
  withFolder(
    baseline
      .command('compare')
      .description('compare a report with the baseline; exit code 3 for a regression or a missing result')
      .argument('<file>', 'a report, as --out wrote it'),
  )
    .option('--against <file>', 'a report in place of the baseline')
    .option('--threshold <percent>', 'smallest change of a median that matters', shareOf(1000), 10)
    .option('--alpha <chance>', 'of one false alarm among all results, like 0.05', shareOf(0.5), 0.05)
    .option('--floor <unit=value>', 'smallest change that matters, like ms=1; repeatable', floors)
    .option('--markdown <file>', 'write it as Markdown too, for a pull request')
    .addHelpText(
      'after',
      '\nA result regressed if its median is worse by more than the threshold and the floor of its unit, and a two-sided\n' +
        "Mann–Whitney test finds the difference, with Holm's correction for the number of results. Where samples are\n" +
        'too few for any test, the threshold alone decides.',
    )
    .action(async (file: string, flags: CompareFlags) => {
      const { compareReports, comparisonMarkdown, readBaseline, readReport } = await import('@x0t/bench')
      const { comparisonView } = await import('../../views/comparison.ts')
      const after = await readReport(file)
      const before: Report = await (flags.against === undefined
        ? readBaseline(flags.dir, flags.name)
        : readReport(flags.against))
      const comparison = compareReports(before, after, {
        thresholdRatio: flags.threshold / 100,
        alpha: flags.alpha,
        ...(flags.floor === undefined ? {} : { floors: flags.floor }),
      })
      const output = context.output()
      for (const warning of comparison.warnings) output.warn(warning)
      output.result(comparison, comparisonView)
      if (flags.markdown !== undefined) await writeFile(flags.markdown, comparisonMarkdown(comparison))
      if (!comparison.passed) context.exitCode(exitCodes.wanting)
    })
}

function withFolder(command: Command): Command {
  return command
    .option('--dir <folder>', 'where baselines are kept', '.x0t-bench')
    .option('--name <name>', 'one for each kind of run that is kept', 'baseline')
}

/** A parser of numbers above 0. */
function shareOf(most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,4}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN
    if (value > 0 && value <= most) return value
    throw new InvalidArgumentError(`expected a number above 0, up to ${most}`)
  }
}

function floors(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const match = /^([^=\s]{1,20})=(\d{1,9}(?:\.\d{1,6})?)$/.exec(text)
  if (match === null) throw new InvalidArgumentError('expected UNIT=VALUE, like ms=1')
  return { ...before, [match[1]!]: Number(match[2]) }
}
