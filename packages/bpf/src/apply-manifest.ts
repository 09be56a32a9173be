import { X0tError } from '@x0t/core'
import { attachProgram, type AttachSurroundings } from './attach-program.ts'
import { readChains, isChainable, openSharedMaps, removeFromChains } from './chain.ts'
import type { BpfBackend, LoadOptions } from './contract.ts'
import { infoOf } from './attach-program.ts'
import { findPinnedProgram, foreignNamespace } from './attach-pinned.ts'
import { linkName, placeOfLink, targetFor } from './attach-target.ts'
import { loadAndPin } from './load-and-pin.ts'
import type { Manifest, ManifestAttachment, ManifestObject } from './manifest.ts'
import { findPinned, readPins } from './pin-tree.ts'
import { replaceObject } from './replace-object.ts'
import { isSameObject } from './same-object.ts'
import { detachPinned } from './unload-pinned.ts'
import { verdictOfName } from './verdict.ts'
import { defaultPriority } from './attach-program.ts'

/** Something that `up` did, or found as it should be. */
export interface Change {
  readonly action: 'loaded' | 'replaced' | 'attached' | 'detached' | 'unchanged'
  /** `flow`, or `flow/flow_ingress@eth0-ingress`. */
  readonly what: string
  readonly note?: string
}

export interface ApplyRequest extends AttachSurroundings {
  readonly manifest: Manifest
  /** Bytes of an object, by what the manifest calls it. */
  readonly readObject: (object: string) => Promise<Uint8Array>
}

/**
 * Makes the kernel match a manifest: loads what is missing, replaces what differs, attaches and detaches. Run again it
 * changes nothing. Objects that the manifest does not name are left alone.
 */
export async function applyManifest(backend: BpfBackend, request: ApplyRequest): Promise<readonly Change[]> {
  // All files first: nothing is changed for a manifest that cannot be fulfilled.
  const files = new Map<string, Uint8Array>()
  for (const { object } of request.manifest.objects) files.set(object, await request.readObject(object))
  const changes: Change[] = []
  for (const object of request.manifest.objects) {
    changes.push(...(await applyObject(backend, object, files.get(object.object)!, request)))
  }
  // Attachments after all loads, because their order may name programs of other objects.
  for (const object of request.manifest.objects)
    changes.push(...(await applyAttachments(backend, object, request)))
  return changes
}

async function applyObject(
  backend: BpfBackend,
  object: ManifestObject,
  bytes: Uint8Array,
  { root, chainFile, wait }: ApplyRequest,
): Promise<readonly Change[]> {
  const { name, globals, programs } = object
  const options: LoadOptions = {
    ...(globals === undefined ? {} : { globals }),
    ...(programs === undefined ? {} : { programs }),
  }
  const refused = (refusals: readonly { readonly program: string; readonly message: string }[]): object =>
    refusals.length === 0
      ? {}
      : { note: `refused: ${refusals.map(({ program, message }) => `${program}: ${message}`).join('; ')}` }
  if (!(await readPins(root)).some((pinned) => pinned.name === name)) {
    const { refusals } = await loadAndPin(backend, { root, name, object: bytes, options, chainFile })
    return [{ action: 'loaded', what: name, ...refused(refusals) }]
  }
  const pinned = await findPinned(root, name)
  using shared = isChainable(bytes) ? await openSharedMaps(backend, { root, chainFile }) : undefined
  const given = shared === undefined ? options : { ...options, maps: { ...shared } }
  using loaded = await backend.load(bytes, given)
  if (await isSameObject(backend, pinned, loaded, given)) return [{ action: 'unchanged', what: name }]
  if (loaded.programs.size === 0)
    throw new X0tError(
      'BPF_NOTHING_LOADED',
      `the kernel refused every program of ${name}; the old ones still run`,
      {
        hint: `x0t bpf verify ${object.object}`,
      },
    )
  const moved = await replaceObject(backend, { root, pinned, loaded, options: given, wait })
  return [
    {
      action: 'replaced',
      what: name,
      ...(moved.length === 0 ? refused(loaded.refusals) : { note: `while attached: ${moved.join(', ')}` }),
    },
  ]
}

async function applyAttachments(
  backend: BpfBackend,
  object: ManifestObject,
  request: ApplyRequest,
): Promise<readonly Change[]> {
  const { root, wait } = request
  const changes: Change[] = []
  const wanted = new Set<string>()
  for (const attachment of object.attach) {
    const { name, change } = await applyAttachment(backend, object, attachment, request)
    wanted.add(name)
    changes.push(change)
  }
  const pinned = await findPinned(root, object.name)
  for (const { name } of pinned.links) {
    if (wanted.has(name)) continue
    await detachPinned(backend, root, `${object.name}/${name}`)
    changes.push({ action: 'detached', what: `${object.name}/${name}` })
  }
  for (const program of pinned.programs) {
    using handle = await backend.openProgram({ pin: program.path })
    for (const { link, entries } of await readChains(backend, root)) {
      const name = `${program.name}${placeOfLink(link)}`
      if (wanted.has(name) || !entries.some(({ programId }) => programId === handle.id)) continue
      await removeFromChains(backend, { root, programIds: new Set([handle.id]), link, wait })
      changes.push({ action: 'detached', what: `${object.name}/${name}` })
    }
  }
  return changes
}

async function applyAttachment(
  backend: BpfBackend,
  object: ManifestObject,
  attachment: ManifestAttachment,
  request: ApplyRequest,
): Promise<{ readonly name: string; readonly change: Change }> {
  const { root } = request
  const { program: programName, before, after, priority, proceedOn, ...place } = attachment
  const program = await findPinnedProgram(root, `${object.name}/${programName}`)
  const info = await infoOf(backend, program)
  const name = linkName(
    programName,
    targetFor({ name: programName, type: info.type }, place),
    await foreignNamespace(),
  )
  const what = `${object.name}/${name}`
  const unchanged = { name, change: { action: 'unchanged', what } } as const
  const order = { before, after, priority, proceedOn }
  const chain = (await readChains(backend, root)).find(({ link }) => placeOfLink(link) === placeOfLink(name))
  const entry = chain?.entries.find(({ programId }) => programId === info.id)
  if (priority === undefined && proceedOn === undefined) {
    // In a chain too: another program may have joined it there.
    if (entry !== undefined || program.object.links.some((link) => link.name === name)) return unchanged
  } else {
    const verdicts = (proceedOn ?? ['pass'])
      .map((verdict) => verdictOfName('xdp', verdict))
      .toSorted((a, b) => a - b)
    if (entry?.priority === (priority ?? defaultPriority) && entry.proceedOn.join() === verdicts.join())
      return unchanged
  }
  await attachProgram(backend, program, { ...place, ...order }, request)
  return { name, change: { action: 'attached', what } }
}
