import { unlink } from 'node:fs/promises'
import { hasCode, X0tError } from '@x0t/core'
import type { BpfBackend } from './contract.ts'
import { findHolders, type Holder } from './holders.ts'
import { findPinned, readPins, removeObject, type Pin, type PinnedObject } from './pin-tree.ts'

/** Something of an object that is still in the kernel after its pins are gone, and who holds it. */
export interface Remainder {
  readonly kind: 'program' | 'map' | 'link'
  readonly id: number
  readonly name: string
  readonly holders: readonly Holder[]
}

export interface UnloadResult {
  readonly name: string
  /** Pins that were removed, by kind; those of interrupted loads and unloads too. */
  readonly programs: readonly string[]
  readonly maps: readonly string[]
  readonly links: readonly string[]
  readonly remaining: readonly Remainder[]
}

/** Looks for what is left this often, for at most this long: the kernel frees programs after a grace period. */
const lookEveryMs = 20
const looks = 25

/**
 * Removes everything of an object: links, programs, maps, and what killed commands left of it.
 * @throws X0tError BPF_NOT_LOADED
 */
export async function unloadPinned(
  backend: BpfBackend,
  request: {
    readonly root: string
    readonly name: string
    readonly wait: (delayMs: number) => Promise<void>
  },
): Promise<UnloadResult> {
  const { root, name, wait } = request
  const there = (await readPins(root)).filter((object) => object.name === name)
  if (there.length === 0)
    throw new X0tError('BPF_NOT_LOADED', `nothing named ${name} is loaded`, {
      hint: 'x0t bpf list shows what is',
    })
  const ids = await idsOf(backend, there)
  const removed = await removeObject(root, name)
  let left = await stillThere(backend, ids)
  for (let look = 0; look < looks && left.length > 0; look += 1) {
    await wait(lookEveryMs)
    left = await stillThere(backend, left)
  }
  const holders = await findHolders(left)
  const names = (kind: 'programs' | 'maps' | 'links'): string[] =>
    removed.flatMap((object) => object[kind].map((pin) => pin.name))
  return {
    name,
    programs: names('programs'),
    maps: names('maps'),
    links: names('links'),
    remaining: left.map((one, index) => ({ ...one, holders: holders[index]! })),
  }
}

type Kept = Omit<Remainder, 'holders'>

async function idsOf(backend: BpfBackend, objects: readonly PinnedObject[]): Promise<readonly Kept[]> {
  const kept: Kept[] = []
  const add = async (
    kind: Kept['kind'],
    pins: readonly Pin[],
    open: (pin: string) => Promise<Disposable & { readonly id: number }>,
  ): Promise<void> => {
    for (const { name, path } of pins) {
      try {
        using handle = await open(path)
        kept.push({ kind, id: handle.id, name })
      } catch (error) {
        // What cannot be looked at can be removed all the same.
        if (!(error instanceof Error)) throw error
      }
    }
  }
  for (const { programs, maps, links } of objects) {
    await add('link', links, (pin) => backend.openLink({ pin }))
    await add('program', programs, (pin) => backend.openProgram({ pin }))
    await add('map', maps, (pin) => backend.openMap({ pin }))
  }
  return kept
}

async function stillThere(backend: BpfBackend, wanted: readonly Kept[]): Promise<readonly Kept[]> {
  const ids = async (list: Promise<readonly { readonly id: number }[]>): Promise<ReadonlySet<number>> =>
    new Set((await list).map(({ id }) => id))
  const present = {
    link: await ids(backend.listLinks()),
    program: await ids(backend.listPrograms()),
    map: await ids(backend.listMaps()),
  }
  return wanted.filter(({ kind, id }) => present[kind].has(id))
}

/** What `detachPinned` took off. */
export interface DetachResult {
  readonly object: string
  readonly links: readonly { readonly name: string; readonly id: number }[]
}

/**
 * Takes off one attachment of an object (`flow/flow_ingress@eth0-ingress`), those of one of its programs
 * (`flow/flow_ingress`), or all (`flow`). The programs stay loaded.
 * @throws X0tError BPF_NOT_ATTACHED, BPF_NOT_LOADED
 */
export async function detachPinned(
  backend: BpfBackend,
  root: string,
  reference: string,
): Promise<DetachResult> {
  const slash = reference.indexOf('/')
  const object = await findPinned(root, slash < 0 ? reference : reference.slice(0, slash))
  const name = slash < 0 ? undefined : reference.slice(slash + 1)
  const fits = object.links.filter(
    (link) => name === undefined || link.name === name || link.name.startsWith(`${name}@`),
  )
  if (fits.length === 0)
    throw new X0tError('BPF_NOT_ATTACHED', `${reference} is not attached`, {
      hint: `attached are: ${object.links.map((link) => `${object.name}/${link.name}`).join(', ') || 'none'}`,
    })
  const links: { name: string; id: number }[] = []
  for (const { name, path } of fits) {
    using link = await backend.openLink({ pin: path })
    // The pin first: killed here, the kernel detaches with our handle.
    await unlink(path)
    try {
      link.detach()
    } catch (error) {
      // Links of tracepoints cannot be forced off; they end with their last handle.
      if (!hasCode(error, 'BPF_UNSUPPORTED')) throw error
    }
    links.push({ name, id: link.id })
  }
  return { object: object.name, links }
}
