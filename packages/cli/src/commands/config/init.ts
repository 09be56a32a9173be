import { mkdir, rename, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { hasCode, X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { homeOf, withHome, type HomeOption } from '../node/home-option.ts'

export function registerInit(config: Command, context: CommandContext): void {
  withHome(config.command('init').description('write a file that names every setting with its default'))
    .option('--force', 'replace the file that is there')
    .option('--stdout', 'print it and write nothing')
    .action(async (options: HomeOption & { readonly force?: boolean; readonly stdout?: boolean }) => {
      const { annotatedConfigFile, homeAt } = await import('@x0t/node/config')
      const content = annotatedConfigFile()
      if (options.stdout === true) {
        context.output().result({ content }, (value) => value.content)
        return
      }
      const home = await homeOf(options, context)
      const { configFile } = homeAt(home)
      await mkdir(home, { recursive: true, mode: 0o700 })
      await write(configFile, content, options.force === true)
      context.output().result({ file: configFile }, (value) => value.file)
    })
}

async function write(path: string, content: string, force: boolean): Promise<void> {
  try {
    if (!force) return await writeFile(path, content, { mode: 0o600, flag: 'wx' })
    await writeFile(`${path}.new`, content, { mode: 0o600 })
    await rename(`${path}.new`, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    throw new X0tError('CONFIG_EXISTS', `${path} is there already`, {
      cause: error,
      hint: 'x0t config init --force replaces it; --stdout prints one to compare',
    })
  }
}
