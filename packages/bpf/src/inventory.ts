import { readChains, type Chain } from './chain.ts'
import type { BpfBackend, LinkInfo, MapInfo, ProgramInfo } from './contract.ts'
import type { ObjectState } from './pin-layout.ts'
import { readPins, type Pin } from './pin-tree.ts'

/** A pin and what the kernel says of what is behind it; undefined where it cannot be opened. */
export interface Entry<Info> {
  readonly name: string
  readonly pin: string
  readonly info: Info | undefined
}

/** A place of a program in the chain of an interface. */
export interface ChainPlace {
  readonly program: string
  /** Name of the link of the chain. */
  readonly link: string
  readonly priority: number
  readonly proceedOn: readonly number[]
}

/** All that is in the kernel of one object, whole or half done. */
export interface ObjectInventory {
  readonly name: string
  readonly state: ObjectState
  readonly programs: readonly Entry<ProgramInfo>[]
  readonly maps: readonly Entry<MapInfo>[]
  readonly links: readonly Entry<LinkInfo>[]
  readonly chained: readonly ChainPlace[]
}

/** Everything under the root, with what the kernel says of it: pins and ids are the only state. */
export async function readInventory(backend: BpfBackend, root: string): Promise<readonly ObjectInventory[]> {
  const objects = await readPins(root)
  if (objects.length === 0) return []
  const [programs, maps, links] = await Promise.all([
    backend.listPrograms(),
    backend.listMaps(),
    backend.listLinks(),
  ])
  const chains = await readChains(backend, root)
  const inventory: ObjectInventory[] = []
  for (const { name, state, ...pins } of objects) {
    const programEntries = await entriesOf(pins.programs, programs, (pin) => backend.openProgram({ pin }))
    inventory.push({
      name,
      state,
      programs: programEntries,
      maps: await entriesOf(pins.maps, maps, (pin) => backend.openMap({ pin })),
      links: await entriesOf(pins.links, links, (pin) => backend.openLink({ pin })),
      chained: placesOf(programEntries, chains),
    })
  }
  return inventory
}

async function entriesOf<Info extends { readonly id: number }>(
  pins: readonly Pin[],
  infos: readonly Info[],
  open: (pin: string) => Promise<Disposable & { readonly id: number }>,
): Promise<readonly Entry<Info>[]> {
  const entries: Entry<Info>[] = []
  for (const { name, path } of pins) entries.push({ name, pin: path, info: await infoOf(path, infos, open) })
  return entries
}

async function infoOf<Info extends { readonly id: number }>(
  path: string,
  infos: readonly Info[],
  open: (pin: string) => Promise<Disposable & { readonly id: number }>,
): Promise<Info | undefined> {
  try {
    using handle = await open(path)
    const { id } = handle
    return infos.find((info) => info.id === id)
  } catch (error) {
    // Gone meanwhile, or not for us: the pin is shown without what is behind it.
    if (error instanceof Error) return undefined
    throw error
  }
}

function placesOf(programs: readonly Entry<ProgramInfo>[], chains: readonly Chain[]): readonly ChainPlace[] {
  return programs.flatMap(({ name, info }) =>
    chains.flatMap(({ link, entries }) =>
      entries
        .filter(({ programId }) => programId === info?.id)
        .map(({ priority, proceedOn }) => ({ program: name, link, priority, proceedOn })),
    ),
  )
}
