import { rename } from 'node:fs/promises'
import { replaceInChains } from './chain.ts'
import type { BpfBackend, LoadedObject } from './contract.ts'
import { beginObject, commitObject, pinPath, removeObject, setAside, type PinnedObject } from './pin-tree.ts'

/**
 * Puts a newly loaded object in the place of a pinned one. Each attachment goes over in one step, to the program of the
 * same name; those of programs that the new object has not end. Maps begin empty. Killed half-way, it leaves the object
 * as loading or unloading: `list` shows it and `unload` removes it.
 * @returns names of the links that went over
 */
export async function replaceObject(
  backend: BpfBackend,
  request: {
    readonly root: string
    readonly pinned: PinnedObject
    readonly loaded: LoadedObject
    readonly wait: (delayMs: number) => Promise<void>
  },
): Promise<readonly string[]> {
  const { root, pinned, loaded, wait } = request
  const staging = await beginObject(root, pinned.name, { replaces: true })
  for (const [name, map] of loaded.maps) map.pin(pinPath(staging, 'maps', name))
  for (const [name, program] of loaded.programs) program.pin(pinPath(staging, 'programs', name))
  const moved: string[] = []
  for (const pin of pinned.links) {
    const program = loaded.programs.get(pin.name.slice(0, pin.name.indexOf('@')))
    if (program === undefined) continue
    using link = await backend.openLink({ pin: pin.path })
    link.update(program)
    await rename(pin.path, pinPath(staging, 'links', pin.name))
    moved.push(pin.name)
  }
  const replacements = new Map<number, number>()
  for (const pin of pinned.programs) {
    using before = await backend.openProgram({ pin: pin.path })
    const now = loaded.programs.get(pin.name)
    if (now !== undefined) replacements.set(before.id, now.id)
  }
  await replaceInChains(backend, { root, replacements, wait })
  await setAside(root, pinned.name)
  await commitObject(root, pinned.name)
  await removeObject(root, pinned.name, ['unloading'])
  return moved
}
