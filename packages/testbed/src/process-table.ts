import { readdir, readFile, stat } from 'node:fs/promises'
import { hasCode } from '@x0t/core'
import { namespacePath } from './run-command.ts'

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start time in clock ticks since boot (proc(5), field 22 of stat). */
  readonly startTicks: number
}

/** What /proc tells about a process; times add up user and system time of all its threads. */
export interface ProcessFacts extends ProcessIdentity {
  readonly state: 'running' | 'frozen' | 'dead'
  readonly cpuSeconds: number
}

/** USER_HZ: fixed to 100 in the kernel's interface on every architecture Node runs on. */
const ticksPerSecond = 100

/** Facts of a process; undefined if there is none. A zombie is dead. */
export async function readProcess(pid: number): Promise<ProcessFacts | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch((error: unknown) => {
    // ESRCH: it ended between open and read.
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined
    throw error
  })
  return text === undefined ? undefined : parseProcessStat(text)
}

/** Parses the line of /proc/<pid>/stat; the name in parentheses may itself hold parentheses and spaces. */
export function parseProcessStat(text: string): ProcessFacts {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ')
  // fields[0] is field 3 of proc(5).
  const at = (field: number): number => Number(fields[field - 3])
  const letter = fields[0]!
  return {
    pid: Number.parseInt(text, 10),
    startTicks: at(22),
    state:
      letter === 'T' || letter === 't' ? 'frozen' : letter === 'Z' || letter === 'X' ? 'dead' : 'running',
    cpuSeconds: (at(14) + at(15)) / ticksPerSecond,
  }
}

/** Resident bytes of a process, 0 if there is none. Not from stat: that counts in pages, whose size differs. */
export async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024
}

/** State of exactly this process; a later process with its pid does not count. */
export async function processState(identity: ProcessIdentity): Promise<ProcessFacts['state']> {
  const facts = await readProcess(identity.pid)
  return facts === undefined || facts.startTicks !== identity.startTicks ? 'dead' : facts.state
}

/** All processes whose network namespace is this one. */
export async function processesInNamespace(namespace: string): Promise<readonly ProcessIdentity[]> {
  const wanted = await identityOfFile(namespacePath(namespace))
  if (wanted === undefined) return []
  const found: ProcessIdentity[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    if ((await identityOfFile(`/proc/${name}/ns/net`)) !== wanted) continue
    const facts = await readProcess(Number(name))
    if (facts !== undefined && facts.state !== 'dead')
      found.push({ pid: facts.pid, startTicks: facts.startTicks })
  }
  return found
}

async function identityOfFile(path: string): Promise<string | undefined> {
  return stat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  )
}
