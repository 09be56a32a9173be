import { inspect } from 'node:util'
import { X0tError } from '@x0t/core'

/** An object of bpftool's JSON, read with its types checked. */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>

  /** @throws X0tError BPF_BPFTOOL_UNREADABLE if `value` is no object */
  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw unreadable('an object', value)
    this.#fields = value as Readonly<Record<string, unknown>>
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined
  }

  get(name: string): unknown {
    return this.#fields[name]
  }

  /** @param otherwise where the field is absent */
  number(name: string, otherwise?: number): number {
    const value = this.#fields[name] ?? otherwise
    if (typeof value !== 'number') throw unreadable(`a number ${name}`, value)
    return value
  }

  text(name: string, otherwise?: string): string {
    const value = this.#fields[name] ?? otherwise
    if (typeof value !== 'string') throw unreadable(`a text ${name}`, value)
    return value
  }

  /** An absent list is empty. */
  list(name: string): readonly unknown[] {
    return listOf(this.#fields[name] ?? [])
  }

  texts(name: string): readonly string[] {
    return this.list(name).filter((item) => typeof item === 'string')
  }

  numbers(name: string): readonly number[] {
    return this.list(name).filter((item) => typeof item === 'number')
  }

  /** Bytes as `["0x01", …]`, or as numbers. */
  bytes(name: string): Uint8Array {
    return Uint8Array.from(this.list(name), (item) => {
      const byte = Number(item)
      if (!Number.isInteger(byte) || byte < 0 || byte > 255) throw unreadable(`bytes ${name}`, item)
      return byte
    })
  }
}

/** @throws X0tError BPF_BPFTOOL_UNREADABLE */
export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unreadable('a list', value)
  return value as readonly unknown[]
}

export function unreadable(expected: string, found: unknown): X0tError {
  return new X0tError(
    'BPF_BPFTOOL_UNREADABLE',
    `bpftool printed ${inspect(found, { depth: 0, breakLength: Infinity }).slice(0, 60)} in place of ${expected}`,
    { hint: 'bpftool version; 7.1 and later are read' },
  )
}
