/** CLOCK_MONOTONIC of the machine, ms: the same for all processes, unlike the monotonic clock of a process. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
