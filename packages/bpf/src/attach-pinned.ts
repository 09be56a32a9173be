import { readlink } from 'node:fs/promises'
import { hasCode, X0tError } from '@x0t/core'
import { linkName } from './attach-target.ts'
import type { AttachTarget, BpfBackend } from './contract.ts'
import { findPinned, pinPath, readPins, type Pin, type PinnedObject } from './pin-tree.ts'

/** A program of a loaded object: `flow/flow_ingress`, or `flow` where the object has one program. */
export interface PinnedProgram {
  readonly object: PinnedObject
  readonly program: Pin
}

/**
 * Finds a pinned program by `OBJECT/PROGRAM`, `OBJECT` where that has only one, or `PROGRAM` where only one is so named.
 * @throws X0tError BPF_NOT_LOADED, BPF_HALF_DONE, BPF_PROGRAM_NOT_FOUND
 */
export async function findPinnedProgram(root: string, reference: string): Promise<PinnedProgram> {
  const { object, pin } = await findPin(root, reference, 'programs')
  return { object, program: pin }
}

/** Finds a pinned map in the same way. @throws X0tError BPF_MAP_NOT_FOUND, … */
export async function findPinnedMap(
  root: string,
  reference: string,
): Promise<{ readonly object: PinnedObject; readonly map: Pin }> {
  const { object, pin } = await findPin(root, reference, 'maps')
  return { object, map: pin }
}

const notFound = { programs: 'BPF_PROGRAM_NOT_FOUND', maps: 'BPF_MAP_NOT_FOUND' } as const

async function findPin(
  root: string,
  reference: string,
  kind: 'programs' | 'maps',
): Promise<{ readonly object: PinnedObject; readonly pin: Pin }> {
  const slash = reference.indexOf('/')
  if (slash < 0) {
    const objects = (await readPins(root)).filter(({ state }) => state === 'loaded')
    const owners = objects.filter((object) => object[kind].some((pin) => pin.name === reference))
    if (owners.length === 1 && !objects.some((object) => object.name === reference))
      return findPin(root, `${owners[0]!.name}/${reference}`, kind)
  }
  const object = await findPinned(root, slash < 0 ? reference : reference.slice(0, slash))
  const name = slash < 0 ? undefined : reference.slice(slash + 1)
  const fits = object[kind].filter((pin) =>
    name === undefined ? !pin.name.startsWith('.') : pin.name === name,
  )
  if (fits.length === 1) return { object, pin: fits[0]! }
  const names = object[kind].map((pin) => `${object.name}/${pin.name}`).join(', ') || 'none'
  throw new X0tError(
    notFound[kind],
    name === undefined
      ? `${object.name} has ${fits.length} ${kind}; say which one`
      : `${object.name} has no ${kind.slice(0, -1)} ${name}`,
    { hint: `there are: ${names}`, exitCode: 2 },
  )
}

/** What an attachment is called and where it is pinned. */
export interface PinnedLink {
  readonly object: string
  readonly name: string
  readonly id: number
  readonly path: string
}

/**
 * Attaches a pinned program and pins the link. If this process dies in between, the kernel takes the attachment back.
 * @throws X0tError BPF_ALREADY_ATTACHED, and what the back end throws
 */
export async function attachPinned(
  backend: BpfBackend,
  { object, program }: PinnedProgram,
  target: AttachTarget,
): Promise<PinnedLink> {
  const name = linkName(program.name, target, await foreignNamespace())
  if (object.links.some((link) => link.name === name))
    throw new X0tError('BPF_ALREADY_ATTACHED', `${object.name}/${name} is attached already`, {
      hint: `x0t bpf detach ${object.name}/${name}`,
    })
  using handle = await backend.openProgram({ pin: program.path })
  using link = handle.attach(target)
  const path = pinPath(object.folder, 'links', name)
  link.pin(path)
  return { object: object.name, name, id: link.id, path }
}

/**
 * Inode of this process's network namespace where that is not the machine's: that of process 1 or, where that may not
 * be looked at, of the kernel's threads (process 2). Undefined where it is, or where neither tells.
 */
export async function foreignNamespace(proc = '/proc'): Promise<number | undefined> {
  const own = await namespaceOf(proc, 'self')
  const machine = (await namespaceOf(proc, '1')) ?? (await namespaceOf(proc, '2'))
  return machine === undefined || own === machine ? undefined : own
}

/** Inode of this process's network namespace. */
export async function ownNamespace(): Promise<number | undefined> {
  return namespaceOf('/proc', 'self')
}

async function namespaceOf(proc: string, pid: string): Promise<number | undefined> {
  try {
    return Number(/\d+/.exec(await readlink(`${proc}/${pid}/ns/net`))?.[0])
  } catch (error) {
    if (hasCode(error, 'EACCES') || hasCode(error, 'EPERM') || hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
