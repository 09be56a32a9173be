import {
  banksOf,
  bankSlots,
  decodeSlot,
  encodeSlot,
  idleBank,
  slotBytes,
  type ChainEntry,
} from './chain-order.ts'
import type { BpfBackend, BpfMap } from './contract.ts'
import { pinPath, readPins, type PinnedObject } from './pin-tree.ts'

/** Object that holds the heads of all chains and the maps that their programs share. */
export const chainObject = 'chain'
export const chainMaps = ['chain_heads', 'chain_slots', 'chain_programs', 'chain_place'] as const
/** Packets on their way through the old order have left it by then. */
const graceMs = 20

/** Maps of the chains, open. */
export interface ChainMaps extends Disposable {
  readonly heads: BpfMap
  readonly slots: BpfMap
  readonly programs: BpfMap
}

/** The chain object, where it is loaded. */
export async function findChainObject(root: string): Promise<PinnedObject | undefined> {
  return (await readPins(root)).find(({ name, state }) => name === chainObject && state === 'loaded')
}

/** Whoever gets them disposes them. */
export async function openChainMaps(backend: BpfBackend, object: PinnedObject): Promise<ChainMaps> {
  using stack = new DisposableStack()
  const open = async (name: string): Promise<BpfMap> =>
    stack.use(await backend.openMap({ pin: pinPath(object.folder, 'maps', name) }))
  const heads = await open('chain_heads')
  const slots = await open('chain_slots')
  const programs = await open('chain_programs')
  const owned = stack.move()
  return { heads, slots, programs, [Symbol.dispose]: () => owned.dispose() }
}

/** Whether a program with these maps was loaded with those of the chains. */
export async function sharesMaps(
  backend: BpfBackend,
  object: PinnedObject,
  mapIds: readonly number[],
): Promise<boolean> {
  using programs = await backend.openMap({ pin: pinPath(object.folder, 'maps', 'chain_programs') })
  return mapIds.includes(programs.id)
}

/** The order of a chain as packets meet it. */
export function readOrder(maps: ChainMaps, number: number): readonly ChainEntry[] {
  const first = headOf(maps, number)
  const entries: ChainEntry[] = []
  for (let index = 0; index < bankSlots; index += 1) {
    const program = maps.programs.get(u32(first + index))
    if (program === undefined) break
    const slot = maps.slots.get(u32(first + index)) ?? new Uint8Array(slotBytes)
    entries.push({ programId: readU32(program), ...decodeSlot(slot) })
  }
  return entries
}

/** Writes a new order beside the old one, and switches over in one step. */
export async function writeOrder(
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

/** Frees slots of these programs that no order in use has: what a killed command wrote. */
export function sweepSlots(maps: ChainMaps, programIds: ReadonlySet<number>): void {
  for (const [key, value] of maps.programs.entries())
    if (programIds.has(readU32(value))) maps.programs.delete(key)
}

/** The first slot of the bank in use; a chain that never was has 0, which is the first bank of chain 0 only. */
function headOf(maps: ChainMaps, number: number): number {
  const head = readU32(maps.heads.get(u32(number)))
  const [first, second] = banksOf(number)
  return head === second ? second : first
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
