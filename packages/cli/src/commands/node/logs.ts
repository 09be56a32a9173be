import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from './daemon.ts'
import { homeOf, withHome, type HomeOption } from './home-option.ts'

interface LogsOptions extends HomeOption {
  readonly follow?: boolean
  readonly lines: string
}

export function registerLogs(node: Command, context: CommandContext): void {
  withHome(
    node
      .command('logs')
      .description('show the log file of a detached node, and with -f what happens from now on')
      .option('-f, --follow', 'go on with the events of the running node')
      .option('-n, --lines <count>', 'last lines of the file to show', '100'),
  ).action(async (options: LogsOptions) => {
    const most = Number(options.lines)
    if (!Number.isSafeInteger(most) || most < 0)
      throw new X0tError('USAGE', `--lines takes a number, not ${JSON.stringify(options.lines)}`, {
        exitCode: 2,
      })
    const { readLastLines } = await import('./last-lines.ts')
    const { homeAt } = await import('@x0t/node/home')
    const { logLine } = await import('../../views/log-line.ts')
    const { logFile } = homeAt(await homeOf(options, context))
    const lines = most === 0 ? [] : await readLastLines(logFile, most)
    if (lines === undefined && options.follow !== true) {
      throw new X0tError('LOG_NOT_FOUND', `there is no log file ${logFile}`, {
        hint: 'journalctl -u x0t, or x0t node logs --follow',
      })
    }
    const output = context.output()
    const colour = output.interactive && (context.streams.env['NO_COLOR'] ?? '') === ''
    for (const line of lines ?? []) output.line(asRecord(line), (record) => logLine(record, colour))
    if (options.follow !== true) return
    const daemon = await openDaemon(options, context)
    for await (const { atMs, level, event, fields } of daemon.events(undefined, { signal: context.signal })) {
      const record = { ...fields, level, time: new Date(atMs).toISOString(), event }
      output.line(record, (value) => logLine(value, colour))
    }
  })
}

/** A line of the log file: a record, or text that some part of the runtime wrote there. */
function asRecord(line: string): Readonly<Record<string, unknown>> {
  try {
    const record: unknown = JSON.parse(line)
    if (typeof record === 'object' && record !== null) return record as Record<string, unknown>
  } catch {
    // Not JSON: for example a stack trace of a crash.
  }
  return { text: line }
}
