import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { homeOf, withHome, type HomeOption } from '../node/home-option.ts'

export function registerArtifact(dao: Command, context: CommandContext): void {
  const artifact = dao
    .command('artifact')
    .description('files that votes have published: they are kept, and nothing loads them by itself')
  withHome(
    artifact
      .command('list', { isDefault: true })
      .description('published files in the home, with who signed them; exit code 3 if one is damaged'),
  ).action(async (options: HomeOption) => {
    const { homeAt } = await import('@x0t/node/home')
    const { listArtifacts } = await import('@x0t/node/artifacts')
    const home = await homeOf(options, context)
    const found = await listArtifacts(homeAt(home).artifactsDirectory)
    const { artifactsView } = await import('../../views/dao-artifact.ts')
    context.output().result(found, artifactsView)
    if (found.damaged.length > 0) context.exitCode(exitCodes.wanting)
  })
}
