import { readdirSync, statSync } from 'node:fs'
import { uptime } from 'node:os'
import { hasCode } from '@x0t/core'
import { removedInterface } from './attach-target.ts'
import { Attributes } from './attributes.ts'
import { checked, failure } from './bpf-failure.ts'
import type { LinkInfo, MapInfo, ProgramInfo } from './contract.ts'
import { Descriptor, fixedText, readObjectInfo, setPointer } from './descriptor.ts'
import { nameOfKernelType } from './kernel-btf.ts'
import { mapSpecOf } from './native-map.ts'
import { OwnLinks } from './own-links.ts'
import { findPins, mountsOf, type Pins } from './pins.ts'
import { openSyscalls } from './syscalls.ts'
import { attachType, errno, linkTypes, programTypes, type Command } from './uapi.ts'

/** All programs of the kernel. @throws X0tError BPF_NOT_PERMITTED without CAP_SYS_ADMIN */
export function listPrograms(): readonly ProgramInfo[] {
  const pins = findPins()
  return each('PROG_GET_NEXT_ID', 'PROG_GET_FD_BY_ID', (fd) => programInfo(fd, pins))
}

/** All maps of the kernel. @throws X0tError BPF_NOT_PERMITTED without CAP_SYS_ADMIN */
export function listMaps(): readonly MapInfo[] {
  const pins = findPins()
  return each('MAP_GET_NEXT_ID', 'MAP_GET_FD_BY_ID', (fd) => {
    const info = readObjectInfo(fd)
    const id = info.getUint32(4, true)
    return { ...mapSpecOf(info), id, pins: pins.of('map', id) }
  })
}

/** All links of the kernel. @throws X0tError BPF_NOT_PERMITTED without CAP_SYS_ADMIN */
export function listLinks(): readonly LinkInfo[] {
  const pins = findPins()
  const cgroups = new CgroupPaths()
  const own = new OwnLinks()
  return each('LINK_GET_NEXT_ID', 'LINK_GET_FD_BY_ID', (fd) => {
    const info = readObjectInfo(fd)
    const id = info.getUint32(4, true)
    return {
      id,
      programId: info.getUint32(8, true),
      type: linkTypes[info.getUint32(0, true)] ?? `type ${info.getUint32(0, true)}`,
      target: targetOf(fd, info, cgroups, own),
      pins: pins.of('link', id),
    }
  })
}

function each<T>(next: Command, open: Command, read: (fd: number) => T): readonly T[] {
  const found: T[] = []
  for (let id = 0; ;) {
    const attributes = new Attributes(12).u32(0, id)
    const result = attributes.call(next)
    if (result === -errno.ENOENT) return found
    checked(result, 'what is loaded could not be listed')
    id = attributes.getU32(4)
    const fd = new Attributes(12).u32(0, id).call(open)
    // It may have gone since the kernel named it.
    if (fd === -errno.ENOENT) continue
    if (fd < 0) throw failure(`id ${id} could not be opened`, fd)
    using descriptor = new Descriptor(fd, `id ${id}`)
    found.push(read(descriptor.fd))
  }
}

/** struct bpf_prog_info */
function programInfo(fd: number, pins: Pins): ProgramInfo {
  const mapIds = new Uint32Array(readObjectInfo(fd).getUint32(52, true))
  const info = readObjectInfo(fd, (view) => {
    if (mapIds.length === 0) return
    view.setUint32(52, mapIds.length, true)
    setPointer(view, 56, mapIds)
  })
  const id = info.getUint32(4, true)
  const upMs = uptime() * 1000
  return {
    id,
    name: fixedText(info, 64, 16),
    type: programTypes[info.getUint32(0, true)] ?? `type ${info.getUint32(0, true)}`,
    tag: Buffer.from(info.buffer, 8, 8).toString('hex'),
    mapIds: [...mapIds],
    loadedAtMs: Math.round(Date.now() - upMs + Number(info.getBigUint64(40, true)) / 1e6),
    instructionBytes: info.getUint32(20, true),
    jitedBytes: info.getUint32(16, true),
    verifiedInstructions: info.getUint32(216, true),
    runCount: Number(info.getBigUint64(200, true)),
    runTimeNs: Number(info.getBigUint64(192, true)),
    pins: pins.of('prog', id),
  }
}

/** What a link is attached to, as people name it. */
function targetOf(fd: number, info: DataView, cgroups: CgroupPaths, own: OwnLinks): string {
  const first = info.getUint32(16, true)
  const second = info.getUint32(20, true)
  switch (linkTypes[info.getUint32(0, true)]) {
    case 'xdp':
      return interfaceNameOf(first, own.hasXdp(first, info.getUint32(8, true)))
    case 'tcx': {
      const direction = second === attachType.TCX_INGRESS ? 'ingress' : 'egress'
      return `${interfaceNameOf(first, own.hasTcx(first, second, info.getUint32(4, true)))} ${direction}`
    }
    case 'cgroup':
      return cgroups.of(info.getBigUint64(16, true))
    case 'tracing':
      return nameOfKernelType(info.getUint32(24, true))?.replace(/^btf_trace_/, '') ?? 'unknown'
    case 'raw_tracepoint':
      return tracepointNameOf(fd)
    case 'netns':
      return `network namespace ${first}`
    default:
      return ''
  }
}

function interfaceNameOf(index: number, isOwn: boolean): string {
  if (index === 0) return removedInterface
  const name = isOwn ? openSyscalls().interfaceName(index) : undefined
  return name ?? `interface ${index} of another network namespace`
}

function tracepointNameOf(fd: number): string {
  const name = new Uint8Array(128)
  readObjectInfo(fd, (view) => {
    setPointer(view, 16, name)
    view.setUint32(24, name.length, true)
  })
  return new TextDecoder('latin1').decode(name).split('\0', 1)[0]!
}

const maxCgroups = 10_000

/** Paths of cgroups by id, which is the inode of their folder. */
class CgroupPaths {
  #paths: Map<bigint, string> | undefined

  of(id: bigint): string {
    this.#paths ??= walkCgroups()
    return this.#paths.get(id) ?? `cgroup ${id}`
  }
}

function walkCgroups(): Map<bigint, string> {
  const paths = new Map<bigint, string>()
  const waiting = [...mountsOf('cgroup2')]
  for (const path of waiting) {
    if (paths.size >= maxCgroups) break
    try {
      paths.set(statSync(path, { bigint: true }).ino, path)
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.isDirectory()) waiting.push(`${path}/${entry.name}`)
      }
    } catch (error) {
      // Cgroups come and go.
      if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EACCES')) throw error
    }
  }
  return paths
}
