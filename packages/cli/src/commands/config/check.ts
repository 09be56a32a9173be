import { hostname } from 'node:os'
import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { flagValues, withConfigFlags, type ConfigOptions } from '../node/config-flags.ts'
import { homeOf, withHome } from '../node/home-option.ts'

export function registerCheck(config: Command, context: CommandContext): void {
  withConfigFlags(
    withHome(
      config.command('check').description('say what is wrong with the settings; exit code 3 if anything is'),
    ),
  ).action(async (options: ConfigOptions) => {
    const { homeAt, inspectConfig, readConfigFile, readDecisions } = await import('@x0t/node/config')
    const home = await homeOf(options, context)
    const { decisions, problem } = await readDecisions(homeAt(home).decisionsFile, readConfigFile)
    const { loaded, problems } = await inspectConfig({
      home,
      flags: flagValues(options),
      env: context.streams.env,
      readFile: readConfigFile,
      hostname: hostname(),
      decisions,
    })
    const warnings = [...(loaded?.warnings ?? []), ...(problem === undefined ? [] : [problem])]
    const result = { file: homeAt(home).configFile, problems, warnings }
    context
      .output()
      .result(result, ({ file }) =>
        [
          ...problems,
          ...warnings.map((warning) => `warning: ${warning}`),
          problems.length === 0 ? `${file}: the configuration holds` : `${problems.length} to mend`,
        ].join('\n'),
      )
    if (problems.length > 0) context.exitCode(exitCodes.wanting)
  })
}
