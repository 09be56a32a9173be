import { hasCode, X0tError } from '@x0t/core'
import { foreignNamespace, type PinnedProgram } from './attach-pinned.ts'
import { linkName, placeOfLink } from './attach-target.ts'
import {
  attachedChains,
  attachHead,
  detachHead,
  findAlone,
  findHeadless,
  freeChain,
  isLinkGone,
} from './chain-head.ts'
import { withChainLock } from './chain-lock.ts'
import {
  chainMaps,
  chainObject,
  findChainObject,
  openChainMaps,
  readOrder,
  sharesMaps,
  sweepSlots,
  writeOrder,
} from './chain-maps.ts'
import { withEntry, type ChainEntry } from './chain-order.ts'
import type { AttachTarget, BpfBackend, BpfMap } from './contract.ts'
import { loadPinned } from './load-pinned.ts'
import { readPins, removeObject, type PinnedObject } from './pin-tree.ts'
import { verdictOfName } from './verdict.ts'

/** Priority in the chain of a program that had the interface for itself: after what is usually put before it. */
export const alonePriority = 800

/** Whether the programs of an object can be in a chain: it declares the maps of bpf/chain.h. */
export function isChainable(object: Uint8Array): boolean {
  return Buffer.from(object.buffer, object.byteOffset, object.byteLength).includes('\0chain_programs\0')
}

/** The chain of one interface. */
export interface Chain {
  readonly number: number
  /** Name of its link: which interface it is on. */
  readonly link: string
  readonly entries: readonly ChainEntry[]
}

type SharedMaps = Readonly<Record<string, BpfMap>>

export interface SharedMapsRequest {
  readonly root: string
  readonly chainFile: () => Promise<Uint8Array>
  /** How long to wait for other processes that are changing chains, ms. */
  readonly patienceMs?: number
}

/**
 * Runs something with the maps that all chains share: objects whose programs can be chained are loaded with them. The
 * chain object is loaded first if it is not there, cannot go meanwhile, and goes if that fails and nothing uses it.
 * @throws X0tError BPF_CHAIN_BUSY, BPF_HALF_DONE
 */
export function withSharedMaps<T>(
  backend: BpfBackend,
  request: SharedMapsRequest,
  run: (maps: SharedMaps) => Promise<T>,
): Promise<T> {
  const { root, chainFile, patienceMs } = request
  return withChainLock(
    root,
    async () => {
      try {
        using shared = await openLocked(backend, root, chainFile)
        return await run({ ...shared })
      } catch (error) {
        await dropLocked(backend, root)
        throw error
      }
    },
    patienceMs,
  )
}

/** The shared maps of a chain object that is there or is loaded now. Whoever gets them disposes them. */
export function openSharedMaps(
  backend: BpfBackend,
  { root, chainFile }: SharedMapsRequest,
): Promise<SharedMaps & Disposable> {
  return withChainLock(root, () => openLocked(backend, root, chainFile))
}

async function openLocked(
  backend: BpfBackend,
  root: string,
  chainFile: () => Promise<Uint8Array>,
): Promise<SharedMaps & Disposable> {
  if ((await findChainObject(root)) === undefined)
    await loadPinned(backend, { root, name: chainObject, object: await chainFile() }).catch(
      ignoreCode('BPF_ALREADY_LOADED'),
    )
  const object = await findChainObject(root)
  if (object === undefined)
    throw new X0tError('BPF_HALF_DONE', 'the chain of XDP programs is half loaded', {
      hint: `x0t bpf unload ${chainObject}`,
    })
  using stack = new DisposableStack()
  const maps: Record<string, BpfMap> = {}
  for (const name of chainMaps) {
    // An object that never used it was loaded without; the name still has to be right.
    const pin = object.maps.find((map) => map.name === name)
    if (pin !== undefined) maps[name] = stack.use(await backend.openMap({ pin: pin.path }))
  }
  const owned = stack.move()
  return Object.defineProperty(maps, Symbol.dispose, { value: () => owned.dispose() }) as SharedMaps &
    Disposable
}

/** Every chain that is attached, with its order. */
export async function readChains(backend: BpfBackend, root: string): Promise<readonly Chain[]> {
  const object = await findChainObject(root)
  if (object === undefined) return []
  using maps = await openChainMaps(backend, object)
  return attachedChains(object).map(({ number, link }) => ({
    number,
    link,
    entries: readOrder(maps, number),
  }))
}

interface ChainRequest {
  readonly root: string
  readonly program: PinnedProgram
  readonly target: Extract<AttachTarget, { kind: 'xdp' }>
  readonly priority: number
  readonly proceedOn: readonly number[]
  readonly chainFile: () => Promise<Uint8Array>
  readonly wait: (delayMs: number) => Promise<void>
}

/** Puts a program into the chain of an interface; makes and attaches the chain if there is none. */
export function attachChained(backend: BpfBackend, request: ChainRequest): Promise<Chain> {
  return withChainLock(request.root, () => attachLocked(backend, request))
}

async function attachLocked(backend: BpfBackend, request: ChainRequest): Promise<Chain> {
  const { root, program, target } = request
  const name = linkName('', target, await foreignNamespace())
  await forgetGone(backend, request, name)
  const object = await findChainObject(root)
  using handle = await backend.openProgram({ pin: program.program.path })
  const info = (await backend.listPrograms()).find(({ id }) => id === handle.id)
  if (object === undefined || info === undefined || !(await sharesMaps(backend, object, info.mapIds)))
    throw new X0tError(
      'BPF_NOT_CHAINABLE',
      `${program.object.name}/${program.program.name} cannot be in a chain`,
      {
        hint: 'it must include chain.h and end with chain_next(), and be loaded by x0t bpf load',
      },
    )
  using maps = await openChainMaps(backend, object)
  const present = chainAt(object, name)
  const alone =
    present === undefined
      ? await findAlone(backend, root, object, target)
      : await findHeadless(backend, object, present.link)
  const number = present?.number ?? freeChain(object)
  const before = present === undefined ? [] : readOrder(maps, number)
  const joined =
    alone === undefined || before.some(({ programId }) => programId === alone.programId)
      ? before
      : withEntry(before, {
          programId: alone.programId,
          priority: alonePriority,
          proceedOn: [verdictOfName('xdp', 'pass')],
        })
  const entries = withEntry(joined, {
    programId: handle.id,
    priority: request.priority,
    proceedOn: request.proceedOn,
  })
  await writeOrder(backend, maps, { number, entries }, request.wait)
  const link =
    present !== undefined && alone === undefined
      ? present.link
      : await attachHead(backend, { object, number, target, name, alone, chainFile: request.chainFile })
  return { number, link, entries }
}

function chainAt(object: PinnedObject, place: string): Pick<Chain, 'number' | 'link'> | undefined {
  return attachedChains(object).find(({ link }) => placeOfLink(link) === place)
}

/** Forgets the chain of a place whose interface has gone: another has its name now. */
async function forgetGone(backend: BpfBackend, request: ChainRequest, place: string): Promise<void> {
  const object = await findChainObject(request.root)
  const chain = object && chainAt(object, place)
  if (object === undefined || chain === undefined || !(await isLinkGone(backend, object, chain.link))) return
  using maps = await openChainMaps(backend, object)
  await writeOrder(backend, maps, { number: chain.number, entries: [] }, request.wait)
  await detachHead(backend, object, chain.link)
}

interface RemovalRequest {
  readonly root: string
  readonly programIds: ReadonlySet<number>
  /** Only from the chain with this link. */
  readonly link?: string
  readonly wait: (delayMs: number) => Promise<void>
}

/**
 * Takes programs out of all chains (both banks: what a killed command wrote too), and takes chains that are empty off
 * their interfaces.
 * @returns names of the links of the chains that they were in
 */
export function removeFromChains(backend: BpfBackend, request: RemovalRequest): Promise<readonly string[]> {
  return withChainLock(request.root, () => removeLocked(backend, request))
}

async function removeLocked(backend: BpfBackend, request: RemovalRequest): Promise<readonly string[]> {
  const { root, programIds, wait } = request
  const object = await findChainObject(root)
  if (object === undefined) return []
  const left: string[] = []
  using maps = await openChainMaps(backend, object)
  for (const { number, link } of attachedChains(object)) {
    if (request.link !== undefined && request.link !== link) continue
    const entries = readOrder(maps, number)
    const rest = entries.filter(({ programId }) => !programIds.has(programId))
    if (rest.length === entries.length) continue
    left.push(link)
    await writeOrder(backend, maps, { number, entries: rest }, wait)
    if (rest.length === 0) await detachHead(backend, object, link)
  }
  if (request.link === undefined) sweepSlots(maps, programIds)
  return left
}

interface SwapRequest {
  readonly root: string
  readonly replacements: ReadonlyMap<number, number>
  readonly wait: (delayMs: number) => Promise<void>
}

/** Swaps programs for others in every chain, each chain in one step. */
export function replaceInChains(backend: BpfBackend, request: SwapRequest): Promise<void> {
  return withChainLock(request.root, () => swapLocked(backend, request))
}

async function swapLocked(backend: BpfBackend, request: SwapRequest): Promise<void> {
  const { root, replacements, wait } = request
  const object = await findChainObject(root)
  if (object === undefined) return
  using maps = await openChainMaps(backend, object)
  for (const { number } of attachedChains(object)) {
    const entries = readOrder(maps, number)
    if (!entries.some(({ programId }) => replacements.has(programId))) continue
    const swapped = entries.map((entry) => ({
      ...entry,
      programId: replacements.get(entry.programId) ?? entry.programId,
    }))
    await writeOrder(backend, maps, { number, entries: swapped }, wait)
  }
}

/** Unloads the chain object where no chain is attached and no other object was loaded with its maps. */
export function dropUnusedChain(backend: BpfBackend, root: string): Promise<boolean> {
  return withChainLock(root, () => dropLocked(backend, root))
}

async function dropLocked(backend: BpfBackend, root: string): Promise<boolean> {
  const object = await findChainObject(root)
  if (object === undefined || object.links.length > 0) return false
  const programs = await backend.listPrograms()
  for (const other of await readPins(root)) {
    if (other.name === chainObject) continue
    for (const pin of other.programs) {
      using program = await backend.openProgram({ pin: pin.path })
      const mapIds = programs.find(({ id }) => id === program.id)?.mapIds ?? []
      if (await sharesMaps(backend, object, mapIds)) return false
    }
  }
  await removeObject(root, chainObject)
  return true
}

function ignoreCode(code: string): (error: unknown) => undefined {
  return (error) => {
    if (!hasCode(error, code)) throw error
    return undefined
  }
}
