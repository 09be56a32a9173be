import { X0tError } from '@x0t/core'
import type { BpfValue } from './bpf-value.ts'
import type { BtfTypes } from './btf-type.ts'
import { LayoutCompiler, type LayoutOptions } from './compile-layout.ts'

/** Turns the bytes of one type into a {@link BpfValue} and back. */
export interface Codec {
  readonly bytes: number
  /** @throws X0tError BPF_VALUE_INVALID if `bytes` is not of the type's length */
  decode(bytes: Uint8Array): BpfValue
  /**
   * Numbers may be bigints, numbers or decimal or 0x text; a struct may miss no field.
   * @param base bytes to write on top of: fields that are not given keep what is there
   * @throws X0tError BPF_VALUE_INVALID naming the field
   */
  encode(value: unknown, base?: Uint8Array): Uint8Array<ArrayBuffer>
}

export interface CodecOptions extends LayoutOptions {
  /** What messages call the value; `value` where absent. */
  readonly name?: string
}

/**
 * The codec of a type of BTF: integers, bool, float, enums, arrays, structs, unions, bitfields, pointers, `char[]`
 * as text, `__be16` to `__be64` in network order, sections of globals by variable.
 * @throws X0tError BPF_TYPE_UNSUPPORTED for void, functions, forward declarations and inconsistent BTF
 */
export function createCodec(types: BtfTypes, type: number, options: CodecOptions = {}): Codec {
  const { name = 'value' } = options
  const layout = new LayoutCompiler(types, options).layoutOf(type)
  return {
    bytes: layout.bytes,
    decode: (bytes) => layout.read(viewOf(bytes, layout.bytes, name), 0),
    encode(value, base) {
      const target = new Uint8Array(layout.bytes)
      if (base !== undefined) {
        viewOf(base, layout.bytes, name)
        target.set(base)
      }
      layout.write(new DataView(target.buffer), 0, value, name, base !== undefined)
      return target
    },
  }
}

/**
 * The codec of a per-CPU value: a list with one element for each possible CPU, each padded to 8 bytes as bpf(2) lays
 * them out.
 */
export function perCpuCodec(codec: Codec, cpus: number): Codec {
  const stride = Math.ceil(codec.bytes / 8) * 8
  const bytes = stride * cpus
  const part = (whole: Uint8Array, cpu: number) => whole.subarray(cpu * stride, cpu * stride + codec.bytes)
  return {
    bytes,
    decode(whole) {
      viewOf(whole, bytes, 'per-CPU value')
      return Array.from({ length: cpus }, (_, cpu) => codec.decode(part(whole, cpu)))
    },
    encode(value, base) {
      if (!Array.isArray(value) || value.length !== cpus)
        throw new X0tError('BPF_VALUE_INVALID', `a per-CPU value is a list of ${cpus} elements here`)
      if (base !== undefined) viewOf(base, bytes, 'per-CPU value')
      const target = new Uint8Array(bytes)
      value.forEach((inner: unknown, cpu) => {
        target.set(codec.encode(inner, base && part(base, cpu)), cpu * stride)
      })
      return target
    },
  }
}

function viewOf(bytes: Uint8Array, expected: number, name: string): DataView {
  if (bytes.length !== expected)
    throw new X0tError('BPF_VALUE_INVALID', `${name}: ${bytes.length} bytes, but its type has ${expected}`)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
