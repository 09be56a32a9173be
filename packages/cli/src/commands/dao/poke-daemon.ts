import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from '../node/daemon.ts'
import type { HomeOption } from '../node/home-option.ts'

/** A daemon that does not answer in this time looks at the store by itself soon enough. */
const patienceMs = 2000

/** Tells a running daemon of this home that there are new records. Without one nothing is amiss. */
export async function pokeDaemon(options: HomeOption, context: CommandContext): Promise<void> {
  const daemon = await openDaemon(options, context)
  try {
    await daemon.daoSync(undefined, {
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)]),
    })
  } catch (error) {
    context.signal.throwIfAborted()
    const isAbsent =
      error instanceof X0tError && (error.code === 'NO_DAEMON' || error.code === 'SOCKET_FORBIDDEN')
    if (!isAbsent) context.output().warn('the running node was not told: it finds the new records by itself')
  }
}
