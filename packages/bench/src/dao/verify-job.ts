import { createVerifier, decodeSigned, type VerifyTask } from '@x0t/dao'
import { readBallots, type StoredBallot } from './ballot-file.ts'
import type { Job, JobResult, Progress } from './job.ts'
import { peakMemoryMiB } from './peak-memory.ts'

/** Ballots that are in memory at one time. */
const atOnce = 5000

/**
 * Has every ballot of a file verified, as a node does with what comes from others: strict decoding and id in this thread,
 * then both signatures here (`threads` 1) or over so many worker threads, timed apart. Reading the file is not timed, nor
 * is the start of the threads: a first batch warms up.
 */
export async function runVerifyJob(
  { path, ballots, rounds, threads }: Extract<Job, { kind: 'verify' }>,
  onProgress: Progress,
): Promise<JobResult> {
  await using verifier = createVerifier({ threads: threads === 1 ? 0 : threads })
  const decoded = (batch: readonly StoredBallot[]): readonly VerifyTask[] =>
    batch.map(({ keys, envelope }) => ({ signed: decodeSigned(envelope), keys }))
  const goodOnes = async (tasks: readonly VerifyTask[]): Promise<number> =>
    (await verifier.verify(tasks)).filter((isGood) => isGood).length
  for (const batch of readBallots(path, Math.min(atOnce, ballots))) {
    await goodOnes(decoded(batch))
    break
  }
  const samplesMs: number[] = []
  const decodeMs: number[] = []
  for (let round = 1; round <= rounds; round++) {
    onProgress(`verify, ${threads === 1 ? 'one core' : `${threads} threads`}: round ${round} of ${rounds}`)
    let [ms, decodingMs, good] = [0, 0, 0]
    for (const batch of readBallots(path, atOnce)) {
      const startMs = performance.now()
      const tasks = decoded(batch)
      const decodedMs = performance.now()
      good += await goodOnes(tasks)
      decodingMs += decodedMs - startMs
      ms += performance.now() - decodedMs
    }
    if (good !== ballots) throw new Error(`${good} of ${ballots} ballots have good signatures`)
    samplesMs.push(ms)
    decodeMs.push(decodingMs)
  }
  return { samplesMs, decodeMs, peakMiB: peakMemoryMiB() }
}
