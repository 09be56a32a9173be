import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import { memberKeysOf, openRecordStore, type MemberKeys, type SignedRecord } from '@x0t/dao'
import { readIdentityFile } from '@x0t/keys'
import {
  clearFaults,
  createBed,
  injectFault,
  parseShape,
  type Bed,
  type BedPortOptions,
  type RunnerSpec,
} from '@x0t/testbed'
import type { SampleBook } from '../result.ts'
import type { Progress } from './job.ts'
import { makeLargeDao } from './large-dao.ts'

export interface ReplicationOptions extends BedPortOptions {
  readonly ballots: number
  /** Nodes of a ring, even. */
  readonly nodes: number
  readonly rounds: number
  readonly threads: number
  readonly runner: RunnerSpec
  readonly runFolder: string
  readonly onProgress: Progress
}

/** Name of the testbed: its namespaces are x0t-dao-n0 and so on. */
const bedName = 'dao'
/** Every store is counted this often. */
const pollMs = 50
/** Nodes find a DAO in their home, and the records of others, within this. */
const withinMs = 300_000

/**
 * A ring of real nodes is cut in halves, each half gets half of the ballots, and the time is taken from the healing of
 * the cut until every node has all: result `replication/<ballots>x<nodes>` (ms).
 */
export async function measureReplication(options: ReplicationOptions, book: SampleBook): Promise<void> {
  const { ballots, nodes, rounds, onProgress } = options
  for (let round = 1; round <= rounds; round++) {
    onProgress(`replication, round ${round} of ${rounds}: starting ${nodes} nodes`)
    await using bed = await createBed({
      ...options,
      name: bedName,
      topology: parseShape(`ring:${nodes}`),
      onProgress: (up, of) => onProgress(`${up} of ${of} nodes are up`),
    })
    book.add(`replication/${ballots}x${nodes}`, 'ms', await replicateOnce(bed, options))
  }
}

async function replicateOnce(bed: Bed, options: ReplicationOptions): Promise<number> {
  const { ballots: count, threads, onProgress } = options
  const hosts = bed.plan.hosts.map(({ name }) => name)
  const nodeKeys = await Promise.all(hosts.map((host) => keysOf(homeOf(bed, host))))
  const dao = await makeLargeDao({ members: count, threads, signal: bed.signal, onProgress, nodes: nodeKeys })
  const kept = (which: string, at: readonly string[], needed: number): Promise<void> =>
    untilAllHave({ bed, hosts: at, needed, lane: `vote:${dao.proposal}`, which, onProgress })
  for (const host of hosts) await putAll(homeOf(bed, host), dao.registry)
  const half = hosts.length / 2
  const [left, right] = [hosts.slice(0, half), hosts.slice(half)]
  await injectFault(bed, `set:${left.join('+')}`, 'partition')
  const middle = Math.floor(count / 2)
  await putAll(homeOf(bed, left[0]!), dao.ballots.slice(0, middle))
  await putAll(homeOf(bed, right[0]!), dao.ballots.slice(middle))
  await kept('the left half', left, middle)
  await kept('the right half', right, count - middle)
  const startMs = performance.now()
  await clearFaults(bed)
  await kept('all nodes', hosts, count)
  return performance.now() - startMs
}

function homeOf(bed: Bed, host: string): string {
  return join(bed.folder.hostFolder(host), 'home')
}

async function keysOf(home: string): Promise<MemberKeys> {
  const { identity, masterSeed } = await readIdentityFile(join(home, 'identity.key'))
  masterSeed.fill(0)
  return memberKeysOf(identity)
}

/** Puts records into the store of record of a home, as `x0t dao import` does. */
async function putAll(home: string, records: readonly SignedRecord[]): Promise<void> {
  await using store = await openRecordStore(join(home, 'dao.sqlite'))
  await Promise.all(records.map((record) => store.put(record)))
}

interface Wait {
  readonly bed: Bed
  readonly hosts: readonly string[]
  readonly needed: number
  readonly lane: string
  readonly which: string
  readonly onProgress: Progress
}

async function untilAllHave({ bed, hosts, needed, lane, which, onProgress }: Wait): Promise<void> {
  const stores = hosts.map(
    (host) => new DatabaseSync(join(homeOf(bed, host), 'dao.sqlite'), { readOnly: true }),
  )
  try {
    const counts = stores.map((store) => store.prepare('SELECT count(*) AS n FROM records WHERE lane = ?'))
    const startMs = performance.now()
    let toldMs = startMs
    for (;;) {
      const found = counts.map((count) => Number(count.get(lane)?.['n']))
      if (found.every((n) => n >= needed)) return
      const nowMs = performance.now()
      if (nowMs - startMs > withinMs)
        throw new X0tError(
          'BENCH_MEASUREMENT_FAILED',
          `after ${withinMs / 1000} s ${which} have ${found.join(', ')} of ${needed} ballots`,
        )
      if (nowMs - toldMs > 5000) {
        toldMs = nowMs
        onProgress(`${which}: ${found.join(', ')} of ${needed}`)
      }
      await delay(pollMs, undefined, { signal: bed.signal })
    }
  } finally {
    for (const store of stores) store.close()
  }
}
