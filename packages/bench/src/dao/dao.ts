import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import { describeEnvironment } from '../environment.ts'
import type { Objective } from '../objective.ts'
import { makeReport, type Report } from '../report.ts'
import { sampleBook, type SampleBook } from '../result.ts'
import { runIsolated } from './isolated.ts'
import { measureImport } from './measure-import.ts'
import { measureReplication, type ReplicationOptions } from './measure-replication.ts'
import { measureSignatures } from './measure-signatures.ts'
import { tallyCaseNames } from './tally-cases.ts'

export interface DaoOptions {
  /** Ballots that are counted. */
  readonly ballots: number
  /** Balances with distinct roots in the ties; even. */
  readonly tie: number
  /** Ballots that are signed and verified; 0: none. */
  readonly signed: number
  /** Members of the DAO that is imported from a bundle, each with a ballot; 0: none. */
  readonly imported: number
  /** Real nodes in a testbed that replicate ballots after a partition; absent: none. */
  readonly replication?: Omit<ReplicationOptions, 'threads' | 'onProgress' | 'signal'>
  /** Measured rounds of each; one more warms up. */
  readonly rounds: number
  /** Worker threads beside the measurement on one core. */
  readonly threads: number
  readonly seed: string
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly onProgress?: (text: string) => void
}

/**
 * Counts and verifies ballots by the hundred thousand. Results, N being the number that was measured: `tally/N` (ms, exact
 * count and outcome, without signatures), `tie/N` (ms, a threshold that is met exactly by N distinct square roots) and
 * `near-tie/N` (missed by one base unit);
 * `decode/N` (ms, strict decoding and id), `verify/N` (ms, both signatures of every ballot, one core),
 * `verify-rate/N` (records/s), both with `/threads-T` over worker threads; `import/N` (ms, a bundle of N members
 * and their ballots into a store of record) and `replay/N` (ms, from the bundle to the count, all signatures verified);
 * `replication/NxM` (ms, from the end of a partition until each of M nodes has all N ballots);
 * `rss/…` (MiB, most that the process of the measurement had).
 * @throws X0tError BENCH_OPTION_INVALID, BENCH_MEASUREMENT_FAILED; for replication TESTBED_NEEDS_ROOT and more
 */
export async function daoBench(options: DaoOptions): Promise<Report> {
  checkOptions(options)
  const { ballots, tie, signed, imported, rounds, threads, seed, command, objectives, signal } = options
  const { replication, onProgress = () => {} } = options
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  const book = sampleBook()
  const notes: string[] = []
  await countBallots(options, book)
  {
    await using folder = await temporaryFolder()
    const common = { rounds, threads, folder: folder.path, signal, onProgress }
    if (signed > 0) await measureSignatures({ ...common, signed }, book)
    if (imported > 0) notes.push(await measureImport({ ...common, imported }, book))
  }
  if (replication !== undefined) {
    await measureReplication({ ...replication, threads, signal, onProgress }, book)
    notes.push(
      `replication: a ring of ${replication.nodes} real nodes in network namespaces, cut in halves; each half gets half of ` +
        `the ${replication.ballots} ballots at one node. From the healing of the cut until every store of record has all.`,
    )
  }
  return makeReport(
    {
      kind: 'dao',
      timestamp,
      environment,
      command,
      parameters: { ballots, tie, signed, imported, rounds, threads, seed },
      results: book.results(),
      skipped: [],
      failed: [],
      notes: [
        'Every measurement has a process of its own, a round to warm up, and its outcome checked: a wrong count is no figure.',
        `tally: method quadratic-weight, balances up to 10^27 at random, a quorum of half of the weight, ${Math.floor(ballots / 4)} more members who do not vote; scores, shares, quorum and outcome, no signatures.`,
        'tie: half of the ballots √(4x), half √x, all different; two thirds are needed and met exactly. near-tie: one base unit less.',
        'verify: ballots of as many members, each with keys of its own (Ed25519 and ML-DSA-65, both must hold). decode is what their strict decoding and their ids take before that. Making and signing them is not timed, nor is reading the file that they come from.',
        ...notes,
        'rss: of the whole process, Node.js itself and the ballots in memory included.',
      ],
    },
    objectives,
  )
}

async function countBallots(options: DaoOptions, book: SampleBook): Promise<void> {
  const { ballots, tie, rounds, seed, signal, onProgress = () => {} } = options
  for (const name of tallyCaseNames) {
    const count = name === 'tally' ? ballots : tie
    const job = { kind: 'tally', name, ballots: count, rounds, seed } as const
    const { samplesMs, peakMiB } = await runIsolated(job, { signal, onProgress })
    book.add(`${name}/${count}`, 'ms', ...samplesMs)
    book.add(`rss/${name}/${count}`, 'MiB', peakMiB)
  }
}

/** A folder of this run, gone with it. */
async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'x0t-bench-dao-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

function checkOptions(options: DaoOptions): void {
  const { ballots, tie, signed, imported, rounds, threads, replication } = options
  const bounds: readonly (readonly [what: string, value: number, least: number, most: number])[] = [
    ['ballots', ballots, 2, 1_000_000],
    ['ballots of a tie', tie, 2, 100_000],
    ['signed ballots', signed, 0, 1_000_000],
    ['imported ballots', imported, 0, 100_000],
    ['replicated ballots', replication?.ballots ?? 2, 2, 100_000],
    ['nodes', replication?.nodes ?? 4, 4, 64],
    ['rounds', rounds, 1, 1000],
    ['threads', threads, 1, 256],
  ]
  const refuse = (found: string): X0tError => new X0tError('BENCH_OPTION_INVALID', found, { exitCode: 2 })
  for (const [what, value, least, most] of bounds)
    if (!Number.isSafeInteger(value) || value < least || value > most)
      throw refuse(`${what}: a whole number from ${least} to ${most} is needed, not ${value}`)
  if ((replication?.nodes ?? 4) % 2 !== 0)
    throw refuse(`the nodes are cut in halves: ${replication!.nodes} is odd`)
  if (tie % 2 !== 0) throw refuse(`half of the ballots of a tie are on each side: ${tie} is odd`)
}
