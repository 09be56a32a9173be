import { readProcess, residentBytes, type ProcessIdentity } from '@x0t/testbed'

/** CPU seconds, user and system, that processes have used so far, all threads together. */
export async function cpuSecondsOf(processes: readonly ProcessIdentity[]): Promise<number> {
  const facts = await Promise.all(processes.map(({ pid }) => readProcess(pid)))
  return facts.reduce((sum, one) => sum + (one?.cpuSeconds ?? 0), 0)
}

/** Resident memory of the largest of the processes, MiB. */
export async function largestResidentMiB(processes: readonly ProcessIdentity[]): Promise<number> {
  const sizes = await Promise.all(processes.map(({ pid }) => residentBytes(pid)))
  return Math.max(0, ...sizes) / 2 ** 20
}
