// Over 300 lines, and one piece: every step of changing who runs in a chain, in the order that never leaves it half changed.
import { unlink } from 'node:fs/promises'
import { hasCode, X0tError } from '@x0t/core'
import { foreignNamespace, type PinnedProgram } from './attach-pinned.ts'
import { linkName } from './attach-target.ts'
import {
  banksOf,
  bankSlots,
  chainMax,
  decodeSlot,
  encodeSlot,
  idleBank,
  slotBytes,
  withEntry,
  type ChainEntry,
} from './chain-order.ts'
import { withChainLock } from './chain-lock.ts'
import type { AttachTarget, BpfBackend, BpfMap } from './contract.ts'
import { loadPinned } from './load-pinned.ts'
import { pinPath, readPins, removeObject, type PinnedObject } from './pin-tree.ts'

/** Object that holds the heads of all chains and the maps that their programs share. */
export const chainObject = 'chain'
const chainProgram = 'x0t_chain'
export const chainMaps = ['chain_heads', 'chain_slots', 'chain_programs', 'chain_place'] as const
/** Packets on their way through the old order have left it by then. */
const graceMs = 20

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

/** Maps of the chains, open; empty where no chain object is loaded. */
interface ChainMaps extends Disposable {
  readonly heads: BpfMap
  readonly slots: BpfMap
  readonly programs: BpfMap
}

/**
 * Loads the chain object unless it is there, and returns its maps: objects whose programs can be chained are loaded
 * with them. Whoever gets them disposes them.
 */
export async function openSharedMaps(
  backend: BpfBackend,
  root: string,
  chainFile: () => Promise<Uint8Array>,
): Promise<Readonly<Record<string, BpfMap>> & Disposable> {
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
  return Object.defineProperty(maps, Symbol.dispose, { value: () => owned.dispose() }) as Readonly<
    Record<string, BpfMap>
  > &
    Disposable
}

/** Every chain that is attached, with its order. */
export async function readChains(backend: BpfBackend, root: string): Promise<readonly Chain[]> {
  const object = await findChainObject(root)
  if (object === undefined) return []
  using maps = await openMaps(backend, object)
  return numbersOf(object).map(({ number, link }) => ({
    number,
    link,
    entries: readBank(maps, headOf(maps, number)),
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
  using maps = await openMaps(backend, object)
  const name = linkName('', target, await foreignNamespace())
  const present = numbersOf(object).find(
    ({ link }) => link.endsWith(name) && link.indexOf('@') === link.length - name.length,
  )
  const number = present?.number ?? freeNumber(object)
  const before = present === undefined ? [] : readBank(maps, headOf(maps, number))
  const entries = withEntry(before, {
    programId: handle.id,
    priority: request.priority,
    proceedOn: request.proceedOn,
  })
  await writeOrder(backend, maps, { number, entries }, request.wait)
  const link =
    present?.link ??
    (await attachHead(backend, { object, number, target, name, chainFile: request.chainFile }))
  return { number, link, entries }
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
  using maps = await openMaps(backend, object)
  for (const { number, link } of numbersOf(object)) {
    if (request.link !== undefined && request.link !== link) continue
    const entries = readBank(maps, headOf(maps, number))
    const rest = entries.filter(({ programId }) => !programIds.has(programId))
    if (rest.length === entries.length) continue
    left.push(link)
    await writeOrder(backend, maps, { number, entries: rest }, wait)
    if (rest.length === 0) await detachHead(backend, object, number, link)
  }
  if (request.link === undefined) sweep(maps, programIds)
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
  using maps = await openMaps(backend, object)
  for (const { number } of numbersOf(object)) {
    const entries = readBank(maps, headOf(maps, number))
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

async function findChainObject(root: string): Promise<PinnedObject | undefined> {
  return (await readPins(root)).find(({ name, state }) => name === chainObject && state === 'loaded')
}

async function openMaps(backend: BpfBackend, object: PinnedObject): Promise<ChainMaps> {
  using stack = new DisposableStack()
  const open = async (name: string): Promise<BpfMap> =>
    stack.use(await backend.openMap({ pin: pinPath(object.folder, 'maps', name) }))
  const heads = await open('chain_heads')
  const slots = await open('chain_slots')
  const programs = await open('chain_programs')
  const owned = stack.move()
  return { heads, slots, programs, [Symbol.dispose]: () => owned.dispose() }
}

async function sharesMaps(
  backend: BpfBackend,
  object: PinnedObject,
  mapIds: readonly number[],
): Promise<boolean> {
  using programs = await backend.openMap({ pin: pinPath(object.folder, 'maps', 'chain_programs') })
  return mapIds.includes(programs.id)
}

/** Links of the heads are named `x0t_chain-3@eth0-xdp`. */
function numbersOf(object: PinnedObject): readonly { readonly number: number; readonly link: string }[] {
  return object.links.flatMap(({ name }) => {
    const number = /^x0t_chain-(\d+)@/.exec(name)?.[1]
    return number === undefined ? [] : [{ number: Number(number), link: name }]
  })
}

function freeNumber(object: PinnedObject): number {
  const used = new Set(numbersOf(object).map(({ number }) => number))
  const free = Array.from({ length: chainMax }, (_, number) => number).find((number) => !used.has(number))
  if (free === undefined)
    throw new X0tError('BPF_CHAIN_FULL', `${chainMax} interfaces have a chain; there is no room for one more`)
  return free
}

async function attachHead(
  backend: BpfBackend,
  request: {
    readonly object: PinnedObject
    readonly number: number
    readonly target: AttachTarget
    readonly name: string
    readonly chainFile: () => Promise<Uint8Array>
  },
): Promise<string> {
  const { object, number } = request
  using stack = new DisposableStack()
  const maps: Record<string, BpfMap> = {}
  for (const { name, path } of object.maps)
    if ((chainMaps as readonly string[]).includes(name))
      maps[name] = stack.use(await backend.openMap({ pin: path }))
  using loaded = await backend.load(await request.chainFile(), { maps, globals: { chain_number: number } })
  const head = loaded.programs.get(chainProgram)
  if (head === undefined)
    throw new X0tError(
      'BPF_NOTHING_LOADED',
      `the kernel refused ${chainProgram}: ${loaded.refusals[0]?.message ?? ''}`,
    )
  using link = head.attach(request.target)
  const name = `${chainProgram}-${number}${request.name}`
  link.pin(pinPath(object.folder, 'links', name))
  return name
}

async function detachHead(
  backend: BpfBackend,
  object: PinnedObject,
  number: number,
  name: string,
): Promise<void> {
  const path = pinPath(object.folder, 'links', name)
  using link = await backend.openLink({ pin: path })
  await unlink(path)
  link.detach()
}

async function writeOrder(
  backend: BpfBackend,
  maps: ChainMaps,
  order: { readonly number: number; readonly entries: readonly ChainEntry[] },
  wait: (delayMs: number) => Promise<void>,
): Promise<void> {
  const { number, entries } = order
  const head = headOf(maps, number)
  const bank = idleBank(number, head)
  for (let index = 0; index < bankSlots; index += 1) {
    const entry = entries[index]
    maps.slots.set(u32(bank + index), entry === undefined ? new Uint8Array(slotBytes) : encodeSlot(entry))
    if (entry === undefined) {
      maps.programs.delete(u32(bank + index))
      continue
    }
    using program = await backend.openProgram({ id: entry.programId })
    maps.programs.setProgram(u32(bank + index), program)
  }
  maps.heads.set(u32(number), u32(bank))
  await wait(graceMs)
  for (let index = 0; index < bankSlots; index += 1) maps.programs.delete(u32(head + index))
}

/** The first slot of the bank in use; a chain that never was has 0, which is the first bank of chain 0 only. */
function headOf(maps: ChainMaps, number: number): number {
  const head = readU32(maps.heads.get(u32(number)))
  const [first, second] = banksOf(number)
  return head === second ? second : first
}

function readBank(maps: ChainMaps, first: number): readonly ChainEntry[] {
  const entries: ChainEntry[] = []
  for (let index = 0; index < bankSlots; index += 1) {
    const program = maps.programs.get(u32(first + index))
    if (program === undefined) break
    const slot = maps.slots.get(u32(first + index)) ?? new Uint8Array(slotBytes)
    entries.push({ programId: readU32(program), ...decodeSlot(slot) })
  }
  return entries
}

/** Frees slots of these programs that no order in use has. */
function sweep(maps: ChainMaps, programIds: ReadonlySet<number>): void {
  for (const [key, value] of maps.programs.entries())
    if (programIds.has(readU32(value))) maps.programs.delete(key)
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

function readU32(bytes: Uint8Array | undefined): number {
  return bytes === undefined
    ? 0
    : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
}

function ignoreCode(code: string): (error: unknown) => undefined {
  return (error) => {
    if (!hasCode(error, code)) throw error
    return undefined
  }
}
