import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { wholeNumber } from '../bench/report-options.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

interface PathsOptions extends HomeOption {
  readonly count: number
  readonly link?: boolean
}

const maxCount = 16

export function registerPaths(mesh: Command, context: CommandContext): void {
  withHome(
    mesh
      .command('paths')
      .argument('<node>', 'node id, start of an id, name or address')
      .description(
        'list paths to a member that share no relay, and which are in use; 3 if there are fewer than asked for',
      )
      .option('-k, --count <n>', `how many, 1 to ${maxCount}`, wholeNumber(1, maxCount), 2)
      .option('--link', 'paths may share relays, but no link'),
  ).action(async (to: string, options: PathsOptions) => {
    const daemon = await openDaemon(options, context)
    const by = options.link === true ? 'link' : 'node'
    const paths = await daemon.paths({ to, count: options.count, by }, { signal: context.signal })
    const { pathsView } = await import('../../views/mesh-paths.ts')
    context.output().result(paths, pathsView)
    if (paths.paths.length < options.count) context.exitCode(exitCodes.wanting)
  })
}
