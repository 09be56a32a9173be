import type { BpfValue } from './bpf-value.ts'
import type { BtfTypes } from './btf-type.ts'
import { createCodec } from './codec.ts'

/** Turns an event of a ring buffer into a value. */
export type EventDecoder = (event: Uint8Array) => BpfValue

/**
 * The decoder for events that are a struct of this name. The kernel keeps no type for ring buffers, so the name comes
 * from whoever knows the program, and the type from the BTF of another map of the same object. Hexadecimal where there
 * is no such struct, or an event is shorter than it; what is behind it is left out.
 */
export function eventDecoder(types: BtfTypes | undefined, struct: string | undefined): EventDecoder {
  const hex: EventDecoder = (event) => Buffer.from(event).toString('hex')
  if (types === undefined || struct === undefined) return hex
  for (let id = 1; id < types.count; id += 1) {
    const type = types.type(id)
    if (type.kind !== 'struct' || type.name !== struct) continue
    const codec = createCodec(types, id, { addresses: true })
    return (event) => (event.length < codec.bytes ? hex(event) : codec.decode(event.subarray(0, codec.bytes)))
  }
  return hex
}
