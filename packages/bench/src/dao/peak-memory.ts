import { readFileSync } from 'node:fs'

/**
 * Most memory that this process ever had resident, MiB. Not `resourceUsage().maxRSS`: Linux counts into that what the
 * parent had before the program was started.
 */
export function peakMemoryMiB(): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  if (found === null) throw new Error('/proc/self/status has no VmHWM')
  return Number(found[1]) / 1024
}
