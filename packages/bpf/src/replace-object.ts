import { rename } from 'node:fs/promises'
import { hasCode } from '@x0t/core'
import { replaceInChains } from './chain.ts'
import type { BpfBackend, BpfProgram, LoadedObject, LoadOptions } from './contract.ts'
import { ownMaps } from './load-pinned.ts'
import { beginObject, commitObject, pinPath, removeObject, setAside, type PinnedObject } from './pin-tree.ts'

export interface ReplaceObjectRequest {
  readonly root: string
  readonly pinned: PinnedObject
  readonly loaded: LoadedObject
  /** With which `loaded` was loaded. */
  readonly options: LoadOptions
  readonly wait: (delayMs: number) => Promise<void>
}

/**
 * Puts a newly loaded object in the place of a pinned one. Each attachment goes over in one step, to the program of the
 * same name; those of programs that the new object has not end. Maps begin empty. If something fails, all goes back.
 * Killed half-way, it leaves the object as loading or unloading: `list` shows it and `unload` removes it.
 * @returns names of the links that went over
 */
export async function replaceObject(
  backend: BpfBackend,
  request: ReplaceObjectRequest,
): Promise<readonly string[]> {
  const { root, pinned, loaded, options } = request
  const staging = await beginObject(root, pinned.name, { replaces: true })
  await using undo = new AsyncDisposableStack()
  undo.defer(async () => void (await removeObject(root, pinned.name, ['loading'])))
  for (const [name, map] of ownMaps(loaded, options)) map.pin(pinPath(staging, 'maps', name))
  for (const [name, program] of loaded.programs) program.pin(pinPath(staging, 'programs', name))
  const moved = await moveLinks(backend, request, staging, undo)
  await moveInChains(backend, request)
  await setAside(root, pinned.name)
  await commitObject(root, pinned.name)
  // From here there is no way back, and none is needed.
  undo.move()
  await removeObject(root, pinned.name, ['unloading'])
  return moved
}

async function moveLinks(
  backend: BpfBackend,
  { pinned, loaded }: ReplaceObjectRequest,
  staging: string,
  undo: AsyncDisposableStack,
): Promise<readonly string[]> {
  const moved: string[] = []
  for (const pin of pinned.links) {
    const name = pin.name.slice(0, pin.name.indexOf('@'))
    const program = loaded.programs.get(name)
    const before = pinned.programs.find((one) => one.name === name)
    if (program === undefined || before === undefined) continue
    const path = pinPath(staging, 'links', pin.name)
    if (await updateLink(backend, pin.path, program)) {
      undo.defer(async () => {
        using old = await backend.openProgram({ pin: before.path })
        await updateLink(backend, pin.path, old)
      })
      await rename(pin.path, path)
      undo.defer(async () => rename(path, pin.path))
    } else {
      // Links of tracepoints cannot be given another program: the new one comes, then the old one goes with its object.
      using link = program.attach({ kind: 'tracepoint' })
      link.pin(path)
    }
    moved.push(pin.name)
  }
  return moved
}

/** @returns whether the kernel can do that with this kind of link */
async function updateLink(backend: BpfBackend, pin: string, program: BpfProgram): Promise<boolean> {
  using link = await backend.openLink({ pin })
  try {
    link.update(program)
    return true
  } catch (error) {
    if (!hasCode(error, 'BPF_UNSUPPORTED')) throw error
    return false
  }
}

async function moveInChains(
  backend: BpfBackend,
  { root, pinned, loaded, wait }: ReplaceObjectRequest,
): Promise<void> {
  const replacements = new Map<number, number>()
  for (const pin of pinned.programs) {
    using before = await backend.openProgram({ pin: pin.path })
    const now = loaded.programs.get(pin.name)
    if (now !== undefined) replacements.set(before.id, now.id)
  }
  await replaceInChains(backend, { root, replacements, wait })
}
