import { tally } from '@x0t/dao'
import type { Job, JobResult, Progress } from './job.ts'
import { peakMemoryMiB } from './peak-memory.ts'
import { tallyCase } from './tally-cases.ts'
import { timedRounds } from './timed-rounds.ts'

/** Counts the same ballots again and again, and holds each outcome against the one that it must be. */
export async function runTallyJob(
  job: Extract<Job, { kind: 'tally' }>,
  onProgress: Progress,
): Promise<JobResult> {
  const { name, ballots, rounds, seed } = job
  onProgress(`${name}: making ${ballots} ballots`)
  const { input, outcome } = tallyCase(name, ballots, seed)
  const samplesMs = await timedRounds(rounds, onProgress, name, () => {
    const found = tally(input)
    if (found.outcome !== outcome) throw new Error(`the outcome is ${found.outcome}, it must be ${outcome}`)
  })
  return { samplesMs, peakMiB: peakMemoryMiB() }
}
