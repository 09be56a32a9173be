import type { MetricSample, ProgramMetric } from '@x0t/bpf'

/** A metric with what was read of it, of all objects that have it. */
export interface ReadMetric {
  readonly metric: Pick<ProgramMetric, 'name' | 'help' | 'type'>
  readonly samples: readonly MetricSample[]
}

/**
 * The text format of Prometheus 0.0.4. Several objects may have the same metric: samples with equal labels become one, the
 * sum of counters and histograms, the highest of gauges.
 */
export function formatProgramMetrics(metrics: readonly ReadMetric[]): string {
  const lines: string[] = []
  for (const [name, all] of Map.groupBy(metrics, ({ metric }) => metric.name)) {
    const { help, type } = all[0]!.metric
    const samples = merge(
      all.flatMap((one) => one.samples),
      type,
    )
    if (samples.length === 0) continue
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`)
    for (const sample of samples) lines.push(...linesOf(name, sample))
  }
  return lines.map((line) => `${line}\n`).join('')
}

function merge(samples: readonly MetricSample[], type: ProgramMetric['type']): readonly MetricSample[] {
  const found = new Map<string, MetricSample>()
  for (const sample of samples) {
    const key = labelsText(sample.labels)
    const before = found.get(key)
    found.set(key, before === undefined ? sample : join(before, sample, type))
  }
  return [...found.values()]
}

function join(one: MetricSample, other: MetricSample, type: ProgramMetric['type']): MetricSample {
  if ('value' in one && 'value' in other) {
    const value = type === 'gauge' ? Math.max(one.value, other.value) : one.value + other.value
    return { labels: one.labels, value }
  }
  if (!('histogram' in one && 'histogram' in other)) return one
  // Histograms of the same metric have the same bounds.
  const buckets = one.histogram.buckets.map(({ le, count }, at) => ({
    le,
    count: count + (other.histogram.buckets[at]?.count ?? 0),
  }))
  return {
    labels: one.labels,
    histogram: {
      count: one.histogram.count + other.histogram.count,
      sum: one.histogram.sum + other.histogram.sum,
      buckets,
    },
  }
}

function linesOf(name: string, sample: MetricSample): readonly string[] {
  if ('value' in sample) return [`${name}${labelsText(sample.labels)} ${sample.value}`]
  const { labels, histogram } = sample
  const bucket = (le: string, count: number): string =>
    `${name}_bucket${labelsText({ ...labels, le })} ${count}`
  return [
    ...histogram.buckets.map(({ le, count }) => bucket(String(le), count)),
    bucket('+Inf', histogram.count),
    `${name}_sum${labelsText(labels)} ${histogram.sum}`,
    `${name}_count${labelsText(labels)} ${histogram.count}`,
  ]
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
