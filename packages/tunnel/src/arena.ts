import type { Kernel } from './kernel.ts'

/** Bytes of a WebAssembly page. */
const pageBytes = 65_536

/**
 * One block of memory that both JavaScript and the kernel see: offsets (`at`) for the former, addresses for
 * the latter. Being a WebAssembly memory that never grows, it stays where it is, whatever the garbage
 * collector does, and the routines of {@link compileHopRoutines} work on it.
 */
export interface Arena {
  readonly memory: WebAssembly.Memory
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Address of offset 0. */
  readonly base: number
  /** Reserves `length` bytes, aligned to 64; they live as long as the arena. */
  allocate(length: number): number
  /** Address of an offset, as system calls take it. */
  pointer(at: number): bigint
  /** Writes the address of offset `target` as a 64-bit pointer at offset `at`. */
  setPointer(at: number, target: number): void
}

/**
 * @param capacityBytes upper bound of what {@link Arena.allocate} can hand out; pages never touched cost nothing
 * @throws RangeError from `allocate` when the arena is full (a caller's bug: sizes are fixed at the start)
 */
export function createArena(capacityBytes: number, kernel: Pick<Kernel, 'addressOf'>): Arena {
  const pages = Math.ceil(capacityBytes / pageBytes)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const bytes = new Uint8Array(memory.buffer)
  const view = new DataView(memory.buffer)
  const base = Number(kernel.addressOf(memory.buffer))
  let next = 64 // offset 0 stays unused, so that 0 can mean "none"
  return {
    memory,
    bytes,
    view,
    base,
    allocate(length) {
      const at = next
      if (at + length > bytes.length) throw new RangeError(`arena of ${bytes.length} bytes is full`)
      next = (at + length + 63) & ~63
      return at
    },
    pointer: (at) => BigInt(base + at),
    setPointer(at, target) {
      const address = base + target
      view.setUint32(at, address >>> 0, true)
      view.setUint32(at + 4, Math.floor(address / 0x1_0000_0000), true)
    },
  }
}
