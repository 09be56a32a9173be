import t from 'tap'
import { X0tError } from '@x0t/core'
import type { BpfMap, MetricSample, PinnedObject, ProgramManifest } from '@x0t/bpf'
import { createMetrics } from '../src/metrics.ts'
import { programMetrics, type ProgramMetricsPorts } from '../src/program-metrics.ts'
import { formatProgramMetrics } from '../src/program-metrics-text.ts'

const counter = { name: 'x0t_drops_total', help: 'Packets dropped', type: 'counter' } as const

t.test('counters, gauges and histograms are written as Prometheus reads them', async (t) => {
  const histogram: MetricSample = {
    labels: { peer: '10.0.0.2' },
    histogram: {
      count: 5,
      sum: 0.25,
      buckets: [
        { le: 0.001, count: 2 },
        { le: 0.002, count: 4 },
      ],
    },
  }
  const text = formatProgramMetrics([
    { metric: counter, samples: [{ labels: { reason: 'no "socket"\\\n' }, value: 3 }] },
    { metric: { name: 'x0t_sessions', help: 'a\nb', type: 'gauge' }, samples: [{ labels: {}, value: 2 }] },
    { metric: { name: 'x0t_rtt_seconds', help: 'RTT', type: 'histogram' }, samples: [histogram] },
    { metric: { name: 'x0t_empty', help: 'none', type: 'counter' }, samples: [] },
  ])
  t.equal(
    text,
    [
      '# HELP x0t_drops_total Packets dropped',
      '# TYPE x0t_drops_total counter',
      'x0t_drops_total{reason="no \\"socket\\"\\\\\\n"} 3',
      '# HELP x0t_sessions a\\nb',
      '# TYPE x0t_sessions gauge',
      'x0t_sessions 2',
      '# HELP x0t_rtt_seconds RTT',
      '# TYPE x0t_rtt_seconds histogram',
      'x0t_rtt_seconds_bucket{peer="10.0.0.2",le="0.001"} 2',
      'x0t_rtt_seconds_bucket{peer="10.0.0.2",le="0.002"} 4',
      'x0t_rtt_seconds_bucket{peer="10.0.0.2",le="+Inf"} 5',
      'x0t_rtt_seconds_sum{peer="10.0.0.2"} 0.25',
      'x0t_rtt_seconds_count{peer="10.0.0.2"} 5',
      '',
    ].join('\n'),
  )
})

t.test('what two objects count of the same becomes one sample', async (t) => {
  const of = (value: number): MetricSample => ({ labels: { reason: 'a' }, value })
  const twice = (type: 'counter' | 'gauge'): string =>
    formatProgramMetrics([
      { metric: { ...counter, type }, samples: [of(3)] },
      { metric: { ...counter, type }, samples: [of(4), { labels: { reason: 'b' }, value: 1 }] },
    ])
  t.match(twice('counter'), /\{reason="a"\} 7\n.*\{reason="b"\} 1\n/)
  t.match(twice('gauge'), /\{reason="a"\} 4\n/)
  const histogram = (count: number): MetricSample => ({
    labels: {},
    histogram: { count, sum: count / 2, buckets: [{ le: 1, count }] },
  })
  const metric = { name: 'x0t_seconds', help: '', type: 'histogram' } as const
  const text = formatProgramMetrics([{ metric, samples: [histogram(2), histogram(3)] }])
  t.match(text, /_bucket\{le="1"\} 5\n.*_bucket\{le="\+Inf"\} 5\nx0t_seconds_sum 2.5\nx0t_seconds_count 5\n/)
})

const manifest: ProgramManifest = {
  summary: '',
  programs: { x0t_drop: 'tracepoint' },
  kernel: '5.17',
  capabilities: [],
  metrics: [
    { ...counter, map: 'x0t_drops' },
    { ...counter, name: 'x0t_absent', map: 'x0t_not_pinned' },
  ],
}
const pinned: PinnedObject = {
  name: 'mydrops',
  state: 'loaded',
  folder: '/pins/mydrops',
  programs: [{ name: 'x0t_drop', path: '/pins/mydrops/programs/x0t_drop' }],
  maps: [{ name: 'x0t_drops', path: '/pins/mydrops/maps/x0t_drops' }],
  links: [],
}
/** An array of one u64 that holds 42. */
const map = (onDispose: () => void): BpfMap =>
  ({
    spec: { name: 'x0t_drops', type: 'array', keyBytes: 4, valueBytes: 8, maxEntries: 1, flags: 0 },
    types: () => ({
      types: {
        type: (id: number) => {
          const bytes = id === 1 ? 4 : 8
          return { kind: 'int', name: 'number', bytes, bits: 8 * bytes, bitOffset: 0, encoding: 'unsigned' }
        },
      },
      keyType: 1,
      valueType: 2,
    }),
    entries: () => [[new Uint8Array(4), Uint8Array.of(42, 0, 0, 0, 0, 0, 0, 0)]],
    [Symbol.dispose]: onDispose,
  }) as unknown as BpfMap

function ports(
  more: Partial<ProgramMetricsPorts> = {},
): ProgramMetricsPorts & { warned: unknown[]; opened: string[] } {
  const [warned, opened] = [[] as unknown[], [] as string[]]
  return {
    warned,
    opened,
    readPins: async () => [pinned],
    readManifests: async () => ({ drops: manifest }),
    openBackend: async () => ({
      async openMap(ref) {
        opened.push(`open ${'pin' in ref ? ref.pin : ''}`)
        return map(() => void opened.push('closed'))
      },
    }),
    context: () => ({ nowNs: 0n, kernelEnum: () => new Map() }),
    log: { warn: (event, fields) => void warned.push([event, fields]) },
    ...more,
  }
}

t.test('maps of pinned objects are read, whatever the object is called, and closed', async (t) => {
  const given = ports()
  t.match(await programMetrics(given)(), /x0t_drops_total 42\n$/)
  t.strictSame(given.opened, ['open /pins/mydrops/maps/x0t_drops', 'closed'])
  t.strictSame(given.warned, [])
})

t.test('what is half loaded or not ours is passed over', async (t) => {
  const others: PinnedObject[] = [
    { ...pinned, state: 'loading' },
    { ...pinned, programs: [{ name: 'other', path: '' }] },
  ]
  t.equal(await programMetrics(ports({ readPins: async () => others }))(), '')
})

t.test('what cannot be read is told once, and the rest stays', async (t) => {
  const failing = ports({
    openBackend: () => Promise.reject(new X0tError('BPF_NOT_PERMITTED', 'no privilege')),
  })
  const read = programMetrics(failing)
  t.equal(await read(), '')
  t.equal(await read(), '')
  t.match(failing.warned, [['bpf-metrics-unread', { reason: /no privilege/ }]])
  t.equal(failing.warned.length, 1)

  let turn = 0
  const half = ports({
    readPins: async () => [pinned, { ...pinned, name: 'second' }],
    openBackend: async () => ({
      async openMap() {
        if (turn++ === 0) throw new Error('gone')
        return map(() => {})
      },
    }),
  })
  t.match(await programMetrics(half)(), /x0t_drops_total 42/)
  t.match(half.warned, [['bpf-metrics-unread', { object: 'mydrops', reason: 'gone' }]])
})

t.test('text of programs stands behind the metrics of the node', async (t) => {
  const metrics = createMetrics()
  metrics.addGauge({ name: 'x0t_one', help: 'one', read: () => 1 })
  metrics.addText(async () => '# TYPE x0t_two gauge\nx0t_two 2\n')
  t.match(await metrics.text(), /x0t_one 1\n[^]*x0t_two 2\n$/)
})
