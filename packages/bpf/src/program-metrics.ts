import { formatIpv6 } from '@x0t/core'
import { isList, type BpfValue } from './bpf-value.ts'
import { createCodec, type Codec } from './codec.ts'
import type { BpfMap } from './contract.ts'
import type { MetricLabel, ProgramMetric } from './program-manifest.ts'

/** A histogram as Prometheus has it: each bucket counts all that is at most `le`. */
export interface MetricHistogram {
  readonly count: number
  readonly sum: number
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
}

/** A value of a metric with its labels. */
export type MetricSample =
  | { readonly labels: Readonly<Record<string, string>>; readonly value: number }
  | { readonly labels: Readonly<Record<string, string>>; readonly histogram: MetricHistogram }

export interface MetricContext {
  /** CLOCK_MONOTONIC, ns: `process.hrtime.bigint()`. */
  readonly nowNs: bigint
  /** Enumerators of an enum of the running kernel by value; none if it has no such enum. */
  readonly kernelEnum: (name: string) => ReadonlyMap<number, string>
}

/**
 * The values of a metric at this moment, read from its map by the types in the object's BTF.
 * @throws TypeError if the map has no such field, or no types
 */
export function readMetric(metric: ProgramMetric, map: BpfMap, context: MetricContext): MetricSample[] {
  const found = new Map<string, { readonly labels: Record<string, string>; readonly values: BpfValue[] }>()
  const wanted = Object.entries(metric.where ?? {})
  const { keyCodec, valueCodec } = codecsOf(map)
  for (const [keyBytes, valueBytes] of map.entries()) {
    const key = keyCodec.decode(keyBytes)
    if (!wanted.every(([path, value]) => numberAt(key, path) === value)) continue
    const labels = labelsOf(metric.labels ?? {}, key, context)
    const name = JSON.stringify(labels)
    const entry = found.get(name) ?? { labels, values: [] }
    found.set(name, entry)
    for (const value of perCpu(valueBytes, valueCodec)) entry.values.push(fieldAt(value, metric.value ?? ''))
  }
  const samples = [...found.values()].map(({ labels, values }): MetricSample => {
    if (metric.type === 'histogram') return { labels, histogram: histogramOf(values, metric) }
    return { labels, value: valueOf(values, metric, context) }
  })
  return metric.onlyNonZero === true
    ? samples.filter((sample) => !('value' in sample) || sample.value !== 0)
    : samples
}

function codecsOf(map: BpfMap): { readonly keyCodec: Codec; readonly valueCodec: Codec } {
  const types = map.types()
  if (types === undefined) throw new TypeError(`map ${map.spec.name} has no BTF`)
  return {
    keyCodec: createCodec(types.types, types.keyType),
    valueCodec: createCodec(types.types, types.valueType),
  }
}

/** Values of per-CPU maps lie one after the other, padded to 8 bytes. */
function* perCpu(bytes: Uint8Array, codec: Codec): Generator<BpfValue> {
  const stride = Math.ceil(codec.bytes / 8) * 8
  for (let at = 0; at + codec.bytes <= bytes.length; at += stride)
    yield codec.decode(bytes.subarray(at, at + codec.bytes))
}

function fieldAt(value: BpfValue, path: string): BpfValue {
  let at: BpfValue | undefined = value
  for (const name of path === '' ? [] : path.split('.')) {
    if (typeof at !== 'object' || isList(at)) throw new TypeError(`no field ${path}`)
    at = at[name]
    if (at === undefined) throw new TypeError(`no field ${path}`)
  }
  return at
}

function numberAt(value: BpfValue, path: string): number {
  const at = fieldAt(value, path)
  if (typeof at === 'number' || typeof at === 'bigint') return Number(at)
  throw new TypeError(`${path === '' ? 'the value' : path} is no number`)
}

function numbersAt(value: BpfValue, path: string): number[] {
  const at = fieldAt(value, path)
  if (!isList(at)) throw new TypeError(`${path} is no array`)
  return at.map((item) => numberAt(item, ''))
}

function labelsOf(
  labels: Readonly<Record<string, MetricLabel>>,
  key: BpfValue,
  context: MetricContext,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, label]) => {
      if (label.form === 'ip') return [name, formatMappedAddress(numbersAt(key, label.field ?? ''))]
      const number = numberAt(key, label.field ?? '')
      return [name, label.names?.[number] ?? kernelName(label, number, context) ?? String(number)]
    }),
  )
}

function kernelName(label: MetricLabel, number: number, context: MetricContext): string | undefined {
  if (label.kernelEnum === undefined) return undefined
  const name = context.kernelEnum(label.kernelEnum).get(number)
  const prefix = label.prefix ?? ''
  return (name?.startsWith(prefix) === true ? name.slice(prefix.length) : name)?.toLowerCase()
}

/** Text of four words in network order: `192.0.2.1` where they hold an IPv4 address, else IPv6. */
function formatMappedAddress(words: readonly number[]): string {
  const bytes = new Uint8Array(16)
  words.forEach((word, at) => new DataView(bytes.buffer).setUint32(at * 4, word))
  const isIpv4 = words[0] === 0 && words[1] === 0 && words[2] === 0xffff
  return isIpv4 ? bytes.subarray(12).join('.') : formatIpv6(bytes)
}

function valueOf(values: readonly BpfValue[], metric: ProgramMetric, context: MetricContext): number {
  const numbers = values.map((value) => numberAt(value, ''))
  const total =
    metric.combine === 'max' ? Math.max(...numbers) : numbers.reduce((sum, number) => sum + number, 0)
  return (metric.form === 'age' ? Number(context.nowNs) - total : total) * (metric.unit ?? 1)
}

function histogramOf(values: readonly BpfValue[], { unit = 1 }: ProgramMetric): MetricHistogram {
  const total = (path: string) => values.reduce<number>((sum, value) => sum + numberAt(value, path), 0)
  const byPower: number[] = []
  for (const value of values)
    numbersAt(value, 'buckets').forEach((count, power) => {
      byPower[power] = (byPower[power] ?? 0) + count
    })
  let cumulative = 0
  // The last bucket has no bound: `count` stands for it.
  const buckets = byPower.slice(0, -1).map((count, power) => {
    cumulative += count
    return { le: 2 ** power * unit, count: cumulative }
  })
  return { count: total('count'), sum: total('sum') * unit, buckets }
}
