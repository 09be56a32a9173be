import { spawn } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasCode } from '@x0t/core'

export interface ShellResult {
  /** 128 + n where signal n ended it; 124 where it took too long. */
  readonly exitCode: number
  /** The end of what it printed, both streams. */
  readonly said: string
}

export interface ShellOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly timeoutMs: number
  /** Ends the command and all that it started. */
  readonly signal?: AbortSignal
}

/** How long a command that was told to end may take before it is killed. */
const graceMs = 2000
const mostSaid = 2000
const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/**
 * Runs a command of the user in `/bin/sh`, in a process group of its own: a Ctrl-C on the terminal does not reach it.
 * Its output goes to a file, so that a server which it leaves behind can go on writing. Never throws for what the
 * command does; what it left in the background is ended only on time-out and abort.
 */
export async function runShell(
  command: string,
  { env, timeoutMs, signal }: ShellOptions,
): Promise<ShellResult> {
  const folder = await mkdtemp(join(tmpdir(), 'x0t-command-'))
  await using file = await open(join(folder, 'output'), 'w+')
  await rm(folder, { recursive: true })
  const child = spawn('/bin/sh', ['-c', command], {
    detached: true,
    stdio: ['ignore', file.fd, file.fd],
    env: { ...env },
  })
  let tooLong = false
  let grace: NodeJS.Timeout | undefined
  const end = (): void => {
    killGroup(child.pid, 'SIGTERM')
    grace = setTimeout(() => killGroup(child.pid, 'SIGKILL'), graceMs)
  }
  const timer = setTimeout(() => {
    tooLong = true
    end()
  }, timeoutMs)
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted === true) end()
  try {
    const [code, name] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (...ended) => resolve(ended))
    })
    const exitCode = tooLong ? 124 : (code ?? 128 + (signalNumbers[name ?? ''] ?? 0))
    return { exitCode, said: await tail(file) }
  } finally {
    clearTimeout(timer)
    clearTimeout(grace)
    signal?.removeEventListener('abort', end)
    if (tooLong || signal?.aborted === true) killGroup(child.pid, 'SIGKILL')
  }
}

async function tail(file: Awaited<ReturnType<typeof open>>): Promise<string> {
  const { size } = await file.stat()
  const { buffer, bytesRead } = await file.read({
    buffer: Buffer.alloc(mostSaid),
    position: Math.max(0, size - mostSaid),
  })
  return buffer.toString('utf8', 0, bytesRead).trim()
}

function killGroup(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name)
  } catch (error) {
    // Gone already, or it became another user's: neither is an error of the measurement.
    if (!hasCode(error, 'ESRCH') && !hasCode(error, 'EPERM')) throw error
  }
}
