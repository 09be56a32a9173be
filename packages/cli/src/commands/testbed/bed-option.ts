import { Option, type Command } from 'commander'
import type { Bed, BedPortOptions } from '@x0t/testbed'
import type { CommandContext } from '../../main.ts'

export interface BedOption {
  readonly bed?: string
  readonly dir?: string
}

/** Adds `--bed` and `--dir`, which every command on a testbed takes. */
export function withBed(command: Command): Command {
  return command
    .option('--bed <name>', 'name of the testbed; not needed where there is only one')
    .addOption(new Option('--dir <folder>', 'folder of the records (default: /run/x0t-testbed for root)'))
}

/** What the testbed gets of the outside world. Settings of this shell's node are not for the nodes of a testbed. */
export function portsOf({ streams, signal }: CommandContext): BedPortOptions {
  const env = Object.fromEntries(Object.entries(streams.env).filter(([name]) => !name.startsWith('X0T_')))
  return { env, signal }
}

export async function runFolderOf({ dir }: BedOption, { streams }: CommandContext): Promise<string> {
  const { defaultRunFolder } = await import('@x0t/testbed')
  return dir ?? defaultRunFolder(process.getuid?.() ?? -1, streams.env)
}

/** The testbed that the options mean: the one named, else the only one. */
export async function bedOf(options: BedOption, context: CommandContext): Promise<Bed> {
  const { chooseBed, openBed } = await import('@x0t/testbed')
  const runFolder = await runFolderOf(options, context)
  return openBed({ ...portsOf(context), runFolder, name: await chooseBed(runFolder, options.bed) })
}
