import type { Aead } from './aead.ts'
import { aeadTagBytes } from './aead.ts'
import type { Arena } from './arena.ts'
import type { DatagramSender } from './datagram-sender.ts'
import { datagramType, field, headerBytes, writeCounter, writeHopHeader, writeSequence } from './datagram.ts'
import type { HopRoutines } from './hop-routines.ts'
import { maxDatagramBytes, maxFragments, maxParityBytes } from './limits.ts'
import type { Protection } from './loss-adaptation.ts'
import { countDetour, plane, writePlane, type Hop } from './planes.ts'
import type { Route } from './routes.ts'
import { stat } from './shared-state.ts'

/** The sending half of a security association. */
export interface SendingSa {
  readonly localSpi: number
  readonly remoteSpi: number
  readonly aead: Aead
  /** Sequence number of the last unit; the first is 1. */
  sequence: number
}

/** Takes the next `count` hop counters of a link and returns the first. */
export type TakeCounters = (slot: number, count: number) => number

/** Counters from the array that both workers share. */
export function takeCountersFrom(hopCounter: BigInt64Array): TakeCounters {
  const steps = Array.from({ length: maxFragments + 1 }, (_, count) => BigInt(count))
  return (slot, count) => Number(Atomics.add(hopCounter, slot, steps[count]!)) + 1
}

/**
 * Seals what lies at `at` in place, with 16 bytes of room after it, and sends it as one burst; the same
 * ciphertext by each of the first `copies` hops.
 */
export type SendUnit = (
  sa: SendingSa,
  route: Route,
  hops: readonly Hop[],
  copies: number,
  at: number,
  length: number,
  protection: Protection,
) => void

export function createUnitSender({
  arena,
  routines,
  sender,
  takeCounters,
  stats,
}: {
  readonly arena: Arena
  readonly routines: HopRoutines
  readonly sender: DatagramSender
  readonly takeCounters: TakeCounters
  readonly stats: Float64Array
}): SendUnit {
  const parityAt = arena.allocate(maxParityBytes + maxDatagramBytes)
  const { view, bytes } = arena
  /** Sends what has just been sent again, by another hop. */
  const sendCopy = (hop: Hop, total: number, datagramBytes: number): void => {
    const link = hop.link!
    const counter = takeCounters(link.slot, total)
    for (let position = 0; position < total; position++) {
      const header = sender.headerAt(position)
      view.setUint16(header + field.linkId, link.remoteLinkId)
      writePlane(arena, header, hop.plane, hop.remaining)
      writeCounter(arena, header, counter + position)
      routines.tag(link.sendKeyAt, header)
    }
    if (hop.isSilent) stats[stat.datagramsToSilent]! += total
    sender.gather(link, total, datagramBytes)
    if (hop.plane !== plane.shortest) countDetour(stats, hop.plane, total)
  }
  return (sa, route, hops, copies, at, length, protection) => {
    const hop = hops[0]!
    const link = hop.link!
    const sequence = ++sa.sequence
    sa.aead.seal(at, length, sa.remoteSpi, sequence)
    stats[stat.unitsSealed]!++
    const unitBytes = length + aeadTagBytes
    const fragmentBytes = Math.min(route.datagramBytes - headerBytes, unitBytes)
    const pieces = Math.ceil(unitBytes / fragmentBytes)
    const parity =
      pieces === 1 && !protection.protectSingles
        ? 0
        : Math.min(
            protection.parity,
            pieces,
            maxFragments - pieces,
            Math.floor(maxParityBytes / fragmentBytes),
          )
    const total = pieces + parity
    for (let index = 0; index < parity; index++) {
      const to = parityAt + index * fragmentBytes
      // A class whose first member is the short last fragment is padded with zeros.
      const first = Math.min(fragmentBytes, unitBytes - index * fragmentBytes)
      bytes.copyWithin(to, at + index * fragmentBytes, at + index * fragmentBytes + first)
      if (first < fragmentBytes) bytes.fill(0, to + first, to + fragmentBytes)
      for (let other = index + parity; other < pieces; other += parity) {
        const from = other * fragmentBytes
        routines.xor(to, at + from, Math.min(fragmentBytes, unitBytes - from))
      }
    }
    const counter = takeCounters(link.slot, total)
    for (let position = 0; position < total; position++) {
      // The last fragment may be shorter, and only the last of a burst may be: parity goes before it.
      const index = position < pieces - 1 ? position : position === total - 1 ? pieces - 1 : position + 1
      const header = sender.headerAt(position)
      writeHopHeader(arena, header, datagramType.data, link.remoteLinkId, route.labelHigh, route.labelLow)
      writePlane(arena, header, hop.plane, hop.remaining)
      writeCounter(arena, header, counter + position)
      view.setUint32(header + field.spi, sa.remoteSpi)
      writeSequence(arena, header, sequence)
      view.setUint16(header + field.unitBytes, unitBytes)
      view.setUint16(header + field.fragmentBytes, fragmentBytes)
      view.setUint8(header + field.index, index)
      view.setUint8(header + field.parity, parity)
      routines.tag(link.sendKeyAt, header)
      if (index < pieces) {
        const from = index * fragmentBytes
        sender.setPiece(position, at + from, Math.min(fragmentBytes, unitBytes - from))
      } else {
        sender.setPiece(position, parityAt + (index - pieces) * fragmentBytes, fragmentBytes)
      }
    }
    if (hop.isSilent) stats[stat.datagramsToSilent]! += total
    sender.gather(link, total, headerBytes + fragmentBytes)
    if (hop.plane !== plane.shortest) countDetour(stats, hop.plane, total)
    for (let copy = 1; copy < copies; copy++) sendCopy(hops[copy]!, total, headerBytes + fragmentBytes)
  }
}
