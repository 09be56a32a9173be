import type { Arena } from './arena.ts'
import { field, headerBytes, readSequence } from './datagram.ts'
import type { HopRoutines } from './hop-routines.ts'
import {
  maxDatagramBytes,
  maxFragments,
  maxParityBytes,
  maxUnitBytes,
  maxUnitsInReassembly,
} from './limits.ts'

/** Fragments counted for the reports to the sender. */
export interface Reception {
  received(count: number): void
  lost(count: number): void
}

/** Reassembly of one security association. */
export interface Reassembly {
  readonly reception: Reception
  readonly ring: (Unit | undefined)[]
  incomplete: number
}

/** A unit that is being put together. */
export interface Unit {
  at: number
  owner: Reassembly | undefined
  sequence: number
  unitBytes: number
  fragmentBytes: number
  pieces: number
  parity: number
  readonly got: Uint8Array
  gotPieces: number
  gotParity: number
  startedAtMs: number
}

/** What became of a fragment. */
export type Added = 'kept' | 'invalid' | 'repeated'

/** Puts fragments together, repairs losses by parity, within fixed memory. */
export interface UnitAssembler {
  open(reception: Reception): Reassembly
  close(reassembly: Reassembly): void
  /**
   * Takes the fragment at `at` (a whole datagram of `length` bytes). Units that become complete are handed to
   * `deliver` at once, older ones first; it may overwrite them.
   */
  add(reassembly: Reassembly, at: number, length: number, nowMs: number): Added
  /** Gives up units that wait for longer than `maxAgeMs`, after a last attempt at repair. */
  expire(nowMs: number, maxAgeMs: number): void
  /** Units waiting for fragments. */
  waiting(): number
}

/** Units of one association that may wait: of two copies on two paths one may be far behind. */
const ringUnits = 128
const bufferBytes = maxUnitBytes + 1 + maxParityBytes

export function createUnitAssembler({
  arena,
  routines,
  deliver,
  countRepaired,
  countLost,
}: {
  readonly arena: Arena
  readonly routines: HopRoutines
  readonly deliver: (
    reassembly: Reassembly,
    at: number,
    length: number,
    sequence: number,
    datagrams: number,
  ) => void
  readonly countRepaired: () => void
  readonly countLost: () => void
}): UnitAssembler {
  const { bytes, view } = arena
  const free: Unit[] = Array.from({ length: maxUnitsInReassembly }, () => ({
    at: arena.allocate(bufferBytes),
    owner: undefined,
    sequence: 0,
    unitBytes: 0,
    fragmentBytes: 0,
    pieces: 0,
    parity: 0,
    got: new Uint8Array(maxFragments + 1),
    gotPieces: 0,
    gotParity: 0,
    startedAtMs: 0,
  })).toReversed()
  /** Units in use, oldest first. */
  const active: Unit[] = []

  const release = (unit: Unit): void => {
    const { owner } = unit
    if (owner === undefined) return
    const { reception } = owner
    const got = unit.gotPieces + unit.gotParity
    reception.received(got)
    reception.lost(unit.pieces + unit.parity - got)
    owner.ring[unit.sequence % ringUnits] = undefined
    owner.incomplete--
    unit.owner = undefined
    active.splice(active.indexOf(unit), 1)
    free.push(unit)
  }
  const abandon = (unit: Unit): void => {
    countLost()
    release(unit)
  }
  const finish = (unit: Unit): void => {
    const { owner, at, unitBytes, sequence, pieces, parity } = unit
    if (owner === undefined) return
    // Released first: nothing can take the buffer before deliver returns.
    release(unit)
    deliver(owner, at, unitBytes, sequence, pieces + parity)
  }
  /** Fills each class of parity that misses one piece; true if the unit is complete then. */
  const repair = (unit: Unit): boolean => {
    const { at, pieces, parity, fragmentBytes, unitBytes, got } = unit
    if (unit.gotPieces + unit.gotParity < pieces) return false
    for (let index = 0; index < parity; index++) {
      let missing = -1
      let count = 0
      for (let piece = index; piece < pieces; piece += parity) {
        if (got[piece] === 1) continue
        missing = piece
        count++
      }
      if (count === 0) continue
      if (count > 1 || got[pieces + index] === 0) return false
      const parityAt = at + maxUnitBytes + 1 + index * fragmentBytes
      for (let piece = index; piece < pieces; piece += parity) {
        if (piece === missing) continue
        const from = piece * fragmentBytes
        routines.xor(parityAt, at + from, Math.min(fragmentBytes, unitBytes - from))
      }
      const to = missing * fragmentBytes
      const size = Math.min(fragmentBytes, unitBytes - to)
      bytes.copyWithin(at + to, parityAt, parityAt + size)
      got[missing] = 1
      // The parity is used up: it holds the piece now and counts no more in a second attempt.
      got[pieces + index] = 0
    }
    countRepaired()
    return true
  }
  const settleOlder = (reassembly: Reassembly, sequence: number): void => {
    for (let older = Math.max(1, sequence - ringUnits + 1); older < sequence; older++) {
      const unit = reassembly.ring[older % ringUnits]
      if (unit !== undefined && unit.sequence === older && repair(unit)) finish(unit)
    }
  }

  return {
    open: (reception) => ({ reception, ring: Array.from({ length: ringUnits }), incomplete: 0 }),
    close(reassembly) {
      for (const unit of active.filter(({ owner }) => owner === reassembly)) release(unit)
    },
    add(reassembly, at, length, nowMs) {
      const sequence = readSequence(arena, at)
      const unitBytes = view.getUint16(at + field.unitBytes)
      const fragmentBytes = view.getUint16(at + field.fragmentBytes)
      const index = bytes[at + field.index]!
      const parity = bytes[at + field.parity]!
      if (fragmentBytes === 0 || fragmentBytes > maxDatagramBytes || fragmentBytes > unitBytes)
        return 'invalid'
      const pieces = Math.ceil(unitBytes / fragmentBytes)
      if (pieces + parity > maxFragments || index >= pieces + parity || parity > pieces) return 'invalid'
      if (parity * fragmentBytes > maxParityBytes) return 'invalid'
      const isParity = index >= pieces
      const expected = isParity ? fragmentBytes : Math.min(fragmentBytes, unitBytes - index * fragmentBytes)
      if (length - headerBytes !== expected) return 'invalid'

      const slot = sequence % ringUnits
      let unit = reassembly.ring[slot]
      if (unit !== undefined && unit.sequence !== sequence) {
        if (unit.sequence > sequence) return 'repeated'
        abandon(unit)
        unit = undefined
      }
      if (unit === undefined) {
        if (reassembly.incomplete > 0) settleOlder(reassembly, sequence)
        if (free.length === 0) abandon(active[0]!)
        unit = free.pop()!
        unit.owner = reassembly
        unit.sequence = sequence
        unit.unitBytes = unitBytes
        unit.fragmentBytes = fragmentBytes
        unit.pieces = pieces
        unit.parity = parity
        unit.got.fill(0, 0, pieces + parity)
        unit.gotPieces = 0
        unit.gotParity = 0
        unit.startedAtMs = nowMs
        reassembly.ring[slot] = unit
        reassembly.incomplete++
        active.push(unit)
      } else if (
        unit.unitBytes !== unitBytes ||
        unit.fragmentBytes !== fragmentBytes ||
        unit.parity !== parity
      ) {
        return 'invalid'
      }
      if (unit.got[index] === 1) return 'repeated'
      unit.got[index] = 1
      const to = isParity ? maxUnitBytes + 1 + (index - pieces) * fragmentBytes : index * fragmentBytes
      bytes.copyWithin(unit.at + to, at + headerBytes, at + length)
      if (isParity) unit.gotParity++
      else unit.gotPieces++
      // The last piece is sent last: what is missing when it comes is lost.
      if (unit.gotPieces === pieces || (index === pieces - 1 && unit.gotParity > 0 && repair(unit)))
        finish(unit)
      return 'kept'
    },
    expire(nowMs, maxAgeMs) {
      while (active.length > 0) {
        const unit = active[0]!
        if (nowMs - unit.startedAtMs < maxAgeMs) return
        if (repair(unit)) finish(unit)
        else abandon(unit)
      }
    },
    waiting: () => active.length,
  }
}
