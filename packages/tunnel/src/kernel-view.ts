import { kernelState, linkBytes, linkField, linkFlag } from './fast-path-layout.ts'

/**
 * What the program in the kernel says of the links, read from the memory that it writes: no message, no system call. The
 * loops ask for every packet, so nothing is allocated.
 */
export interface KernelView {
  /** The kernel probes this link and finds it dead, or would if it looked now: nothing is to be sent over it. */
  isDown(slot: number): boolean
  /** The kernel probes this link and it answers: whatever its daemon does, its kernel forwards. */
  isFresh(slot: number): boolean
  /** Answers came in a row since the link was last down or new, whether that counts or not. */
  isUp(slot: number): boolean
  /** Datagrams numbered by the neighbour's daemon that the kernel took from this link. */
  consumed(slot: number): number
  /** Tells the kernel what the daemon's own probes say. Only the receiving worker may call this. */
  mark(slot: number, flags: LinkMarks): void
}

export interface LinkMarks {
  /** The daemon's own probes get through. */
  readonly alive: boolean
  /** The kernel's judgement is given up for now. */
  readonly unwatched: boolean
}

/** Where nothing runs in the kernel. */
export const noKernelView: KernelView = {
  isDown: () => false,
  isFresh: () => false,
  isUp: () => false,
  consumed: () => 0,
  mark() {},
}

/** So long a pause of this machine does not make an answer old. */
const freshNs = 100_000_000
/** The kernel probes it, and its judgement counts. */
const watchedMask = linkFlag.used | linkFlag.probed | linkFlag.unwatched
const watched = linkFlag.used | linkFlag.probed

/**
 * @param memory of the map `fastpath_links`
 * @param nowNs CLOCK_MONOTONIC, as the kernel's time stamps
 */
export function createKernelView(memory: ArrayBufferLike, nowNs: () => number): KernelView {
  const words = new Uint32Array(memory)
  const word = (slot: number, field: number): number => words[(slot * linkBytes + field) >>> 2]!
  /** A 64-bit number that may change while it is read; exact up to 2^53. */
  const long = (slot: number, field: number): number => {
    const at = (slot * linkBytes + field) >>> 2
    for (;;) {
      const high = words[at + 1]!
      const low = words[at]!
      if (words[at + 1] === high) return high * 0x1_0000_0000 + low
    }
  }
  const isWatched = (slot: number): boolean =>
    slot * linkBytes < memory.byteLength && (word(slot, linkField.flags) & watchedMask) === watched
  /** Silence counts only as far as this machine has asked meanwhile: else it is this machine that was asleep. */
  const isStale = (slot: number): boolean =>
    (word(slot, linkField.sent) - word(slot, linkField.answered)) >>> 0 >= word(slot, linkField.misses) &&
    nowNs() - long(slot, linkField.replyNs) > long(slot, linkField.deadlineNs)
  return {
    isDown(slot) {
      if (!isWatched(slot)) return false
      const state = word(slot, linkField.state)
      return state === kernelState.down || (state === kernelState.up && isStale(slot))
    },
    isFresh: (slot) =>
      isWatched(slot) &&
      word(slot, linkField.state) === kernelState.up &&
      nowNs() - long(slot, linkField.replyNs) <= Math.max(freshNs, long(slot, linkField.deadlineNs)),
    isUp: (slot) => slot * linkBytes < memory.byteLength && word(slot, linkField.state) === kernelState.up,
    consumed: (slot) => (slot * linkBytes < memory.byteLength ? long(slot, linkField.consumed) : 0),
    mark(slot, { alive, unwatched }) {
      if (slot * linkBytes >= memory.byteLength) return
      const at = (slot * linkBytes + linkField.flags) >>> 2
      // The owner's thread writes the other bits of the word.
      Atomics.or(words, at, (alive ? linkFlag.userAlive : 0) | (unwatched ? linkFlag.unwatched : 0))
      Atomics.and(words, at, ~((alive ? 0 : linkFlag.userAlive) | (unwatched ? 0 : linkFlag.unwatched)))
    },
  }
}
