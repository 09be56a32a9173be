import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { hasCode } from '@x0t/core'
import { Attributes } from './attributes.ts'
import { Descriptor, readObjectInfo } from './descriptor.ts'

export type PinnedKind = 'map' | 'prog' | 'link'

/** Paths of pins by what is pinned. */
export interface Pins {
  of(kind: PinnedKind, id: number): readonly string[]
}

const maxEntries = 20_000

/** Pins in all BPF file systems that this process sees. */
export function findPins(): Pins {
  const paths = new Map<string, string[]>()
  for (const path of walk(mountsOf('bpf'))) {
    const found = identify(path)
    if (found === undefined) continue
    const list = paths.get(found) ?? []
    paths.set(found, list)
    list.push(path)
  }
  return { of: (kind, id) => paths.get(`${kind} ${id}`) ?? [] }
}

/** Mount points of a type of file system, of the mount namespace of this process. */
export function mountsOf(type: string): readonly string[] {
  // mountinfo: … mount-point options … - type source
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => ({ fields: line.split(' '), type: line.split(' - ')[1]?.split(' ')[0] }))
    .filter((mount) => mount.type === type)
    .map(({ fields }) =>
      (fields[4] ?? '').replaceAll(/\\(\d{3})/g, (_, octal: string) =>
        String.fromCharCode(parseInt(octal, 8)),
      ),
    )
  return [...new Set(mounts)]
}

function* walk(roots: readonly string[]): Generator<string> {
  const waiting = [...roots]
  let seen = 0
  for (const folder of waiting) {
    for (const entry of entriesOf(folder)) {
      if (++seen > maxEntries) return
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) waiting.push(path)
      else if (entry.isFile()) yield path
    }
  }
}

function entriesOf(folder: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(folder)
  } catch (error) {
    // Folders go, and others are not for us.
    if (hasCode(error, 'ENOENT') || hasCode(error, 'EACCES')) return []
    throw error
  }
}

function readEntries(folder: string) {
  return readdirSync(folder, { withFileTypes: true })
}

/** `map 5`, `prog 7`, `link 9`; undefined for what is no pin, or cannot be opened. */
function identify(path: string): string | undefined {
  const fd = openPin(path)
  if (fd < 0) return undefined
  using descriptor = new Descriptor(fd, path)
  const kind = kindOfDescriptor(descriptor.fd)
  return kind === undefined ? undefined : `${kind} ${readObjectInfo(fd).getUint32(4, true)}`
}

/** BPF_OBJ_GET. @returns a descriptor, or the negative error number */
export function openPin(path: string): number {
  return new Attributes(16).text(0, path).call('OBJ_GET')
}

/** What a descriptor of BPF is of. */
export function kindOfDescriptor(fd: number): PinnedKind | undefined {
  const target = readlinkSync(`/proc/self/fd/${fd}`)
  return /^anon_inode:\[?bpf[-_](map|prog|link)\]?$/.exec(target)?.[1] as PinnedKind | undefined
}
