import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import { describeEnvironment } from '../environment.ts'
import type { Objective } from '../objective.ts'
import { makeReport, type Report } from '../report.ts'
import { sampleBook, type SampleBook } from '../result.ts'
import { runIsolated } from './isolated.ts'
import { measureSignatures } from './measure-signatures.ts'
import { tallyCaseNames } from './tally-cases.ts'

export interface DaoOptions {
  /** Ballots that are counted. */
  readonly ballots: number
  /** Balances with distinct roots in the ties; even. */
  readonly tie: number
  /** Ballots that are signed and verified; 0: none. */
  readonly signed: number
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
 * `near-tie/N` (missed by one base unit); `verify/N` (ms, reading and both signatures of every ballot, one core),
 * `verify-rate/N` (records/s), both with `/threads-T` over worker threads; `rss/…` (MiB, most that the process of the
 * measurement had).
 * @throws X0tError BENCH_OPTION_INVALID, BENCH_MEASUREMENT_FAILED
 */
export async function daoBench(options: DaoOptions): Promise<Report> {
  checkOptions(options)
  const {
    ballots,
    tie,
    signed,
    rounds,
    threads,
    seed,
    command,
    objectives,
    signal,
    onProgress = () => {},
  } = options
  const environment = await describeEnvironment(options.versions)
  const timestamp = new Date().toISOString()
  const book = sampleBook()
  await countBallots(options, book)
  if (signed > 0) {
    await using folder = await temporaryFolder()
    await measureSignatures({ signed, rounds, threads, folder: folder.path, signal, onProgress }, book)
  }
  return makeReport(
    {
      kind: 'dao',
      timestamp,
      environment,
      command,
      parameters: { ballots, tie, signed, rounds, threads, seed },
      results: book.results(),
      skipped: [],
      failed: [],
      notes: [
        'Every measurement has a process of its own, a round to warm up, and its outcome checked: a wrong count is no figure.',
        `tally: method quadratic-weight, balances up to 10^27 at random, a quorum of half of the weight, ${Math.floor(ballots / 4)} more members who do not vote; scores, shares, quorum and outcome, no signatures.`,
        'tie: half of the ballots √(4x), half √x, all different; two thirds are needed and met exactly. near-tie: one base unit less.',
        'verify: ballots of as many members, each with keys of its own (Ed25519 and ML-DSA-65, both must hold): strict decoding, id, signatures. Making and signing them is not timed, nor is reading the file that they come from.',
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

function checkOptions({ ballots, tie, signed, rounds, threads }: DaoOptions): void {
  const isCount = (value: number, most: number): boolean =>
    Number.isSafeInteger(value) && value >= 2 && value <= most
  const problem = !isCount(ballots, 1_000_000)
    ? `2 to 1000000 ballots are counted, not ${ballots}`
    : !isCount(tie, 100_000) || tie % 2 !== 0
      ? `a tie takes an even number of ballots from 2 to 100000, not ${tie}`
      : signed !== 0 && !isCount(signed, 1_000_000)
        ? `0 or 2 to 1000000 ballots are signed, not ${signed}`
        : !Number.isSafeInteger(rounds) || rounds < 1
          ? `rounds are counted from 1, not ${rounds}`
          : !Number.isSafeInteger(threads) || threads < 1 || threads > 256
            ? `1 to 256 threads verify, not ${threads}`
            : undefined
  if (problem !== undefined) throw new X0tError('BENCH_OPTION_INVALID', problem, { exitCode: 2 })
}
