import { readFile } from 'node:fs/promises'

/** Ticks of /proc/stat are hundredths of a second on Linux, whatever the kernel's own are (proc_stat(5), USER_HZ). */
const ticksPerSecond = 100

/** Processor time that the machine has spent on anything, softirqs included, seconds; idle and stolen time are none. */
export async function machineCpuSeconds(): Promise<number> {
  return parseBusySeconds(await readFile('/proc/stat', 'utf8'))
}

/** Busy seconds of all processors together, from the first line of /proc/stat. @throws TypeError if it is not one */
export function parseBusySeconds(stat: string): number {
  const line = /^cpu +((?:\d+ ?)+)$/m.exec(stat)?.[1]
  if (line === undefined) throw new TypeError('no line of all processors in /proc/stat')
  // user, nice, system, idle, iowait, irq, softirq, steal; guest time is within user.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.trim().split(' ').map(Number)
  return (user + nice + system + irq + softirq) / ticksPerSecond
}
