import { createVerifier, decodeSigned } from '@x0t/dao'
import { readBallots, type StoredBallot } from './ballot-file.ts'
import type { Job, JobResult, Progress } from './job.ts'
import { peakMemoryMiB } from './peak-memory.ts'

/** Ballots that are in memory at one time. */
const atOnce = 5000

/**
 * Has every ballot of a file verified, as a node does with what comes from others: strict decoding and id in this thread,
 * both signatures here (`threads` 1) or over so many worker threads. Reading the file is not timed, nor is the start of
 * the threads: a first batch warms up.
 */
export async function runVerifyJob(
  { path, ballots, rounds, threads }: Extract<Job, { kind: 'verify' }>,
  onProgress: Progress,
): Promise<JobResult> {
  await using verifier = createVerifier({ threads: threads === 1 ? 0 : threads })
  const goodOnes = async (batch: readonly StoredBallot[]): Promise<number> => {
    const tasks = batch.map(({ keys, envelope }) => ({ signed: decodeSigned(envelope), keys }))
    return (await verifier.verify(tasks)).filter((isGood) => isGood).length
  }
  for (const batch of readBallots(path, Math.min(atOnce, ballots))) {
    await goodOnes(batch)
    break
  }
  const samplesMs: number[] = []
  for (let round = 1; round <= rounds; round++) {
    onProgress(`verify, ${threads === 1 ? 'one core' : `${threads} threads`}: round ${round} of ${rounds}`)
    let [ms, good] = [0, 0]
    for (const batch of readBallots(path, atOnce)) {
      const startMs = performance.now()
      good += await goodOnes(batch)
      ms += performance.now() - startMs
    }
    if (good !== ballots) throw new Error(`${good} of ${ballots} ballots have good signatures`)
    samplesMs.push(ms)
  }
  return { samplesMs, peakMiB: peakMemoryMiB() }
}
