import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Clock } from '@x0t/core'
import { X0tError } from '@x0t/core'
import { setTimeout as delay } from 'node:timers/promises'
import { endProcesses, signalProcess } from './end-processes.ts'
import { ineffective } from './fault-steps.ts'
import { processesInNamespace, type ProcessIdentity } from './process-table.ts'
import type { BedPorts } from './bed.ts'
import type { UndoStep } from './manifest.ts'
import { inNamespace } from './run-command.ts'

/** How long a helper may take to enter its namespace, on a busy machine. */
const startWithinMs = 10_000

/**
 * A word for the command line of a helper, by which any later process finds it: it is written down before the helper
 * starts, so there is no moment at which a helper runs that no record knows.
 */
export function helperMark(): string {
  return `x0t-fault-${randomUUID()}`
}

/**
 * Starts a program that keeps a fault going, inside a namespace, and waits until it is to be found there. It goes on
 * when this process ends. `mark` is one of the words of `argv`.
 * @throws X0tError TESTBED_TOOL_MISSING, TESTBED_FAULT_INEFFECTIVE if it ends at once
 */
export async function startHelper(
  namespace: string,
  mark: string,
  argv: readonly string[],
  { clock, env }: Pick<BedPorts, 'clock' | 'env'>,
): Promise<void> {
  const [file, ...words] = inNamespace(namespace, argv)
  const child = spawn(file!, words, { detached: true, stdio: 'ignore', env: { ...env } })
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw new X0tError('TESTBED_TOOL_MISSING', `${file!} is not installed`, {
      cause: error,
      hint: 'apt install util-linux',
    })
  }
  child.unref()
  const untilMs = clock.monotonicMs() + startWithinMs
  while ((await helpersOf(namespace, mark)).length === 0) {
    if (child.exitCode !== null || clock.monotonicMs() >= untilMs)
      throw ineffective(`${words.at(1) ?? file!} did not stay up in ${namespace}`)
    await delay(2)
  }
}

/** Ends the helpers of this mark in this namespace; none where they have ended. */
export async function endHelper(
  { namespace, mark, graceMs = 0 }: Omit<Extract<UndoStep, { kind: 'end-helper' }>, 'kind'>,
  clock: Clock,
): Promise<void> {
  const found = await helpersOf(namespace, mark)
  // The group: what a shell has just started must not act after it.
  if (graceMs === 0) for (const one of found) await signalProcess(one, 'SIGKILL', { group: true })
  await endProcesses(found, { graceMs, clock })
}

export async function helpersOf(namespace: string, mark: string): Promise<readonly ProcessIdentity[]> {
  const found: ProcessIdentity[] = []
  for (const one of await processesInNamespace(namespace)) {
    const words = await readFile(`/proc/${one.pid}/cmdline`, 'utf8').catch(() => '')
    if (words.split('\0').includes(mark)) found.push(one)
  }
  return found
}
