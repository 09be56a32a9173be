import { readFileSync } from 'node:fs'

/** True for types of map that hold a value for each CPU. */
export function isPerCpu(type: string): boolean {
  return type.includes('percpu')
}

let cpus: number | undefined

/** CPUs that per-CPU values have room for: `0-3` or `0,2-3` in /sys. */
export function possibleCpus(): number {
  cpus ??= lastOf(readFileSync('/sys/devices/system/cpu/possible', 'latin1')) + 1
  return cpus
}

function lastOf(list: string): number {
  return Math.max(...list.trim().split(/[,-]/).map(Number))
}
