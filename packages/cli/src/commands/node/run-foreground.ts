import { hasCode, X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { version } from '../../version.ts'
import { readyView } from '../../views/node.ts'
import type { NodeSettings } from './config-flags.ts'
import { makeLog } from './make-log.ts'
import { meshNameOf, type NodeProgram } from './node-program.ts'
import { reportFailure, reportReady } from './ready-message.ts'

export interface ForegroundOptions {
  readonly loaded: NodeSettings
  /** Name of the mesh that an empty home gets. */
  readonly mesh?: string | undefined
  /** Log into this file in place of stderr. */
  readonly logFile?: string | undefined
  /** Tells the process that spawned this one when the node is up. */
  readonly reportReady?: boolean | undefined
}

/** How long the parts of a node may take to close. */
const closeWithinMs = 10_000

/**
 * Runs a node until it is stopped or a signal comes; an empty home first gets keys and a mesh of its own.
 * @throws X0tError NODE_ALREADY_RUNNING, INTERRUPTED, and whatever the start fails with
 */
export async function runForeground(
  program: NodeProgram,
  options: ForegroundOptions,
  context: CommandContext,
): Promise<void> {
  const { loaded } = options
  const { home, config } = loaded
  const { env } = context.streams
  using log = await makeLog(config, context.streams, options.logFile)
  try {
    await refuseSecondStart(config.api.socket)
    const { serviceManager } = await import('@x0t/node/install')
    const manager = await serviceManager(env, log)
    const { name } = config.node
    const identity = await program.initNode({ home, meshName: meshNameOf(options.mesh, name), name, log })
    const { signal } = context
    const settings = loaded.entries
    const node = await program.startNode({ home, config, settings, log, signal, version })
    await using closing = closingNode(node)
    void closing
    manager.ready(`${name} ${identity.overlayAddress}`)
    const stopWatchdog = startWatchdog(manager)
    const ready = { ...identity, name, home, first: identity.created, pid: process.pid }
    if (options.reportReady === true) reportReady(ready)
    else if (context.output().json) context.output().line(ready, () => '')
    else if (log.format === 'text') context.output().note(readyView(ready, 'x0t'))
    try {
      await ended(node.done, signal)
    } finally {
      stopWatchdog()
      manager.stopping()
    }
  } catch (error) {
    if (!hasCode(error, 'INTERRUPTED')) {
      // On stderr the command's own error line says it.
      if (options.logFile !== undefined) log.error('node-failed', { error })
      if (options.reportReady === true) reportFailure(error)
    }
    throw error
  }
}

async function refuseSecondStart(socketPath: string): Promise<void> {
  const { openClient } = await import('@x0t/local-api')
  try {
    await openClient({ socketPath, timeoutMs: 2000 }).live()
  } catch (error) {
    // Nobody there: good. Somebody who cannot be asked is left to the start itself to judge.
    if (error instanceof X0tError && error.code !== 'DAEMON_INCOMPATIBLE') return
    throw error
  }
  throw new X0tError('NODE_ALREADY_RUNNING', `a node answers at ${socketPath}`, {
    hint: 'x0t node status, or x0t node stop',
  })
}

/** Settles when the node has ended; rejects with the signal's reason when one comes first. */
async function ended(done: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([done, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Disposal with a deadline: a part that does not close must not keep the process from ending. */
function closingNode(node: AsyncDisposable): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      const { promise, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(
        () => reject(new X0tError('NODE_STOP_TIMEOUT', `the node did not close within ${closeWithinMs} ms`)),
        closeWithinMs,
      )
      try {
        await Promise.race([node[Symbol.asyncDispose](), promise])
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** Shows the service manager that the event loop turns, twice as often as it asks for. */
function startWatchdog(manager: { readonly watchdogMs: number | undefined; alive(): void }): () => void {
  if (manager.watchdogMs === undefined) return () => {}
  manager.alive()
  const timer = setInterval(() => manager.alive(), manager.watchdogMs / 2)
  timer.unref()
  return () => clearInterval(timer)
}
