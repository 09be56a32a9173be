import { X0tError } from '@x0t/core'
import type { BpfBackend, BpfMap, LoadedObject, LoadOptions, Refusal } from './contract.ts'
import { beginObject, commitObject, pinPath, removeObject } from './pin-tree.ts'

/** Called between two changes to the kernel; tests end the process there. */
export type StepHook = (step: string) => void | Promise<void>

export interface LoadPinnedRequest {
  /** Folder of pins in a BPF file system. */
  readonly root: string
  /** Name under which it is pinned. */
  readonly name: string
  readonly object: Uint8Array
  readonly options?: LoadOptions
  readonly onStep?: StepHook
}

/** What a load put into the kernel. */
export interface LoadPinnedResult {
  readonly name: string
  readonly folder: string
  readonly programs: readonly { readonly name: string; readonly id: number }[]
  readonly maps: readonly { readonly name: string; readonly id: number }[]
  readonly refusals: readonly Refusal[]
}

/**
 * Loads an object and pins its programs and maps under `<root>/<name>`, so that they outlive this process. Everything
 * is pinned in a folder beside it, which gets its name in one step: a killed load leaves what `list` shows as loading
 * and `unload` removes. Programs that the kernel refuses are left out and reported.
 * @throws X0tError BPF_ALREADY_LOADED, BPF_HALF_DONE, BPF_NOTHING_LOADED, and what the back end throws
 */
export async function loadPinned(backend: BpfBackend, request: LoadPinnedRequest): Promise<LoadPinnedResult> {
  const { root, name, onStep = () => undefined } = request
  const staging = await beginObject(root, name)
  try {
    await onStep('folder made')
    using loaded = await backend.load(request.object, request.options)
    await onStep('loaded')
    if (loaded.programs.size === 0) throw nothingLoaded(name, loaded.refusals)
    const own = ownMaps(loaded, request.options)
    for (const [map, handle] of own) {
      handle.pin(pinPath(staging, 'maps', map))
      await onStep(`map ${map} pinned`)
    }
    for (const [program, handle] of loaded.programs) {
      handle.pin(pinPath(staging, 'programs', program))
      await onStep(`program ${program} pinned`)
    }
    const folder = await commitObject(root, name)
    const ids = (handles: Iterable<readonly [string, { readonly id: number }]>): LoadPinnedResult['maps'] =>
      [...handles].map(([name, { id }]) => ({ name, id }))
    return {
      name,
      folder,
      programs: ids(loaded.programs),
      maps: ids(own),
      refusals: loaded.refusals,
    }
  } catch (error) {
    await removeObject(root, name, ['loading'])
    throw error
  }
}

/** The maps that were made for an object: those that it was given belong to another, which has them pinned. */
export function ownMaps(
  loaded: LoadedObject,
  options: LoadOptions = {},
): readonly (readonly [string, BpfMap])[] {
  return [...loaded.maps].filter(([name]) => options.maps?.[name] === undefined)
}

function nothingLoaded(name: string, refusals: readonly Refusal[]): X0tError {
  const reasons = refusals.map(({ program, message }) => `${program}: ${message}`).join('; ')
  const hint = refusals.find(({ hint }) => hint !== undefined)?.hint
  return new X0tError(
    'BPF_NOTHING_LOADED',
    refusals.length === 0
      ? `${name} holds no program`
      : `the kernel refused every program of ${name}: ${reasons}`,
    {
      hint:
        hint ?? 'x0t bpf verify FILE shows the log of the verifier; x0t bpf doctor what this kernel can do',
    },
  )
}
