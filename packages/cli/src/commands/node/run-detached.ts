import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { isStartMessage, type ReadyNode } from './ready-message.ts'

export interface DetachedOptions {
  readonly home: string
  readonly logFile: string
  /** Values of settings, as flags gave them. */
  readonly flags: Readonly<Record<string, string | readonly string[]>>
  readonly mesh?: string | undefined
}

/**
 * Starts a node in a session of its own and returns when it is up.
 * @throws X0tError what the start failed with, NODE_START_FAILED if it ended without a word, INTERRUPTED
 */
export async function runDetached(options: DetachedOptions, context: CommandContext): Promise<ReadyNode> {
  const { home, logFile, mesh } = options
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  const words = ['node', 'start', '--home', home, '--log-file', logFile, '--report-ready']
  if (mesh !== undefined) words.push('--mesh', mesh)
  for (const [key, value] of Object.entries(options.flags))
    for (const one of typeof value === 'string' ? [value] : value) words.push('--set', `${key}=${one}`)
  const program = fileURLToPath(new URL('../../../bin/x0t.js', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, program, ...words], {
    cwd: home,
    detached: true,
    env: context.streams.env,
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  const letGo = new AbortController()
  try {
    const told = once(child, 'message', { signal: letGo.signal }).then(([message]) => message as unknown)
    const gone = once(child, 'exit', { signal: letGo.signal }).then(([code, signal]) => {
      throw new X0tError(
        'NODE_START_FAILED',
        `the node ended with ${String(signal ?? code)} before it was up`,
        {
          hint: `x0t node logs --home ${home}`,
        },
      )
    })
    const interrupted = once(context.signal, 'abort', { signal: letGo.signal }).then(() => {
      child.kill('SIGTERM')
      throw context.signal.reason
    })
    for (const promise of [told, gone, interrupted]) promise.catch(() => {})
    const message = await Promise.race([told, gone, interrupted])
    if (!isStartMessage(message)) throw new X0tError('NODE_START_FAILED', 'the node sent something unknown')
    if (message.x0t === 'ready') return message.node
    const { code, hint, exitCode } = message
    throw new X0tError(code, message.message, { ...(hint === undefined ? {} : { hint }), exitCode })
  } finally {
    letGo.abort()
    if (child.connected) child.disconnect()
    child.unref()
  }
}
