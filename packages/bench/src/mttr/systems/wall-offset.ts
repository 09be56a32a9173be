/**
 * Wall clock minus monotonic clock of the machine, ms, to a few microseconds: Date tells whole milliseconds only, so
 * this waits for one to begin, a millisecond at most.
 */
export function wallOffsetMs(): number {
  const before = Date.now()
  for (;;) {
    const wallMs = Date.now()
    if (wallMs !== before) return wallMs - Number(process.hrtime.bigint()) / 1e6
  }
}
