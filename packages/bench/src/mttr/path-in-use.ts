import { X0tError } from '@x0t/core'
import { cableCounters, inNamespace, linksOf, type Bed, type NetworkPlan } from '@x0t/testbed'

/** Bytes that each host has sent to each neighbour so far, by `host>neighbour`. */
export type SentBytes = ReadonlyMap<string, number>

/**
 * Reads the counters of all interfaces of the bed, or of its cables: those count large frames only, so that probes every
 * fraction of a millisecond do not look like a stream.
 */
export async function readSentBytes(bed: Bed): Promise<SentBytes> {
  if (bed.plan.cables === 'bpf') {
    const counters = await cableCounters(bed)
    return new Map(counters.map(({ from, to, largeBytes }) => [`${from}>${to}`, largeBytes]))
  }
  const read = bed.plan.hosts.map(async ({ name, namespace }) => {
    const { stdout } = await bed.run(inNamespace(namespace, ['cat', '/proc/net/dev']))
    const bytes = parseSentBytes(stdout)
    return linksOf(bed.plan, name).map(
      ({ own, other }) => [`${name}>${other.host}`, bytes.get(own.interface) ?? 0] as const,
    )
  })
  return new Map((await Promise.all(read)).flat())
}

/** Bytes sent by interface, from /proc/net/dev (proc_pid_net(5)): after the name, the ninth figure. */
export function parseSentBytes(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [name, figures] = line.split(':')
    const sent = figures?.trim().split(/\s+/)[8]
    if (sent !== undefined) found.set(name!.trim(), Number(sent))
  }
  return found
}

export interface PathQuestion {
  readonly source: string
  readonly destination: string
  readonly before: SentBytes
  readonly after: SentBytes
  /** Bytes that the stream itself has sent meanwhile: a hop of its path has sent at least half of that. */
  readonly streamBytes: number
}

/**
 * The hosts that the stream passed from source to destination, by the counters of the interfaces; two or more lists
 * where it went over several paths at once.
 * @throws X0tError BENCH_PATH_UNKNOWN if the counters show no path
 */
export function pathsInUse(plan: NetworkPlan, question: PathQuestion): readonly (readonly string[])[] {
  const { source, destination, before, after, streamBytes } = question
  const sent = (from: string, to: string): number =>
    (after.get(`${from}>${to}`) ?? 0) - (before.get(`${from}>${to}`) ?? 0)
  const carries = (from: string): readonly string[] =>
    linksOf(plan, from)
      .map(({ other }) => other.host)
      .filter((to) => sent(from, to) >= streamBytes / 2)
      .toSorted((one, two) => sent(from, two) - sent(from, one))
  const follow = (path: readonly string[]): readonly string[] | undefined => {
    const at = path.at(-1)!
    if (at === destination) return path
    for (const next of carries(at)) {
      if (path.includes(next)) continue
      const whole = follow([...path, next])
      if (whole !== undefined) return whole
    }
    return undefined
  }
  const paths = carries(source)
    .map((first) => follow([source, first]))
    .filter((path) => path !== undefined)
  if (paths.length > 0) return paths
  const seen = [...after.keys()].map((name) => `${name} ${(after.get(name) ?? 0) - (before.get(name) ?? 0)}`)
  throw new X0tError(
    'BENCH_PATH_UNKNOWN',
    `the interfaces show no path from ${source} to ${destination} that carries the stream: ${seen.join(', ')} bytes`,
  )
}
