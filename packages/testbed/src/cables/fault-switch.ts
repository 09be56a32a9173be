import type { Cable } from './cable-plan.ts'

/** struct fault_cable of bpf/fault.h: the switch, packets passed and dropped by side, room for more. */
export const cableBytes = 64
const wordsOfCable = cableBytes / 8
const [dropAt, passedAt, droppedAt, largeBytesAt] = [0, 1, 3, 5]

/** FAULT_DROP_ALL of bpf/fault.h: this of 2^32 is all of them. */
const dropAll = 0xffff_ffff

/** Packets that came in on one side of a cable. */
export interface SideCounters {
  readonly passed: number
  readonly dropped: number
  /** Bytes of the frames of 512 bytes or more that passed: of data rather than of probes. */
  readonly largeBytes: number
}

/** The switches of all cables of a testbed: memory that the program in the kernel reads for every packet. */
export interface FaultSwitch {
  /** Share of the packets of a side that are dropped, from 0 to 1. */
  lossRatio(cable: Cable, side: 0 | 1): number
  /**
   * Switches both directions of a cable with one store, from the next packet on.
   * @param ratios share of the packets of each side that are dropped, from 0 to 1
   */
  set(cable: Cable, ratios: readonly [number, number]): void
  counters(cable: Cable, side: 0 | 1): SideCounters
}

/** A switch on the memory of the map `fault_switch`. */
export function faultSwitch(memory: ArrayBuffer): FaultSwitch {
  const words = new BigUint64Array(memory)
  const at = (cable: Cable, word: number): number => cable.number * wordsOfCable + word
  const load = (cable: Cable, word: number): bigint => Atomics.load(words, at(cable, word))
  return {
    lossRatio(cable, side) {
      const share = Number((load(cable, dropAt) >> BigInt(32 * side)) & 0xffff_ffffn)
      return share === dropAll ? 1 : share / 2 ** 32
    },
    set(cable, ratios) {
      Atomics.store(words, at(cable, dropAt), switchWord(ratios))
    },
    counters: (cable, side) => ({
      passed: Number(load(cable, passedAt + side)),
      dropped: Number(load(cable, droppedAt + side)),
      largeBytes: Number(load(cable, largeBytesAt + side)),
    }),
  }
}

/** The word that drops these shares: side 0 in its low half. */
export function switchWord([first, second]: readonly [number, number]): bigint {
  return BigInt(shareOf(first)) | (BigInt(shareOf(second)) << 32n)
}

function shareOf(ratio: number): number {
  return ratio >= 1 ? dropAll : Math.min(dropAll - 1, Math.max(0, Math.round(ratio * 2 ** 32)))
}
