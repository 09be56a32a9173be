import type { BpfBackend, BpfMap } from './contract.ts'
import { isChainable, withSharedMaps } from './chain.ts'
import { chainObject } from './chain-maps.ts'
import { loadPinned, type LoadPinnedRequest, type LoadPinnedResult } from './load-pinned.ts'

/** Bytes of the shipped chain object, read when it is first needed. */
export type ChainFile = () => Promise<Uint8Array>

export interface LoadAndPinRequest extends LoadPinnedRequest {
  readonly chainFile: ChainFile
}

/**
 * Loads and pins an object as `loadPinned` does. One whose programs can be chained gets the maps that all chains share,
 * for which the chain object is loaded first if need be.
 */
export async function loadAndPin(backend: BpfBackend, request: LoadAndPinRequest): Promise<LoadPinnedResult> {
  const { root, object, options, chainFile } = request
  if (request.name === chainObject || !isChainable(object)) return loadPinned(backend, request)
  return withSharedMaps(backend, { root, chainFile }, async (shared) => {
    const maps: Record<string, BpfMap> = { ...shared, ...options?.maps }
    return loadPinned(backend, { ...request, options: { ...options, maps } })
  })
}
