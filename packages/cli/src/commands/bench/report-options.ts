import { writeFile } from 'node:fs/promises'
import { InvalidArgumentError, type Command } from 'commander'
import type { Objective, Report } from '@x0t/bench'
import { exitCodes, type CommandContext } from '../../main.ts'

export interface ReportOptions {
  readonly objective?: readonly string[]
  readonly out?: string
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Adds `--objective` and `--out`, which every benchmark takes. */
export function withReport(command: Command): Command {
  return command
    .option(
      '--objective <text>',
      'what must be shown, like tcp/x0t>=2000; exit code 3 if missed; repeatable',
      collect,
    )
    .option('--out <file>', 'write the report into a file too: JSON, or Markdown if it ends in .md')
}

/** The objectives of the options; checked before anything is measured. */
export async function objectivesOf({ objective = [] }: ReportOptions): Promise<readonly Objective[]> {
  const { parseObjective } = await import('@x0t/bench')
  return objective.map(parseObjective)
}

/** Prints a report, writes it to `--out`, and sets the exit code: 3 for a missed objective, 1 for a failed path. */
export async function deliver(
  report: Report,
  { out }: ReportOptions,
  context: CommandContext,
): Promise<void> {
  const output = context.output()
  if (out !== undefined) {
    const { reportMarkdown } = await import('@x0t/bench')
    await writeFile(
      out,
      out.endsWith('.md') ? reportMarkdown(report) : `${JSON.stringify(report, null, 2)}\n`,
    )
    output.note(`the report is in ${out}`)
  }
  const { reportView } = await import('../../views/bench.ts')
  output.result(report, reportView)
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
