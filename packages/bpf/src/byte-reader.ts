import { X0tError } from '@x0t/core'

/** KSYM_NAME_LEN of the kernel; files of a few bytes must not cost much more to read. */
const longestName = 512

/** Reads little-endian fields; out of bounds is BPF_OBJECT_INVALID. */
export class ByteReader {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #what: string

  /** @param what for messages: `the ELF file` */
  constructor(bytes: Uint8Array, what: string) {
    // Not a Buffer, whose slice() is no copy.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#check(at, 1))
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#check(at, 2), true)
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#check(at, 4), true)
  }

  i32(at: number): number {
    return this.#view.getInt32(this.#check(at, 4), true)
  }

  /** An offset or a size: more than a file can have is invalid. */
  size(at: number): number {
    const value = this.#view.getBigUint64(this.#check(at, 8), true)
    if (value > 0xffff_ffffn) throw this.invalid(`has the size or offset ${value} at ${at}`)
    return Number(value)
  }

  slice(at: number, bytes: number): Uint8Array {
    this.#check(at, bytes)
    return this.bytes.subarray(at, at + bytes)
  }

  /** Text up to its zero; longer than `maxBytes` is invalid. */
  text(at: number, maxBytes = longestName): string {
    this.#check(at, 1)
    const end = this.bytes.subarray(at, at + maxBytes + 1).indexOf(0)
    if (end < 0) throw this.invalid(`has a string at ${at} without an end within ${maxBytes} bytes`)
    return latin.decode(this.bytes.subarray(at, at + end))
  }

  invalid(found: string): X0tError {
    return new X0tError('BPF_OBJECT_INVALID', `${this.#what} ${found}`, {
      hint: 'build it with clang -O2 -g -mcpu=v3 -target bpf -c X.bpf.c -o X.o',
    })
  }

  #check(at: number, bytes: number): number {
    if (at < 0 || at + bytes > this.bytes.length) {
      throw this.invalid(`ends at ${this.bytes.length}, before ${bytes} bytes at ${at}`)
    }
    return at
  }
}

const latin = new TextDecoder('latin1')
