import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { hasCode, messageOf, X0tError } from '@x0t/core'

export interface LaunchOptions {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** File that standard error is appended to. */
  readonly errorFile: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Starts a program in a session of its own and returns the first line it prints; it goes on running.
 * @throws X0tError TESTBED_COMMAND_FAILED if it ends before, or takes too long
 */
export type Launch = (options: LaunchOptions) => Promise<string>

/** Launches programs of this machine. */
export const systemLaunch: Launch = async ({ argv, env, errorFile, timeoutMs, signal }) => {
  const [file, ...words] = argv
  await using errors = await open(errorFile, 'w', 0o600)
  const child = spawn(file!, words, { detached: true, env: { ...env }, stdio: ['ignore', 'pipe', errors.fd] })
  const letGo = new AbortController()
  const waiting = AbortSignal.any([letGo.signal, signal, AbortSignal.timeout(timeoutMs)])
  try {
    await once(child, 'spawn')
    const line = once(createInterface({ input: child.stdout! }), 'line', { signal: waiting })
    const gone = once(child, 'exit', { signal: waiting }).then(async ([code, name]) => {
      const said = (await readFile(errorFile, 'utf8')).trim().split('\n').at(-1)
      throw new Error(`ended with ${String(name ?? code)}: ${said ?? ''}`)
    })
    for (const promise of [line, gone]) promise.catch(() => {})
    const [text] = (await Promise.race([line, gone])) as [string]
    return text
  } catch (error) {
    child.kill('SIGKILL')
    signal.throwIfAborted()
    if (hasCode(error, 'ENOENT'))
      throw new X0tError('TESTBED_TOOL_MISSING', `${file!} is not installed`, { cause: error })
    const why = waiting.aborted ? `not up within ${timeoutMs} ms` : messageOf(error)
    throw new X0tError('TESTBED_COMMAND_FAILED', `${argv.join(' ')}: ${why}`, { cause: error })
  } finally {
    letGo.abort()
    child.stdout?.destroy()
    child.unref()
  }
}
