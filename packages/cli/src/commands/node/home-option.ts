import { homedir } from 'node:os'
import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'

export interface HomeOption {
  readonly home?: string
}

/** Adds `--home`, which every command that belongs to a node takes. */
export function withHome(command: Command): Command {
  return command.addOption(
    new Option(
      '--home <folder>',
      'folder of the node (X0T_HOME; /var/lib/x0t for root, else ~/.local/state/x0t)',
    ),
  )
}

/** The node's folder, absolute. */
export async function homeOf(options: HomeOption, { streams }: CommandContext): Promise<string> {
  const { resolveHome } = await import('@x0t/node/home')
  return resolveHome({
    flag: options.home,
    env: streams.env,
    uid: process.getuid?.() ?? -1,
    userHome: streams.env['HOME'] ?? homedir(),
    workingFolder: process.cwd(),
  })
}
