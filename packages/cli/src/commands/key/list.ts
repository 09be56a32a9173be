import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { keyListView } from '../../views/key.ts'

/** `x0t key list`. */
export function registerList(key: Command, context: CommandContext): void {
  key
    .command('list')
    .description('list the keys and identities of a directory')
    .argument('[directory]', 'directory to look at', '.')
    .action(async (directory: string) => {
      const { listKeyDirectory } = await import('@x0t/keys')
      context.output().result(await listKeyDirectory(directory), keyListView)
    })
}
