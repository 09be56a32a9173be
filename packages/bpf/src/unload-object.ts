import { dropUnusedChain, readChains, removeFromChains } from './chain.ts'
import { chainObject, findChainObject } from './chain-maps.ts'
import type { BpfBackend } from './contract.ts'
import { findPinned, readPins, removeObject } from './pin-tree.ts'
import { detachPinned, unloadPinned, type UnloadResult } from './unload-pinned.ts'
import { hasCode, X0tError } from '@x0t/core'

interface Request {
  readonly root: string
  readonly wait: (delayMs: number) => Promise<void>
}

/**
 * Removes everything of an object: its places in chains, links, programs, maps, and what killed commands left. The last
 * program that is chained takes the chain object with it.
 * @throws X0tError BPF_NOT_LOADED, BPF_CHAIN_IN_USE
 */
export async function unloadObject(
  backend: BpfBackend,
  request: Request & { readonly name: string },
): Promise<UnloadResult> {
  const { root, name, wait } = request
  if (name === chainObject) {
    const used = (await readChains(backend, root)).filter(({ entries }) => entries.length > 0)
    if (used.length > 0)
      throw new X0tError(
        'BPF_CHAIN_IN_USE',
        `programs are in the chain: ${used.map(({ link }) => link).join(', ')}`,
        {
          hint: 'x0t bpf list shows them; detach or unload those objects, and the chain goes with the last',
        },
      )
    return unloadPinned(backend, request)
  }
  await removeFromChains(backend, { root, programIds: await programIdsOf(backend, root, name), wait })
  const result = await unloadPinned(backend, request)
  await dropUnusedChain(backend, root)
  return result
}

/** The same without looking at what the kernel still has of it, and fine where nothing of it is there. */
export async function forgetObject(
  backend: BpfBackend,
  { root, name, wait }: Request & { readonly name: string },
): Promise<void> {
  const hasChains = (await findChainObject(root)) !== undefined
  if (hasChains)
    await removeFromChains(backend, { root, programIds: await programIdsOf(backend, root, name), wait })
  await removeObject(root, name)
  if (hasChains) await dropUnusedChain(backend, root)
}

/** What was taken off, links and places in chains. */
export interface DetachedFrom {
  readonly object: string
  readonly links: readonly string[]
  readonly chains: readonly string[]
}

/**
 * Takes off the attachments that a reference names (`flow`, `flow/flow_ingress`, `flow/flow_ingress@eth0-ingress`), in
 * chains too. The programs stay loaded.
 * @throws X0tError BPF_NOT_ATTACHED, BPF_NOT_LOADED
 */
export async function detachProgram(
  backend: BpfBackend,
  request: Request & { readonly reference: string },
): Promise<DetachedFrom> {
  const { root, reference, wait } = request
  const slash = reference.indexOf('/')
  const object = await findPinned(root, slash < 0 ? reference : reference.slice(0, slash))
  const rest = slash < 0 ? '' : reference.slice(slash + 1)
  const at = rest.indexOf('@')
  const program = at < 0 ? rest : rest.slice(0, at)
  const place = at < 0 ? undefined : rest.slice(at)
  const ids = new Set<number>()
  for (const pin of object.programs) {
    if (program !== '' && pin.name !== program) continue
    using handle = await backend.openProgram({ pin: pin.path })
    ids.add(handle.id)
  }
  const chains: string[] = []
  for (const { link } of await readChains(backend, root))
    if (place === undefined || link.endsWith(place))
      chains.push(...(await removeFromChains(backend, { root, programIds: ids, link, wait })))
  try {
    const { links } = await detachPinned(backend, root, reference)
    return { object: object.name, links: links.map(({ name }) => name), chains }
  } catch (error) {
    if (chains.length === 0 || !hasCode(error, 'BPF_NOT_ATTACHED')) throw error
    return { object: object.name, links: [], chains }
  }
}

async function programIdsOf(backend: BpfBackend, root: string, name: string): Promise<ReadonlySet<number>> {
  const ids = new Set<number>()
  for (const object of await readPins(root)) {
    if (object.name !== name) continue
    for (const pin of object.programs) {
      using program = await backend.openProgram({ pin: pin.path })
      ids.add(program.id)
    }
  }
  return ids
}
