import { setTimeout as delay } from 'node:timers/promises'
import {
  alonePriority,
  attachChained,
  findPinnedProgram,
  foreignNamespace,
  forgetObject,
  linkName,
  placeOfLink,
  readChains,
  replaceInChains,
  verdictOfName,
  xdpOnInterface,
  type BpfBackend,
  type Run,
} from '@x0t/bpf'

/** Places of the program in the chains of XDP programs that interfaces have: beside a guard, say. */
export interface ChainPlaces {
  /** Joins the chain of an interface; undefined where that has none. */
  join(name: string): Promise<'native' | 'generic' | undefined>
  /** Gives the places of earlier processes to the program of this one. */
  takeOver(): Promise<void>
  /** Takes the program out of all chains, and its pins away. */
  leave(): Promise<void>
}

/** As a program that was alone has it, and is given when another joins it: guards come before, by their default of 500. */
const priority = alonePriority
const proceedOn = [verdictOfName('xdp', 'pass')]
const programName = 'x0t_fastpath'
/** Its maps are those of one node alone, so whoever uses them is that node. */
const ownMap = 'fastpath_self'

/** @param name of the object that is pinned */
export function createChainPlaces({
  backend,
  root,
  name,
  chainFile,
  run,
}: {
  readonly backend: BpfBackend
  readonly root: string
  readonly name: string
  readonly chainFile: () => Promise<Uint8Array>
  readonly run: Run
}): ChainPlaces {
  const wait = async (delayMs: number): Promise<void> => delay(delayMs)
  return {
    async join(interfaceName) {
      const target = { kind: 'xdp', interface: interfaceName } as const
      const place = linkName('', target, await foreignNamespace())
      const isThere = (await readChains(backend, root)).some(({ link }) => placeOfLink(link) === place)
      if (!isThere) return undefined
      const program = await findPinnedProgram(root, `${name}/${programName}`)
      await attachChained(backend, { root, program, target, priority, proceedOn, chainFile, wait })
      return (await xdpOnInterface(interfaceName, run))?.mode === 'generic' ? 'generic' : 'native'
    },
    async takeOver() {
      const chains = await readChains(backend, root)
      if (chains.length === 0) return
      const { program, map } = await idsOf(backend, root, name)
      const mapIds = new Map((await backend.listPrograms()).map((one) => [one.id, one.mapIds]))
      const replacements = new Map<number, number>()
      for (const { programId } of chains.flatMap(({ entries }) => entries))
        if (programId !== program && mapIds.get(programId)?.includes(map) === true)
          replacements.set(programId, program)
      await replaceInChains(backend, { root, replacements, wait })
    },
    leave: async () => forgetObject(backend, { root, name, wait }),
  }
}

async function idsOf(
  backend: BpfBackend,
  root: string,
  name: string,
): Promise<{ readonly program: number; readonly map: number }> {
  const { object, program } = await findPinnedProgram(root, `${name}/${programName}`)
  using own = await backend.openProgram({ pin: program.path })
  using map = await backend.openMap({ pin: object.maps.find((pin) => pin.name === ownMap)!.path })
  return { program: own.id, map: map.id }
}
