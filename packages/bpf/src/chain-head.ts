import { rename, unlink } from 'node:fs/promises'
import { X0tError } from '@x0t/core'
import { linkName, placeOfLink, removedInterface } from './attach-target.ts'
import { chainMax } from './chain-order.ts'
import { chainMaps, sharesMaps } from './chain-maps.ts'
import type { AttachTarget, BpfBackend, BpfMap, LoadedObject } from './contract.ts'
import { ownNamespace } from './attach-pinned.ts'
import { pinPath, readPins, type PinnedObject } from './pin-tree.ts'

/** What is attached to an interface: a copy of the program that begins the chain, by its number. */
const chainProgram = 'x0t_chain'

type XdpTarget = Extract<AttachTarget, { kind: 'xdp' }>

/** The chains that are attached. Links of their heads are named `x0t_chain-3@eth0-xdp`. */
export function attachedChains(
  object: PinnedObject,
): readonly { readonly number: number; readonly link: string }[] {
  return object.links.flatMap(({ name }) => {
    const number = /^x0t_chain-(\d+)@/.exec(name)?.[1]
    return number === undefined ? [] : [{ number: Number(number), link: name }]
  })
}

/** @throws X0tError BPF_CHAIN_FULL */
export function freeChain(object: PinnedObject): number {
  const used = new Set(attachedChains(object).map(({ number }) => number))
  const free = Array.from({ length: chainMax }, (_, number) => number).find((number) => !used.has(number))
  if (free === undefined)
    throw new X0tError('BPF_CHAIN_FULL', `${chainMax} interfaces have a chain; there is no room for one more`)
  return free
}

/** A program that has an interface for itself and could share it. */
export interface Alone {
  readonly programId: number
  /** Path of the pin of its link. */
  readonly path: string
}

/** The program of x0t that is attached here by itself, if it was loaded with the maps of the chains. */
export async function findAlone(
  backend: BpfBackend,
  root: string,
  object: PinnedObject,
  target: XdpTarget,
): Promise<Alone | undefined> {
  const own = await ownNamespace()
  const place = linkName('', target)
  // Programs of nodes name the namespace always, others where it is not that of the machine.
  const places = [place, `${place}@${own}`, `${place}@${own}~generic`]
  const [links, programs] = [await backend.listLinks(), await backend.listPrograms()]
  for (const { links: pins, name } of await readPins(root)) {
    if (name === object.name) continue
    for (const pin of pins) {
      if (!places.includes(placeOfLink(pin.name))) continue
      using link = await backend.openLink({ pin: pin.path })
      const attached = links.find(({ id, target }) => id === link.id && target !== removedInterface)
      const info = programs.find(({ id }) => id === attached?.programId)
      if (info !== undefined && (await sharesMaps(backend, object, info.mapIds)))
        return { programId: info.id, path: pin.path }
    }
  }
  return undefined
}

/** The same where a command was killed when it had given the pin of the link a chain's name, but not yet its head. */
export async function findHeadless(
  backend: BpfBackend,
  object: PinnedObject,
  name: string,
): Promise<Alone | undefined> {
  const path = pinPath(object.folder, 'links', name)
  using link = await backend.openLink({ pin: path })
  const programId = (await backend.listLinks()).find(({ id }) => id === link.id)?.programId
  const info = (await backend.listPrograms()).find(({ id }) => id === programId)
  return info === undefined || info.name === chainProgram ? undefined : { programId: info.id, path }
}

/** Whether the interface of a chain has gone: the link is there, and attached to nothing. */
export async function isLinkGone(backend: BpfBackend, object: PinnedObject, name: string): Promise<boolean> {
  using link = await backend.openLink({ pin: pinPath(object.folder, 'links', name) })
  return (await backend.listLinks()).find(({ id }) => id === link.id)?.target === removedInterface
}

/**
 * Puts the head of a chain on an interface; in place of the program that has it for itself, in one step.
 * @param request.name from the `@` on
 * @returns name of the link
 */
export async function attachHead(
  backend: BpfBackend,
  request: {
    readonly object: PinnedObject
    readonly number: number
    readonly target: XdpTarget
    readonly name: string
    readonly alone: Alone | undefined
    readonly chainFile: () => Promise<Uint8Array>
  },
): Promise<string> {
  const { object, number, alone, target } = request
  using loaded = await loadHead(backend, object, number, request.chainFile)
  const head = loaded.programs.get(chainProgram)
  if (head === undefined)
    throw new X0tError(
      'BPF_NOTHING_LOADED',
      `the kernel refused ${chainProgram}: ${loaded.refusals[0]?.message ?? ''}`,
    )
  const name = `${chainProgram}-${number}${request.name}`
  const path = pinPath(object.folder, 'links', name)
  if (alone === undefined) {
    using link = head.attach(target)
    link.pin(path)
    return name
  }
  using link = await backend.openLink({ pin: alone.path })
  // The pin first: killed in between, the interface has a chain of one whose program is the one that it had.
  await rename(alone.path, path)
  link.update(head)
  return name
}

async function loadHead(
  backend: BpfBackend,
  object: PinnedObject,
  number: number,
  chainFile: () => Promise<Uint8Array>,
): Promise<LoadedObject> {
  using stack = new DisposableStack()
  const maps: Record<string, BpfMap> = {}
  for (const { name, path } of object.maps)
    if ((chainMaps as readonly string[]).includes(name))
      maps[name] = stack.use(await backend.openMap({ pin: path }))
  return await backend.load(await chainFile(), { maps, globals: { chain_number: number } })
}

/** Takes a chain off its interface. */
export async function detachHead(backend: BpfBackend, object: PinnedObject, name: string): Promise<void> {
  const path = pinPath(object.folder, 'links', name)
  using link = await backend.openLink({ pin: path })
  await unlink(path)
  link.detach()
}
