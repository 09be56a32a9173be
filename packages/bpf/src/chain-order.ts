import { X0tError } from '@x0t/core'

/** A program in the chain of an interface. */
export interface ChainEntry {
  readonly programId: number
  /** Lower runs earlier; entries of the same priority run in the order in which they came. */
  readonly priority: number
  /** Verdicts (numbers of `enum xdp_action`) after which the next program runs. */
  readonly proceedOn: readonly number[]
}

/** Interfaces that can have a chain, slots of a bank (the last stays free), as in bpf/chain.h. */
export const chainMax = 32
export const bankSlots = 16

/** First slots of the two banks of a chain. */
export function banksOf(chain: number): readonly [number, number] {
  const first = chain * 2 * bankSlots
  return [first, first + bankSlots]
}

/** The bank that is not in use: where a new order is written. */
export function idleBank(chain: number, head: number): number {
  const [first, second] = banksOf(chain)
  return head === first ? second : first
}

/**
 * The order with one more entry; an entry of the same program is replaced.
 * @throws X0tError BPF_CHAIN_FULL
 */
export function withEntry(entries: readonly ChainEntry[], entry: ChainEntry): readonly ChainEntry[] {
  if (!Number.isInteger(entry.priority) || entry.priority < 0 || entry.priority > 1000)
    throw new X0tError(
      'BPF_TARGET_INVALID',
      `priority ${entry.priority}: expected a whole number from 0 to 1000`,
      {
        exitCode: 2,
      },
    )
  const others = entries.filter(({ programId }) => programId !== entry.programId)
  if (others.length >= bankSlots - 1)
    throw new X0tError('BPF_CHAIN_FULL', `a chain holds at most ${bankSlots - 1} programs`)
  return [...others, entry].toSorted((a, b) => a.priority - b.priority)
}

const proceedOnShift = 0
const priorityShift = 4
export const slotBytes = 8

/** `struct chain_slot` in the byte order of this machine (little endian, as all that x0t runs on). */
export function encodeSlot({ priority, proceedOn }: Pick<ChainEntry, 'priority' | 'proceedOn'>): Uint8Array {
  const bytes = new Uint8Array(slotBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(
    proceedOnShift,
    proceedOn.reduce((bits, verdict) => (bits | (1 << verdict)) >>> 0, 0),
    true,
  )
  view.setUint32(priorityShift, priority, true)
  return bytes
}

export function decodeSlot(bytes: Uint8Array): Pick<ChainEntry, 'priority' | 'proceedOn'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const bits = view.getUint32(proceedOnShift, true)
  return {
    priority: view.getUint32(priorityShift, true),
    proceedOn: Array.from({ length: 32 }, (_, verdict) => verdict).filter(
      (verdict) => (bits >>> verdict) & 1,
    ),
  }
}
