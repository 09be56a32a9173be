import { mkdir, readdir, rename, rmdir, statfs, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode, X0tError } from '@x0t/core'
import {
  nameOfPin,
  objectFolder,
  parseObjectFolder,
  pinKinds,
  pinName,
  type ObjectState,
  type PinKind,
} from './pin-layout.ts'

/** A pin of an object. */
export interface Pin {
  readonly name: string
  readonly path: string
}

/** An object as its folder in bpffs shows it. */
export interface PinnedObject {
  readonly name: string
  readonly state: ObjectState
  readonly folder: string
  readonly programs: readonly Pin[]
  readonly maps: readonly Pin[]
  readonly links: readonly Pin[]
}

const bpffsMagic = 0xcafe4a11

/** Whether this path, or the nearest folder above it that exists, lies in a BPF file system. */
export async function isBpffs(path: string): Promise<boolean> {
  try {
    return (await statfs(path)).type === bpffsMagic
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    return path === '/' ? false : isBpffs(dirname(path))
  }
}

/** @throws X0tError BPF_NO_BPFFS where the root of pins does not lie in a BPF file system */
export async function requireBpffs(root: string): Promise<void> {
  if (await isBpffs(root)) return
  throw new X0tError('BPF_NO_BPFFS', `${root} is not in a BPF file system, so nothing can be pinned there`, {
    hint: 'mount -t bpf bpf /sys/fs/bpf',
  })
}

/** Every object under the root, whole or half done, by name. */
export async function readPins(root: string): Promise<readonly PinnedObject[]> {
  const objects: PinnedObject[] = []
  for (const folder of await foldersIn(root)) {
    const parsed = parseObjectFolder(folder)
    if (parsed === undefined) continue
    const path = `${root}/${folder}`
    const [programs, maps, links] = await Promise.all(pinKinds.map(async (kind) => pinsOf(path, kind)))
    objects.push({ ...parsed, folder: path, programs: programs!, maps: maps!, links: links! })
  }
  return objects.toSorted((a, b) => a.name.localeCompare(b.name) || a.state.localeCompare(b.state))
}

/** A loaded object. @throws X0tError BPF_NOT_LOADED, BPF_HALF_DONE */
export async function findPinned(root: string, name: string): Promise<PinnedObject> {
  const named = (await readPins(root)).filter((object) => object.name === name)
  const loaded = named.find(({ state }) => state === 'loaded')
  if (loaded !== undefined) return loaded
  if (named.length > 0)
    throw new X0tError('BPF_HALF_DONE', `${name} is half done: ${named[0]!.state}`, {
      hint: `x0t bpf unload ${name} removes what is left, if no command is at it`,
    })
  throw new X0tError('BPF_NOT_LOADED', `nothing named ${name} is loaded`, {
    hint: 'x0t bpf list shows what is',
  })
}

/**
 * Makes the folder in which an object is pinned while it is being loaded. Making it is also the lock: of two loads of
 * the same name one fails.
 * @returns its path
 * @throws X0tError BPF_ALREADY_LOADED, BPF_HALF_DONE
 */
export async function beginObject(
  root: string,
  name: string,
  options: { readonly replaces?: boolean } = {},
): Promise<string> {
  const staging = objectFolder(root, name, 'loading')
  const isLoaded = (await readPins(root)).some((object) => object.name === name && object.state === 'loaded')
  if (isLoaded && options.replaces !== true)
    throw new X0tError('BPF_ALREADY_LOADED', `${name} is loaded already`, {
      hint: `x0t bpf show ${name}; x0t bpf unload ${name}; or load it --as another name`,
    })
  try {
    await makeIn(root, staging)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    throw new X0tError('BPF_HALF_DONE', `${name} is being loaded, or a load of it was killed`, {
      cause: error,
      hint: `x0t bpf unload ${name} removes what is left, if no command is at it`,
    })
  }
  for (const kind of pinKinds) await mkdir(`${staging}/${kind}`, { mode: 0o700 })
  return staging
}

/** Makes a folder in the root, which is made too: whoever takes the last object away may remove it in between. */
async function makeIn(root: string, folder: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await mkdir(root, { recursive: true, mode: 0o700 })
      return await mkdir(folder, { mode: 0o700 })
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || tries === mostTries) throw error
    }
  }
}
const mostTries = 100

/** Makes a load whole: one rename. @throws X0tError BPF_ALREADY_LOADED */
export async function commitObject(root: string, name: string): Promise<string> {
  const folder = objectFolder(root, name)
  await rename(objectFolder(root, name, 'loading'), folder)
  return folder
}

/** Path of a pin in the folder of an object. */
export function pinPath(folder: string, kind: PinKind, name: string): string {
  return `${folder}/${kind}/${pinName(name)}`
}

/** Marks a loaded object as about to go, so that another can take its name. */
export async function setAside(root: string, name: string): Promise<void> {
  await rename(objectFolder(root, name), objectFolder(root, name, 'unloading'))
}

/**
 * Removes the folders of an object, links first.
 * @param states only those in these states; all by default
 * @returns what there was, in the order of removal
 */
export async function removeObject(
  root: string,
  name: string,
  states: readonly ObjectState[] = ['loaded', 'loading', 'unloading'],
): Promise<readonly PinnedObject[]> {
  const removed: PinnedObject[] = []
  // What an earlier command left half done goes first, so that the rename below finds its target free.
  const there = (await readPins(root)).filter(
    (object) => object.name === name && states.includes(object.state),
  )
  for (const object of there.toSorted(
    (a, b) => Number(a.state === 'loaded') - Number(b.state === 'loaded'),
  )) {
    let { folder } = object
    if (object.state === 'loaded') {
      folder = objectFolder(root, name, 'unloading')
      await setAside(root, name)
    }
    // What runs ends before what it runs on goes.
    for (const kind of ['links', 'programs', 'maps'] as const)
      await removeFolder(`${folder}/${kind}`, await namesIn(`${folder}/${kind}`))
    await removeFolder(folder, [])
    removed.push(object)
  }
  await removeFolderIfEmpty(root)
  return removed
}

async function removeFolder(path: string, names: readonly string[]): Promise<void> {
  for (const name of names) await unlink(`${path}/${name}`).catch(ignoreMissing)
  await rmdir(path).catch(ignoreMissing)
}

async function removeFolderIfEmpty(path: string): Promise<void> {
  await rmdir(path).catch((error: unknown) => {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'ENOENT') && !hasCode(error, 'EBUSY')) throw error
  })
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, 'ENOENT')) throw error
}

async function pinsOf(folder: string, kind: PinKind): Promise<readonly Pin[]> {
  const names = await namesIn(`${folder}/${kind}`)
  return names.toSorted().map((pin) => ({ name: nameOfPin(pin), path: `${folder}/${kind}/${pin}` }))
}

async function foldersIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
