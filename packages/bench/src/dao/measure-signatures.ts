import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { recordIdOf } from '@x0t/dao'
import type { SampleBook } from '../result.ts'
import { runIsolated } from './isolated.ts'
import type { Progress } from './job.ts'
import { memberSeeds, signBallots } from './signing-pool.ts'

export interface SignatureOptions {
  readonly signed: number
  readonly rounds: number
  /** Worker threads, for signing and for the measurement beside that of one core. */
  readonly threads: number
  readonly folder: string
  readonly signal: AbortSignal
  readonly onProgress: Progress
}

/** Signs ballots of as many members, into a file that is gone with its folder, and has them verified. */
export async function measureSignatures(options: SignatureOptions, book: SampleBook): Promise<void> {
  const { signed, rounds, threads, folder, signal, onProgress } = options
  const path = join(folder, 'ballots')
  onProgress(`signing ${signed} ballots of as many members, with ${threads} threads`)
  {
    await using file = await open(path, 'wx', 0o600)
    // A signature holds or does not, whatever the DAO and the proposal that it names.
    const vote = { dao: recordIdOf(Buffer.from('genesis')), proposal: recordIdOf(Buffer.from('proposal')) }
    await signBallots({ seeds: memberSeeds(signed), vote, threads, signal, onProgress }, (answer) =>
      file.appendFile(answer),
    )
  }
  for (const over of new Set([1, threads])) {
    const job = { kind: 'verify', path, ballots: signed, rounds, threads: over } as const
    const { samplesMs, decodeMs = [], peakMiB } = await runIsolated(job, { signal, onProgress })
    const name = over === 1 ? `${signed}` : `${signed}/threads-${over}`
    if (over === 1) book.add(`decode/${signed}`, 'ms', ...decodeMs)
    book.add(`verify/${name}`, 'ms', ...samplesMs)
    book.add(`verify-rate/${name}`, 'records/s', ...samplesMs.map((ms) => (1000 * signed) / ms))
    book.add(`rss/verify/${name}`, 'MiB', peakMiB)
  }
}
