import { linksOf, type Bed } from '@x0t/testbed'
import { startHostProgram, type HostProgram } from '../host-program.ts'

/** What the program of a data plane is told. */
export interface PlaneJob {
  readonly self: string
  readonly neighbours: readonly { readonly host: string; readonly ipv4: string }[]
  readonly routes: readonly { readonly to: string; readonly via: string }[]
  /** Forward in the kernel, or do not start. */
  readonly fastPath: boolean
}

/** What it says once all neighbours answer its probes. */
export interface PlaneReply {
  readonly path: 'kernel' | 'userspace'
}

/** Starts data planes on all hosts of a chain, the relays with the fast path or without; they are up when this returns. */
export async function startPlanes(
  bed: Bed,
  { fastPath }: { readonly fastPath: boolean },
  stack: AsyncDisposableStack,
): Promise<ReadonlyMap<string, HostProgram>> {
  const names = bed.plan.hosts.map(({ name }) => name)
  const file = new URL('./plane-program.ts', import.meta.url)
  const planes = await Promise.all(
    names.map(async (self, at) => {
      const neighbours = linksOf(bed.plan, self).map(({ other }) => ({ host: other.host, ipv4: other.ipv4 }))
      const routes = names
        .filter((to) => to !== self)
        .map((to) => ({ to, via: names[names.indexOf(to) < at ? at - 1 : at + 1]! }))
      const isRelay = neighbours.length > 1
      const job: PlaneJob = { self, neighbours, routes, fastPath: fastPath && isRelay }
      const program = stack.use(await startHostProgram(bed, self, file, [JSON.stringify(job)]))
      return [self, program] as const
    }),
  )
  return new Map(planes)
}

/** MAC address of an interface. */
export async function macOf(bed: Bed, namespace: string, device: string): Promise<string> {
  const { stdout } = await bed.run(['ip', '-n', namespace, '-o', 'link', 'show', device])
  return parseMac(stdout)
}

/** @throws TypeError if the line of `ip -o link` shows no Ethernet address */
export function parseMac(line: string): string {
  const mac = /link\/ether ([0-9a-f:]{17})/.exec(line)?.[1]
  if (mac === undefined) throw new TypeError(`no address in ${line.slice(0, 100)}`)
  return mac
}
