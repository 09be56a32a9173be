import type { Arena } from './arena.ts'

/** How the kernel schedules the receiving worker, as it answers itself. */
export interface ThreadPriority {
  /** `rr`: before all ordinary threads, those of other sessions and services too. */
  readonly policy: 'rr' | 'other'
  /** -20 (first) to 19, while it is among ordinary threads. */
  readonly nice: number
  /** Time slice after which others get their turn; undefined for `rr`, and before Linux 6.12. */
  readonly sliceUs: number | undefined
}

/** sched_setattr(2) and sched_getattr(2) of the calling thread, with struct sched_attr at `address`. */
export interface Scheduling {
  setAttributes(address: bigint): number
  getAttributes(address: bigint, length: number): number
}

/** The priority of the calling thread. */
export interface PriorityControl {
  /** Asks for the best that is permitted; returns what is in force, or undefined if the kernel does not say. */
  raise(): ThreadPriority | undefined
  /** A thread that is busy must not run before all others: back among the ordinary ones, the first of them. */
  lower(): void
}

// struct sched_attr, <linux/sched/types.h>
const attributeBytes = 48
const SCHED_OTHER = 0
const SCHED_FIFO = 1
const SCHED_RR = 2
const wantedNice = -20
/** EEVDF sooner takes who asks for less at a time (Linux 6.12). */
const sliceNs = 100_000n

/**
 * A neighbour cannot tell a node that is not scheduled from a dead one. `rr` takes CAP_SYS_NICE or RLIMIT_RTPRIO, the
 * nice value CAP_SYS_NICE or RLIMIT_NICE, the slice nothing.
 */
export function createPriorityControl(
  scheduling: Scheduling,
  arena: Pick<Arena, 'view' | 'pointer' | 'allocate'>,
): PriorityControl {
  const { view } = arena
  const at = arena.allocate(attributeBytes)
  const write = (policy: number, nice: number, priority: number, runtimeNs: bigint): boolean => {
    for (let i = 0; i < attributeBytes; i += 4) view.setUint32(at + i, 0)
    view.setUint32(at, attributeBytes, true)
    view.setUint32(at + 4, policy, true)
    view.setInt32(at + 16, nice, true)
    view.setUint32(at + 20, priority, true)
    view.setBigUint64(at + 24, runtimeNs, true)
    return scheduling.setAttributes(arena.pointer(at)) >= 0
  }
  const beFirstOfOrdinary = (): boolean =>
    write(SCHED_OTHER, wantedNice, 0, sliceNs) || write(SCHED_OTHER, 0, 0, sliceNs)
  const read = (): boolean => scheduling.getAttributes(arena.pointer(at), attributeBytes) >= 0
  /** Whoever started this process as real-time has decided already. */
  const isGiven = read() && [SCHED_FIFO, SCHED_RR].includes(view.getUint32(at + 4, true))
  return {
    raise() {
      if (isGiven) return { policy: 'rr', nice: 0, sliceUs: undefined }
      beFirstOfOrdinary()
      // The kernel tells nice value and slice of ordinary threads only.
      if (!read()) return undefined
      const nice = view.getInt32(at + 16, true)
      const runtimeNs = Number(view.getBigUint64(at + 24, true))
      if (write(SCHED_RR, 0, 1, 0n)) return { policy: 'rr', nice, sliceUs: undefined }
      return { policy: 'other', nice, sliceUs: runtimeNs === 0 ? undefined : runtimeNs / 1000 }
    },
    lower() {
      if (!isGiven) beFirstOfOrdinary()
    },
  }
}
