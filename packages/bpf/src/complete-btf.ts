import { X0tError } from '@x0t/core'
import { readBtfType, scanBtf } from './btf.ts'
import { symbolType, type Elf } from './elf.ts'

/**
 * clang leaves sizes of sections and places of variables to the linker; the kernel wants both. It also takes a global
 * function for one to be verified by itself: hidden ones are not meant so.
 * @returns BTF with them
 */
export function completeBtf(elf: Elf, raw: Uint8Array): Uint8Array {
  const bytes = raw.slice()
  const view = new DataView(bytes.buffer)
  const btfSection = elf.sections.find(({ name }) => name === '.BTF')!
  const relocations = elf.relocations.get(btfSection.index) ?? []
  const symbolAt = new Map(relocations.map(({ offset, symbol }) => [offset, symbol]))
  const hidden = new Set(
    elf.symbols
      .filter(({ type, visibility }) => type === symbolType.FUNC && visibility !== 0)
      .map(({ name }) => name),
  )
  const sections = new Map(elf.sections.map((section) => [section.name, section]))
  const scan = scanBtf(raw)
  for (const place of scan.places()) {
    const { at, kind } = place
    const type = kind === 'data-section' || kind === 'function' ? readBtfType(scan, place) : undefined
    if (type?.kind === 'function' && hidden.has(type.name)) view.setUint16(at + 4, 0, true)
    if (type?.kind !== 'data-section') continue
    const section = sections.get(type.name)
    if (section === undefined) {
      throw new X0tError(
        'BPF_UNSUPPORTED',
        `the object file uses externals of ${type.name}, which this loader does not`,
      )
    }
    view.setUint32(at + 8, section.size, true)
    const variables = type.variables.map((variable, i) => {
      const symbol = symbolAt.get(at + 16 + i * 12)
      return { ...variable, offset: variable.offset + (symbol?.value ?? 0) }
    })
    variables.sort((a, b) => a.offset - b.offset)
    for (const [i, variable] of variables.entries()) {
      view.setUint32(at + 12 + i * 12, variable.type, true)
      view.setUint32(at + 16 + i * 12, variable.offset, true)
      view.setUint32(at + 20 + i * 12, variable.bytes, true)
    }
  }
  return bytes
}
