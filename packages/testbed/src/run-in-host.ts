import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { hasCode, X0tError } from '@x0t/core'
import type { Bed } from './bed.ts'
import { plannedHost } from './network-plan.ts'
import { inNamespace } from './run-command.ts'

/**
 * Runs a command in the namespace of a host with the streams given, and returns its exit code: 128 + n where
 * signal n ended it. An abort is passed on as SIGTERM.
 * @throws X0tError TESTBED_HOST_UNKNOWN
 */
export async function runInHost(
  bed: Bed,
  host: string,
  argv: readonly string[],
  stdio: StdioOptions = 'inherit',
): Promise<number> {
  const [file, ...words] = inNamespace(plannedHost(bed.plan, host).namespace, argv)
  const child = spawn(file!, words, { stdio, env: { ...bed.env } })
  const onAbort = (): void => void child.kill('SIGTERM')
  bed.signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (bed.signal.aborted) onAbort()
    const [code, name] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return code ?? 128 + constants.signals[name!]
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new X0tError('TESTBED_TOOL_MISSING', 'nsenter is not installed', {
      cause: error,
      hint: 'apt install util-linux',
    })
  } finally {
    bed.signal.removeEventListener('abort', onAbort)
  }
}
