import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { configOf } from './config-flags.ts'
import { makeLog } from './make-log.ts'
import { startWith, withStartFlags, type StartOptions } from './start.ts'

interface JoinOptions extends StartOptions {
  readonly tokenFile?: string
  readonly via?: string
  /** False with `--no-start`. */
  readonly start: boolean
}

export function registerJoin(node: Command, context: CommandContext): void {
  withStartFlags(
    node
      .command('join')
      .argument('[token]', 'join token; - reads it from standard input')
      .description('enrol in a mesh with a join token, then start')
      .option('--token-file <path>', 'read the token from a file')
      .option('--via <host:port>', 'member to enrol through, in place of the addresses in the token')
      .option('--no-start', 'enrol only')
      .addHelpText(
        'after',
        '\nA token on the command line can be read by other users of this machine while the command runs. It\n' +
          'works once and expires; where that is not enough, use - or --token-file.',
      ),
  ).action(async (token: string | undefined, options: JoinOptions) => {
    const { readToken } = await import('./read-token.ts')
    const secret = await readToken({ argument: token, file: options.tokenFile }, context)
    const settings = await configOf(options, context)
    const { home, config } = settings
    {
      using log = await makeLog(config, context.streams)
      const { joinMesh } = await import('@x0t/node')
      const joined = await joinMesh({
        home,
        token: secret,
        name: config.node.name,
        isNameChosen: settings.origins['node.name']?.source !== 'default',
        log,
        signal: context.signal,
        ...(options.via === undefined ? {} : { via: options.via }),
      })
      if (!options.start) {
        const { identityView } = await import('../../views/node.ts')
        context.output().result(joined, identityView)
        return
      }
    }
    await startWith(settings, options, context)
  })
}
