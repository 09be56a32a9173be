import type { Arena } from './arena.ts'

/** How the kernel schedules the receiving worker, as it answers itself. */
export interface ThreadPriority {
  /** -20 (first) to 19. */
  readonly nice: number
  /** Time slice after which others get their turn; undefined before Linux 6.12, which does not tell. */
  readonly sliceUs: number | undefined
}

/** sched_setattr(2) and sched_getattr(2) of the calling thread, with struct sched_attr at `address`. */
export interface Scheduling {
  setAttributes(address: bigint): number
  getAttributes(address: bigint, length: number): number
}

// struct sched_attr, <linux/sched/types.h>
const attributeBytes = 48
const SCHED_OTHER = 0
const wantedNice = -20
/** Short: EEVDF gives an earlier virtual deadline to who asks for less at a time (Linux 6.12, sched_ext/eevdf docs). */
const sliceNs = 100_000n

/**
 * Asks for the best place among ordinary threads: a neighbour cannot tell a node that is not scheduled from a dead
 * one. Without CAP_SYS_NICE all stays as it is. Returns what is in force, or undefined if the kernel does not say.
 */
export function raiseThreadPriority(
  scheduling: Scheduling,
  arena: Pick<Arena, 'view' | 'pointer'>,
  at: number,
): ThreadPriority | undefined {
  const { view } = arena
  const write = (nice: number): number => {
    for (let i = 0; i < attributeBytes; i += 4) view.setUint32(at + i, 0)
    view.setUint32(at, attributeBytes, true)
    view.setUint32(at + 4, SCHED_OTHER, true)
    view.setInt32(at + 16, nice, true)
    view.setBigUint64(at + 24, sliceNs, true)
    return scheduling.setAttributes(arena.pointer(at))
  }
  // The slice alone needs no privilege.
  if (write(wantedNice) < 0) write(0)
  if (scheduling.getAttributes(arena.pointer(at), attributeBytes) < 0) return undefined
  const runtimeNs = Number(view.getBigUint64(at + 24, true))
  return { nice: view.getInt32(at + 16, true), sliceUs: runtimeNs === 0 ? undefined : runtimeNs / 1000 }
}
