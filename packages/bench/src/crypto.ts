import type { CryptoBenchCase } from '@x0t/keys'
import { Bench } from 'tinybench'
import { describeEnvironment } from './environment.ts'
import type { Objective } from './objective.ts'
import { makeReport, type Report } from './report.ts'
import { sampleBook } from './result.ts'

export interface CryptoOptions {
  readonly cases: readonly CryptoBenchCase[]
  /** Samples are collected for this long per case, milliseconds. */
  readonly timeMs: number
  readonly objectives: readonly Objective[]
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly onProgress?: (text: string) => void
}

/** More samples than this of one operation are thinned out evenly, or a report would weigh megabytes. */
const mostSamples = 1000

/** Times each case with tinybench; results are called `<primitive>/<back end>`, in microseconds a call. */
export async function cryptoBench(options: CryptoOptions): Promise<Report> {
  const { cases, timeMs, objectives, command, versions, signal, onProgress = () => {} } = options
  const timestamp = new Date().toISOString()
  const environment = await describeEnvironment(versions)
  const book = sampleBook()
  for (const { primitive, backend, run } of cases) {
    signal.throwIfAborted()
    const name = `${primitive.replaceAll(' ', '-')}/${backend}`
    onProgress(name)
    const bench = new Bench({
      time: timeMs,
      warmupTime: timeMs / 4,
      retainSamples: true,
      throws: true,
      signal,
    })
    bench.add(name, run)
    const [task] = await bench.run()
    const samplesMs = task?.result.state === 'completed' ? (task.result.latency.samples ?? []) : []
    const stride = Math.ceil(samplesMs.length / mostSamples)
    book.add(name, 'µs', ...samplesMs.filter((_, at) => at % stride === 0).map((ms) => ms * 1000))
  }
  const notes = [
    'Time of one call, one thread, tinybench with warm-up; samples are sorted by time and thinned out evenly where ' +
      'there are more than a thousand.',
    'The first call after start is slower than these figures; other processors have other ratios.',
  ]
  return makeReport(
    {
      kind: 'crypto',
      timestamp,
      environment,
      command,
      parameters: { timeMs },
      results: book.results(),
      skipped: [],
      failed: [],
      notes,
    },
    objectives,
  )
}
