import { hasOutage, type TimelineRun } from '../picture/timeline-run.ts'
import type { Report } from '../report.ts'
import type { Result } from '../result.ts'

/** A file in one of the formats of the project's roadmap. */
export interface RoadmapFile {
  readonly name: string
  readonly text: string
}

/** `benchmark_<date>_<time>.json` of the roadmap. What was not measured is absent, never zero. */
export interface RoadmapSuite {
  readonly suite_name: string
  readonly timestamp: string
  readonly mttr_seconds?: number
  readonly latency_p50_ms?: number
  readonly latency_p95_ms?: number
  readonly latency_p99_ms?: number
  readonly throughput_mbps?: number
  readonly pqc_encrypt_latency_ms?: number
  readonly pqc_decrypt_latency_ms?: number
  readonly results: readonly RoadmapMetric[]
}

export interface RoadmapMetric {
  readonly metric_name: string
  /** The median. */
  readonly value: number
  readonly unit: string
  readonly timestamp: string
  readonly metadata: Readonly<Record<string, string | number>>
}

/** Recoveries from faults of one kind. */
export interface RoadmapMttr {
  readonly mttr_seconds: number
  readonly min_seconds: number
  readonly max_seconds: number
  readonly iterations: number
}

/** `mttr_benchmark_<date>.json` of the roadmap. A kind is absent where it was not measured, or not recovered from. */
export interface RoadmapMttrFile {
  readonly node_failure?: RoadmapMttr
  readonly link_failure?: RoadmapMttr
  readonly overall_mttr_seconds?: number
  readonly timestamp: string
  /** Injections that were not recovered from; absent where there were none. */
  readonly unrecovered?: number
}

const nodeFaults: readonly string[] = ['crash', 'freeze', 'node_failure', 'node-failure']
const linkFaults: readonly string[] = ['link-down', 'blackhole', 'one-way', 'link_failure', 'link-failure']

/**
 * The files of a report: the suite; recoveries where it has any; with `csv`, the rows `metric,value,unit,timestamp`.
 * They are of one system: x0t where it took part, else the first.
 */
export function roadmapFiles(
  report: Report,
  format: 'json' | 'csv' | 'both' = 'json',
): readonly RoadmapFile[] {
  const [date = '', time = ''] = report.timestamp.replaceAll(/[-:]/g, '').split(/[T.Z]/)
  const files: RoadmapFile[] = []
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
  const suite = roadmapSuite(report)
  if (format !== 'csv') files.push({ name: `benchmark_${date}_${time}.json`, text: json(suite) })
  if (format !== 'json') files.push({ name: `benchmark_${date}_${time}.csv`, text: csvOf(suite) })
  if (report.runs !== undefined && format !== 'csv')
    files.push({ name: `mttr_benchmark_${date}.json`, text: json(roadmapMttr(report)) })
  return files
}

/** A report as a suite of the roadmap. */
export function roadmapSuite(report: Report): RoadmapSuite {
  const { timestamp, results } = report
  const of = (name: RegExp): Result | undefined => results.find((one) => name.test(one.name))
  const latency = of(/^latency\//) ?? of(/^rtt-idle\/x0t$/)
  const throughput = of(/^tcp\/x0t$/) ?? of(/^received\//)
  // Times of the post-quantum KEM, in µs.
  const encapsulate = of(/^ml-kem-768-encapsulate\//)
  const decapsulate = of(/^ml-kem-768-decapsulate\//)
  return {
    suite_name: `x0t bench ${report.kind}`,
    timestamp,
    ...present('mttr_seconds', roadmapMttr(report).overall_mttr_seconds),
    ...present('latency_p50_ms', latency?.median),
    ...present('latency_p95_ms', latency?.p95),
    ...present('latency_p99_ms', latency?.p99),
    ...present('throughput_mbps', throughput?.median),
    ...present('pqc_encrypt_latency_ms', encapsulate && encapsulate.median / 1000),
    ...present('pqc_decrypt_latency_ms', decapsulate && decapsulate.median / 1000),
    results: results.map((result) => metricOf(result, timestamp)),
  }
}

/** The recoveries of a report, node and link failures apart. Times count from the injection. */
export function roadmapMttr({ runs = [], timestamp }: Report): RoadmapMttrFile {
  const system = runs.some((run) => run.system === 'x0t') ? 'x0t' : runs[0]?.system
  const mine = runs.filter((run) => run.system === system)
  const unrecovered = mine.filter(({ outcome }) => outcome === 'not-recovered').length
  const recoveries = recoverySeconds(mine)
  return {
    ...present('node_failure', summary(mine.filter(({ fault }) => nodeFaults.includes(fault)))),
    ...present('link_failure', summary(mine.filter(({ fault }) => linkFaults.includes(fault)))),
    ...present('overall_mttr_seconds', unrecovered > 0 ? undefined : mean(recoveries)),
    timestamp,
    ...present('unrecovered', unrecovered === 0 ? undefined : unrecovered),
  }
}

/** Nothing where a run was not recovered from: a mean of the others would flatter. */
function summary(runs: readonly TimelineRun[]): RoadmapMttr | undefined {
  const seconds = recoverySeconds(runs)
  const meanSeconds = mean(seconds)
  if (meanSeconds === undefined || runs.some(({ outcome }) => outcome === 'not-recovered')) return undefined
  return {
    mttr_seconds: meanSeconds,
    min_seconds: Math.min(...seconds),
    max_seconds: Math.max(...seconds),
    iterations: seconds.length,
  }
}

function recoverySeconds(runs: readonly TimelineRun[]): readonly number[] {
  return runs.flatMap((run) =>
    hasOutage(run) && run.recoveryMs !== undefined ? [run.recoveryMs / 1000] : [],
  )
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

function metricOf(
  { name, unit, samples, median, p95, p99, min, max }: Result,
  timestamp: string,
): RoadmapMetric {
  return {
    metric_name: name,
    value: median,
    unit,
    timestamp,
    metadata: { statistic: 'median', samples, min, max, ...present('p95', p95), ...present('p99', p99) },
  }
}

function csvOf({ results, timestamp }: RoadmapSuite): string {
  const rows = results.map(({ metric_name, value, unit }) => [metric_name, String(value), unit, timestamp])
  return `${[['metric', 'value', 'unit', 'timestamp'], ...rows].map((row) => row.map(csvField).join(',')).join('\n')}\n`
}

/** RFC 4180. */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A field that is there only if it was measured. */
function present<K extends string, V>(key: K, value: V | null | undefined): { readonly [key in K]?: V } {
  return value === null || value === undefined ? {} : ({ [key]: value } as { readonly [key in K]?: V })
}
