import { X0tError } from '@x0t/core'
import { Attributes } from './attributes.ts'
import { checked, failure } from './bpf-failure.ts'
import type { BpfBackend, ObjectRef } from './contract.ts'
import { Descriptor } from './descriptor.ts'
import { listLinks, listMaps, listPrograms } from './kernel-lists.ts'
import { loadObject } from './load-object.ts'
import { adoptLink } from './native-link.ts'
import { adoptMap, type NativeMap } from './native-map.ts'
import { adoptProgram } from './native-program.ts'
import { kindOfDescriptor, openPin, type PinnedKind } from './pins.ts'
import { openSyscalls } from './syscalls.ts'
import type { Command } from './uapi.ts'

/**
 * The back end that calls bpf(2) itself, by node:ffi. All it does is done in the calling thread.
 * @throws X0tError BPF_UNSUPPORTED without node:ffi, or on another system than Linux on x64 or arm64
 */
export function openNativeBackend(): BpfBackend {
  openSyscalls()
  return {
    name: 'native',
    load: async (object, options) => loadObject(object, options),
    openMap: async (ref) => openNativeMap(ref),
    openProgram: async (ref) => adoptProgram(openObject(ref, 'prog')),
    openLink: async (ref) => adoptLink(openObject(ref, 'link')),
    listPrograms: async () => listPrograms(),
    listMaps: async () => listMaps(),
    listLinks: async () => listLinks(),
    enableStatistics,
  }
}

/**
 * Opens a map at once, also in a worker thread: by id, by pin, or by a descriptor that another thread of the process
 * has, which stays its own.
 * @throws X0tError BPF_OBJECT_NOT_FOUND, BPF_NOT_PERMITTED
 */
export function openNativeMap(ref: ObjectRef | { readonly fd: number }): NativeMap {
  if (!('fd' in ref)) return adoptMap(openObject(ref, 'map'))
  const own = checked(openSyscalls().duplicate(ref.fd), `descriptor ${ref.fd} could not be duplicated`)
  return adoptMap(expectKind(own, 'map', `descriptor ${ref.fd}`))
}

const byId: Readonly<Record<PinnedKind, Command>> = {
  map: 'MAP_GET_FD_BY_ID',
  prog: 'PROG_GET_FD_BY_ID',
  link: 'LINK_GET_FD_BY_ID',
}
const nouns: Readonly<Record<PinnedKind, string>> = { map: 'map', prog: 'program', link: 'link' }

/** @returns a descriptor of the caller's own */
function openObject(ref: ObjectRef, kind: PinnedKind): number {
  if ('id' in ref) {
    const fd = new Attributes(12).u32(0, ref.id).call(byId[kind])
    return checked(fd, `${nouns[kind]} ${ref.id} could not be opened`)
  }
  const fd = openPin(ref.pin)
  if (fd < 0) throw failure(`pin ${ref.pin} could not be opened`, fd)
  return expectKind(fd, kind, ref.pin)
}

/** The descriptor, if it is of this kind; closed otherwise. */
function expectKind(fd: number, kind: PinnedKind, name: string): number {
  const found = kindOfDescriptor(fd)
  if (found === kind) return fd
  openSyscalls().close(fd)
  const what = found === undefined ? 'something else' : `a ${nouns[found]}`
  throw new X0tError('BPF_OBJECT_NOT_FOUND', `${name} is ${what}, not a ${nouns[kind]}`)
}

const BPF_STATS_RUN_TIME = 0

/** Has the kernel count runs and their time, of all programs, as long as the descriptor is open. */
function enableStatistics(): Disposable {
  const fd = new Attributes(4).u32(0, BPF_STATS_RUN_TIME).call('ENABLE_STATS')
  return new Descriptor(checked(fd, 'statistics could not be turned on'), 'statistics')
}
