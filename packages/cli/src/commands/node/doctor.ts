import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { configOf, type ConfigOptions } from './config-flags.ts'
import { openDaemon } from './daemon.ts'
import { withHome } from './home-option.ts'
import { repeatable } from '../repeatable.ts'

export function registerDoctor(node: Command, context: CommandContext): void {
  withHome(
    node.command('doctor').description('check whether a node can work on this machine; exit code 3 if not'),
  )
    .option('--set <section.key=value>', 'any setting (x0t help config); repeatable', repeatable)
    .action(async (options: ConfigOptions) => {
      const { runDoctor, systemProbes } = await import('@x0t/node/doctor')
      const { home, config } = await configOf(options, context)
      const daemon = await openDaemon(options, context)
      const svidNotAfterMs = async (): Promise<number | undefined> => {
        const status = await daemon.status().catch(() => undefined)
        return status?.svidNotAfterMs
      }
      const results = await runDoctor({ home, config, probes: systemProbes({ svidNotAfterMs }) })
      const { doctorView } = await import('../../views/node.ts')
      context.output().result({ home, checks: results }, (value) => doctorView(value.checks))
      if (results.some((result) => result.status === 'fail')) context.exitCode(exitCodes.wanting)
    })
}
