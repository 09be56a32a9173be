import { readBtfType } from './btf.ts'
import { findKernelType, openKernelBtf } from './kernel-btf.ts'

/**
 * Names of an enum of the running kernel by value; empty if it has no such enum.
 * @throws X0tError `BPF_UNSUPPORTED` on a kernel without BTF
 */
export function kernelEnum(name: string): ReadonlyMap<number, string> {
  const id = findKernelType(name, 'enum')
  const scan = openKernelBtf()
  for (const place of scan.places()) {
    if (place.id !== id) continue
    const type = readBtfType(scan, place)
    if (type.kind === 'enum') return new Map(type.values.map(({ name, value }) => [Number(value), name]))
  }
  return new Map()
}
