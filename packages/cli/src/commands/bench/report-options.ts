import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Objective, Report } from '@x0t/bench'
import { exitCodes, type CommandContext } from '../../main.ts'
import { writeReportFiles, type ReportFiles } from './report-files.ts'
import { repeatable } from '../repeatable.ts'

export interface ReportOptions extends ReportFiles {
  readonly objective?: readonly string[]
}

/** Adds `--objective` and the files of a report, which every benchmark takes. */
export function withReport(command: Command): Command {
  return command
    .option(
      '--objective <text>',
      'what must be shown, like tcp/x0t>=2000; exit code 3 if missed; repeatable',
      repeatable,
    )
    .option('--out <file>', 'write the report into a file too: JSON, or Markdown if it ends in .md')
    .option('--markdown <file>', 'write it as Markdown, for a pull request')
    .option('--junit <file>', 'write objectives and failures as JUnit XML')
    .option('--svg <file|folder>', 'draw every injection: one picture, or one for each fault in a folder')
    .option('--roadmap <folder>', "write the roadmap's benchmark_… and mttr_benchmark_… files")
    .addOption(
      new Option('--roadmap-format <format>', 'of the suite')
        .choices(['json', 'csv', 'both'])
        .default('json'),
    )
}

/** The objectives of the options; checked before anything is measured. */
export async function objectivesOf({ objective = [] }: ReportOptions): Promise<readonly Objective[]> {
  const { parseObjective } = await import('@x0t/bench')
  return objective.map(parseObjective)
}

/** Prints a report, writes it into the files that were asked for, and sets the exit code: 3 for a missed objective, 1 for a failed path. */
export async function deliver(report: Report, files: ReportFiles, context: CommandContext): Promise<void> {
  const output = context.output()
  const { reportView } = await import('../../views/bench.ts')
  output.result(report, reportView)
  for (const path of await writeReportFiles(report, files)) output.note(`written: ${path}`)
  if (report.failed.length > 0) context.exitCode(exitCodes.failed)
  if (report.objectives.some((one) => !one.met)) context.exitCode(exitCodes.wanting)
}

/** A parser of whole numbers in a range, for the options of a benchmark. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`)
  }
}

/** The command line that was given, for the report. */
export function commandLine(): string {
  return ['x0t', ...process.argv.slice(2)].join(' ')
}
