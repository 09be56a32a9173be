import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { homeOf, withHome, type HomeOption } from '../node/home-option.ts'
import { importBundle } from './import-bundle.ts'
import { openStoreOf } from './open-dao.ts'
import { pokeDaemon } from './poke-daemon.ts'

interface ImportOptions extends HomeOption {
  readonly partial?: boolean
  readonly dao?: string
}

export function registerImport(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('import')
      .argument('<file>', 'a bundle')
      .description('take in the records of a bundle; says how many were new, and which were refused and why')
      .option('--dao <id>', 'the DAO that the bundle must be of, for a home that has none yet')
      .option('--partial', 'of a bundle that was cut off, take the records that are whole'),
  ).action(async (file: string, options: ImportOptions) => {
    const home = await homeOf(options, context)
    await makeHome(home)
    await using opened = await openStoreOf(home)
    const imported = await importBundle(opened, file, {
      isPartial: options.partial === true,
      ...(options.dao === undefined ? {} : { expected: options.dao }),
    })
    await pokeDaemon(options, context)
    const { importedBundleView } = await import('../../views/dao-bundle.ts')
    context.output().result(imported, importedBundleView)
    if (imported.refused.length > 0) context.exitCode(1)
  })
}

async function makeHome(home: string): Promise<void> {
  const { mkdir } = await import('node:fs/promises')
  await mkdir(home, { recursive: true, mode: 0o700 })
}
