/**
 * Tells the second copy of a unit that came on both trees from a replay: both are dropped, but only one of them is
 * somebody's doing. Bounded: for every unit as many datagrams count as copies as it had.
 */
export interface CopyTally {
  /** A unit was accepted whose last datagram came on `plane`; it consists of `datagrams`. */
  accepted(sequence: number, plane: number, datagrams: number): void
  /** True if a datagram of a unit that was accepted before is part of its other copy. */
  isCopy(sequence: number, plane: number): boolean
}

const severalBit = 1 << 13
const countMask = severalBit - 1

/** @param size units that are remembered: the size of the replay window, of which only numbers inside are asked for */
export function createCopyTally(size: number): CopyTally {
  // Per unit: plane (2 bits), whether it had several datagrams, copies yet to come.
  const units = new Uint16Array(size)
  return {
    accepted(sequence, plane, datagrams) {
      units[sequence % size] =
        (plane << 14) | (datagrams > 1 ? severalBit : 0) | Math.min(datagrams, countMask)
    },
    isCopy(sequence, plane) {
      const unit = units[sequence % size]!
      // The datagrams of a long unit are those that came first, on either plane.
      if ((unit & countMask) === 0 || (unit >>> 14 === plane && (unit & severalBit) === 0)) return false
      units[sequence % size] = unit - 1
      return true
    },
  }
}
