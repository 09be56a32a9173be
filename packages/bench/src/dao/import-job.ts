import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createReplay, createVerifier, findGenesis, openRecordStore, readBundle, tallyOf } from '@x0t/dao'
import type { Job, JobResult, Progress } from './job.ts'
import { peakMemoryMiB } from './peak-memory.ts'

/** Records that are put before the next are read: a store writes those that wait together in one transaction. */
const atOnce = 1000

/**
 * Takes a bundle in: keeps it in a new store of record on this disk (`import`), or goes from the file to the count with
 * every signature verified (`replay`).
 */
export async function runImportJob(
  job: Extract<Job, { kind: 'import' | 'replay' }>,
  onProgress: Progress,
): Promise<JobResult> {
  const samplesMs: number[] = []
  for (let round = 1; round <= job.rounds; round++) {
    onProgress(`${job.kind}: round ${round} of ${job.rounds}`)
    globalThis.gc?.()
    const startMs = performance.now()
    const end = await (job.kind === 'import' ? keepBundle(job) : replayBundle(job))
    samplesMs.push(performance.now() - startMs)
    await end()
  }
  return { samplesMs, peakMiB: peakMemoryMiB() }
}

/** Bundle to store, each record kept on the disk. Returns how to clean up. */
async function keepBundle({ bundle, folder, records }: ImportJob): Promise<() => Promise<void>> {
  const path = join(folder, 'imported.sqlite')
  const store = await openRecordStore(path)
  let added = 0
  let waiting: Promise<boolean>[] = []
  const settle = async (): Promise<void> => {
    for (const isNew of await Promise.all(waiting)) if (isNew) added++
    waiting = []
  }
  for await (const record of readBundle(bundle)) {
    waiting.push(store.put(record))
    if (waiting.length >= atOnce) await settle()
  }
  await settle()
  if (added !== records) throw new Error(`${added} of ${records} records were kept`)
  return async () => {
    await store[Symbol.asyncDispose]()
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
  }
}

/** Bundle to count: every signature verified over the threads of the machine, the state made, the votes counted. */
async function replayBundle({ bundle, ballots, threads }: ImportJob): Promise<() => Promise<void>> {
  const records = await Array.fromAsync(readBundle(bundle))
  await using verifier = createVerifier({ threads: threads === 1 ? 0 : threads })
  const replay = createReplay(findGenesis(records))
  await replay.addAll(records, { verifier })
  const [view] = replay.state().proposals.values()
  const count = view === undefined ? 0 : tallyOf(view).turnout.members
  if (count !== ballots) throw new Error(`${count} of ${ballots} ballots count`)
  return async () => {}
}

type ImportJob = Extract<Job, { kind: 'import' | 'replay' }>
