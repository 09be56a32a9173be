import type { Arena } from './arena.ts'
import { initialHopLimit } from './limits.ts'

/** Types of datagram: version 1 in the high half of the first byte. */
export const datagramType = {
  data: 0x10,
  probe: 0x11,
  mtuProbe: 0x13,
  mtuAnswer: 0x14,
  kernelProbe: 0x15,
  kernelReply: 0x16,
} as const

/**
 * Hop counters below this were given by the neighbour's daemon, from here on by its kernel. Each space has a replay window
 * of its own, so that neither needs to know what the other has sent.
 */
export const kernelCounterBase = 2 ** 52

export const hopHeaderBytes = 32
/** Hop header and the 16 bytes after it, which the tag covers too: the shortest datagram. */
export const headerBytes = 48

/** Offsets in a datagram; all numbers are big endian (ARCHITECTURE.md, "Datagram"). */
export const field = {
  type: 0,
  hopLimit: 1,
  linkId: 2,
  /** 2 bits of plane, 30 of remaining distance (see planes.ts). */
  plane: 4,
  counter: 8,
  label: 16,
  tag: 24,
  spi: 32,
  sequence: 36,
  unitBytes: 42,
  fragmentBytes: 44,
  index: 46,
  parity: 47,
} as const

/** Writes a hop header; plane, counter and tag follow later. */
export function writeHopHeader(
  { view }: Arena,
  at: number,
  type: number,
  linkId: number,
  labelHigh: number,
  labelLow: number,
): void {
  view.setUint8(at, type)
  view.setUint8(at + field.hopLimit, initialHopLimit)
  view.setUint16(at + field.linkId, linkId)
  view.setUint32(at + field.plane, 0)
  view.setUint32(at + field.label, labelHigh)
  view.setUint32(at + field.label + 4, labelLow)
}

/** Writes the 64-bit hop counter; `counter` is a safe integer. */
export function writeCounter({ view }: Arena, at: number, counter: number): void {
  view.setUint32(at + field.counter, Math.floor(counter / 0x1_0000_0000))
  view.setUint32(at + field.counter + 4, counter >>> 0)
}

/** The hop counter; values past 2^53 come out above Number.MAX_SAFE_INTEGER and are to be refused. */
export function readCounter({ view }: Arena, at: number): number {
  return view.getUint32(at + field.counter) * 0x1_0000_0000 + view.getUint32(at + field.counter + 4)
}

/** Writes the unit header's 48-bit sequence number. */
export function writeSequence({ view }: Arena, at: number, sequence: number): void {
  view.setUint16(at + field.sequence, Math.floor(sequence / 0x1_0000_0000))
  view.setUint32(at + field.sequence + 2, sequence >>> 0)
}

export function readSequence({ view }: Arena, at: number): number {
  return view.getUint16(at + field.sequence) * 0x1_0000_0000 + view.getUint32(at + field.sequence + 2)
}
