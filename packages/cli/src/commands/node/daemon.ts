import { existsSync } from 'node:fs'
import type { Client } from '@x0t/local-api'
import type { CommandContext } from '../../main.ts'
import { homeOf, type HomeOption } from './home-option.ts'

/** A client of the node that runs with this home. Its methods fail with NO_DAEMON (exit code 4) if none does. */
export async function openDaemon(options: HomeOption, context: CommandContext): Promise<Client> {
  const { openClient } = await import('@x0t/local-api')
  return openClient({ socketPath: await socketPathOf(await homeOf(options, context), context) })
}

/**
 * The control socket. The configuration is read only where it may name another,
 * and one that does not hold does not keep anyone from stopping a node.
 */
async function socketPathOf(home: string, context: CommandContext): Promise<string> {
  const { env } = context.streams
  const { homeAt } = await import('@x0t/node/home')
  const { configFile, socketFile } = homeAt(home)
  if (env['X0T_API_SOCKET'] === undefined && !existsSync(configFile)) return socketFile
  const { inspectConfig, readConfigFile } = await import('@x0t/node/config')
  const { loaded } = await inspectConfig({ home, env, readFile: readConfigFile })
  if (loaded !== undefined) return loaded.config.api.socket
  context.output().warn(`the configuration in ${home} does not hold; trying ${socketFile}`)
  return socketFile
}
