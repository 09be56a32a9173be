import { join } from 'node:path'
import { writeBundle } from '@x0t/dao'
import type { SampleBook } from '../result.ts'
import { runIsolated } from './isolated.ts'
import type { Progress } from './job.ts'
import { makeLargeDao } from './large-dao.ts'

export interface ImportOptions {
  /** Members; each has a ballot. */
  readonly imported: number
  readonly rounds: number
  readonly threads: number
  readonly folder: string
  readonly signal: AbortSignal
  readonly onProgress: Progress
}

/** Makes a bundle of a whole DAO, and has it kept and counted; what the bundle weighs goes to `notes`. */
export async function measureImport(options: ImportOptions, book: SampleBook): Promise<string> {
  const { imported, rounds, threads, folder, signal, onProgress } = options
  onProgress(`making a DAO of ${imported} members who all vote, with ${threads} threads`)
  const { registry, ballots } = await makeLargeDao({ members: imported, threads, signal, onProgress })
  const bundle = join(folder, 'bundle')
  const { records, bytes } = await writeBundle(bundle, [...registry, ...ballots])
  for (const kind of ['import', 'replay'] as const) {
    const job = { kind, bundle, records, ballots: imported, rounds, threads, folder }
    const { samplesMs, peakMiB } = await runIsolated(job, { signal, onProgress })
    book.add(`${kind}/${imported}`, 'ms', ...samplesMs)
    book.add(`rss/${kind}/${imported}`, 'MiB', peakMiB)
  }
  return (
    `import and replay: a bundle of a DAO of ${imported} members, ${records} signed records, ` +
    `${Math.round(bytes / 2 ** 20)} MiB. import: from the file into a new store of record (SQLite, on this disk). ` +
    `replay: from the file to the count, every signature verified over ${threads} threads.`
  )
}
