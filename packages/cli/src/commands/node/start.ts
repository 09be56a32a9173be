import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import {
  configOf,
  flagValues,
  readSettings,
  withConfigFlags,
  type ConfigOptions,
  type NodeSettings,
} from './config-flags.ts'
import { withHome } from './home-option.ts'

export interface StartOptions extends ConfigOptions {
  readonly mesh?: string
  readonly detach?: boolean
  readonly logFile?: string
  readonly reportReady?: boolean
}

export function registerStart(node: Command, context: CommandContext): void {
  withStartFlags(
    node
      .command('start')
      .description('start the node; on an empty home it first makes keys, a mesh and its authority')
      .option(
        '--mesh <name>',
        'name of the mesh that a first node makes (default: from the name of the node)',
      ),
  ).action(async (options: StartOptions) => {
    // A detached node's doubts were shown by the command that started it.
    const settings = await (options.reportReady === true ? readSettings : configOf)(options, context)
    await startWith(settings, options, context)
  })
}

/** The flags of a command that ends by starting a node. */
export function withStartFlags(command: Command): Command {
  return withConfigFlags(withHome(command))
    .option('--detach', 'return when the node is up; it goes on in the background and logs into its home')
    .option('--log-file <path>', 'log into a file, as JSON')
    .addOption(new Option('--report-ready', 'tell the parent process over IPC').hideHelp())
}

/** Starts the node of a home, in this process or detached. */
export async function startWith(
  loaded: NodeSettings,
  options: StartOptions,
  context: CommandContext,
): Promise<void> {
  const { home } = loaded
  const { mesh } = options
  if (options.detach !== true) {
    const { runForeground } = await import('./run-foreground.ts')
    const program = await import('@x0t/node')
    await runForeground(program, { ...options, loaded }, context)
    return
  }
  const { homeAt } = await import('@x0t/node/home')
  const { runDetached } = await import('./run-detached.ts')
  const { identityView } = await import('../../views/node.ts')
  const logFile = options.logFile ?? homeAt(home).logFile
  const ready = await runDetached({ home, logFile, flags: flagValues(options), mesh }, context)
  context.output().note(`the node is up with pid ${ready.pid} and logs to ${logFile}`)
  context.output().result(ready, identityView)
}
