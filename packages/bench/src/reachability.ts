import { inNamespace, plannedHost, type Bed } from '@x0t/testbed'

/** Which hosts reach which over the mesh. */
export interface Reachability {
  readonly pairs: number
  /** Pairs `from>to` without an answer. */
  readonly unreachable: readonly string[]
}

/** Most pings at one time. */
const atOnce = 8

/** Pings every host from every other one over the overlay; a pair counts as reached if one of `tries` comes back. */
export async function reachability(bed: Bed, { tries = 3 } = {}): Promise<Reachability> {
  const addresses = new Map<string, string>()
  for (const { name } of bed.plan.hosts) {
    const address = (await bed.folder.process(name))?.details['overlayAddress']
    if (address !== undefined) addresses.set(name, address)
  }
  const names = bed.plan.hosts.map(({ name }) => name)
  const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => ({ from, to })))
  const unreachable: string[] = []
  const next = pairs.values()
  const worker = async (): Promise<void> => {
    for (const { from, to } of next) {
      const address = addresses.get(to)
      if (address === undefined || !(await reaches(bed, from, address, tries)))
        unreachable.push(`${from}>${to}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return { pairs: pairs.length, unreachable: unreachable.toSorted() }
}

async function reaches(bed: Bed, from: string, address: string, tries: number): Promise<boolean> {
  const { namespace } = plannedHost(bed.plan, from)
  for (let left = tries; left > 0; left--) {
    const ping = inNamespace(namespace, ['ping', '-n', '-c', '1', '-W', '1', address])
    const { exitCode } = await bed.run(ping, { allowFailure: true, signal: bed.signal })
    if (exitCode === 0) return true
  }
  return false
}
