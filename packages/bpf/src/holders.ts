import { readdir, readFile } from 'node:fs/promises'

/** A process that has a program, map or link open. */
export interface Holder {
  readonly pid: number
  readonly command: string
}

interface Wanted {
  readonly kind: 'program' | 'map' | 'link'
  readonly id: number
}

const fieldOf = { program: 'prog_id', map: 'map_id', link: 'link_id' } as const

/**
 * Which processes hold these objects open, in the order of `wanted`: `/proc/PID/fdinfo` tells the id of what each
 * descriptor is. Processes that may not be looked at are passed over.
 */
export async function findHolders(
  wanted: readonly Wanted[],
  proc = '/proc',
): Promise<readonly (readonly Holder[])[]> {
  const found = wanted.map((): Holder[] => [])
  if (wanted.length === 0) return found
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const ids = await idsHeldBy(`${proc}/${pid}`)
    if (ids.size === 0) continue
    const command = (await readOrEmpty(`${proc}/${pid}/comm`)).trim()
    for (const [index, { kind, id }] of wanted.entries())
      if (ids.has(`${kind} ${id}`)) found[index]!.push({ pid: Number(pid), command })
  }
  return found
}

async function idsHeldBy(process: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (const descriptor of await namesOrNone(`${process}/fdinfo`)) {
    const text = await readOrEmpty(`${process}/fdinfo/${descriptor}`)
    // A link names its program too, but does not make the process a holder of that program's descriptor.
    const kind = /^link_id:/m.test(text) ? 'link' : /^map_id:/m.test(text) ? 'map' : 'program'
    const match = new RegExp(`^${fieldOf[kind]}:\\s*(\\d+)`, 'm').exec(text)
    if (match !== null) ids.add(`${kind} ${match[1]!}`)
  }
  return ids
}

async function namesOrNone(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => [])
}

async function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
