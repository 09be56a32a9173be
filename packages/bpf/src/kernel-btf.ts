import { readFileSync } from 'node:fs'
import { X0tError, hasCode } from '@x0t/core'
import { scanBtf, textAt, type BtfPlace, type BtfScan } from './btf.ts'

const path = '/sys/kernel/btf/vmlinux'
let scan: BtfScan | undefined

/**
 * The kernel's own BTF, read once.
 * @throws X0tError BPF_UNSUPPORTED on a kernel without
 */
export function openKernelBtf(): BtfScan {
  if (scan !== undefined) return scan
  try {
    scan = scanBtf(readFileSync(path))
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new X0tError('BPF_UNSUPPORTED', `this kernel has no BTF: no ${path}`, {
      cause: error,
      hint: 'use a kernel with CONFIG_DEBUG_INFO_BTF',
    })
  }
  return scan
}

/** Id of the type of this name and kind; undefined if the kernel has none. */
export function findKernelType(name: string, kind: BtfPlace['kind']): number | undefined {
  const btf = openKernelBtf()
  const { reader, stringsAt, stringsEnd } = btf
  const strings = Buffer.from(
    reader.bytes.buffer,
    reader.bytes.byteOffset + stringsAt,
    stringsEnd - stringsAt,
  )
  // The kernel has each string once: what is not at this offset has another name.
  const offset = strings.indexOf(`\0${name}\0`, 0, 'latin1') + 1
  if (offset === 0) return undefined
  for (const place of btf.places()) if (place.nameOffset === offset && place.kind === kind) return place.id
  return undefined
}

/** Name of a type of the kernel; undefined if there is no such type. */
export function nameOfKernelType(id: number): string | undefined {
  const btf = openKernelBtf()
  for (const place of btf.places()) if (place.id === id) return textAt(btf, place.nameOffset)
  return undefined
}
