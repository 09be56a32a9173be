import { openSyscalls } from './syscalls.ts'
import { command, type Command } from './uapi.ts'

/** union bpf_attr of one call; what it points to stays alive until that is over. */
export class Attributes {
  readonly #memory: ArrayBuffer
  readonly #view: DataView
  readonly #kept: NodeJS.ArrayBufferView[] = []

  /** @param bytes of the fields that the command needs: kernels that know no more refuse a longer one */
  constructor(bytes: number) {
    this.#memory = new ArrayBuffer(bytes)
    this.#view = new DataView(this.#memory)
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true)
    return this
  }

  u64(offset: number, value: bigint): this {
    this.#view.setBigUint64(offset, value, true)
    return this
  }

  /** An address; that of nothing and of no bytes is 0. */
  pointer(offset: number, memory: NodeJS.ArrayBufferView | undefined): this {
    if (memory === undefined || memory.byteLength === 0) return this.u64(offset, 0n)
    this.#kept.push(memory)
    return this.u64(offset, openSyscalls().addressOf(memory))
  }

  /** A name of at most 15 bytes within the attributes. */
  name(offset: number, name: string): this {
    new Uint8Array(this.#memory, offset, 15).set(new TextEncoder().encode(name).subarray(0, 15))
    return this
  }

  /** A string that ends with a zero. */
  text(offset: number, text: string): this {
    return this.pointer(offset, new TextEncoder().encode(`${text}\0`))
  }

  getU32(offset: number): number {
    return this.#view.getUint32(offset, true)
  }

  /** @returns the result, or the negative error number */
  call(name: Command): number {
    const result = openSyscalls().bpf(command[name], this.#memory)
    // Until here nothing that the kernel was pointed to could be collected.
    this.#kept.length = 0
    return result
  }
}
