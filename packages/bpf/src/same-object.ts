import type { BpfBackend, LoadedObject, LoadOptions } from './contract.ts'
import { ownMaps } from './load-pinned.ts'
import type { PinnedObject } from './pin-tree.ts'

/**
 * Whether a pinned object is what was just loaded: the same programs by name and tag (the kernel's hash of their
 * instructions), and the same constants. So no record of what was loaded is needed beside the kernel.
 */
export async function isSameObject(
  backend: BpfBackend,
  pinned: PinnedObject,
  loaded: LoadedObject,
  options: LoadOptions = {},
): Promise<boolean> {
  const maps = new Map(ownMaps(loaded, options))
  if (pinned.programs.length !== loaded.programs.size || pinned.maps.length !== maps.size) return false
  const infos = new Map((await backend.listPrograms()).map((info) => [info.id, info]))
  for (const pin of pinned.programs) {
    using before = await backend.openProgram({ pin: pin.path })
    const now = loaded.programs.get(pin.name)
    if (now === undefined) return false
    const tag = infos.get(now.id)?.tag
    if (tag === undefined || infos.get(before.id)?.tag !== tag) return false
  }
  for (const pin of pinned.maps) {
    const now = maps.get(pin.name)
    if (now === undefined) return false
    if (!pin.name.startsWith('.rodata')) continue
    using before = await backend.openMap({ pin: pin.path })
    const key = new Uint8Array(before.spec.keyBytes)
    if (!equalBytes(before.get(key), now.get(key))) return false
  }
  return true
}

function equalBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0
}
