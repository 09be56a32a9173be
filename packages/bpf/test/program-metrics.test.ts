import t from 'tap'
import { createCodec, readMetric, type BpfMap, type MetricContext, type ProgramMetric } from '@x0t/bpf'
import { TypeList } from './support/type-list.ts'

const types = new TypeList()
const u8 = types.int('__u8', 1)
const u32 = types.int('__u32', 4)
const u64 = types.int('__u64', 8)
const be32 = types.typedef('__be32', u32)
const peer = types.composite('struct', 'peer', 16, [['ip', types.array(be32, 4), 0]])
const flowKey = types.composite('struct', 'flow_key', 20, [
  ['peer', peer, 0],
  ['direction', u8, 16],
  ['protocol', u8, 17],
])
const traffic = types.composite('struct', 'flow_traffic', 16, [
  ['bytes', u64, 0],
  ['last_seen_ns', u64, 8],
])
const histogram = types.composite('struct', 'histogram', 40, [
  ['count', u64, 0],
  ['sum', u64, 8],
  ['buckets', types.array(u64, 3), 16],
])

/** A map of these entries; values of a list lie one after the other, as those of processors do. */
function mapOf(
  keyType: number,
  valueType: number,
  entries: readonly (readonly [unknown, readonly unknown[]])[],
): BpfMap {
  const key = createCodec(types, keyType)
  const value = createCodec(types, valueType)
  return {
    spec: {
      name: 'map',
      type: 'hash',
      keyBytes: key.bytes,
      valueBytes: value.bytes,
      maxEntries: 1,
      flags: 0,
    },
    types: () => ({ types, keyType, valueType }),
    entries: () =>
      entries.map(([one, values]) => {
        const bytes = Buffer.alloc(Math.ceil(value.bytes / 8) * 8 * values.length)
        values.forEach((item, cpu) => bytes.set(value.encode(item), cpu * Math.ceil(value.bytes / 8) * 8))
        return [key.encode(one), bytes] as const
      }),
  } as unknown as BpfMap
}

const context: MetricContext = { nowNs: 5_000_000_000n, kernelEnum: () => new Map() }
const about = { type: 'counter', help: 'what it is', map: 'map' } as const
const read = (metric: Partial<ProgramMetric>, map: BpfMap, given = context) =>
  readMetric({ name: 'x0t_test', ...about, ...metric }, map, given)

const ipv4 = { ip: [0, 0, 0xffff, 0xc0000201] }
const ipv6 = { ip: [0x20010db8, 0, 0, 1] }
const flows = mapOf(flowKey, traffic, [
  [
    { peer: ipv4, direction: 0, protocol: 6 },
    [
      { bytes: 10n, last_seen_ns: 1_000_000_000n },
      { bytes: 5n, last_seen_ns: 3_000_000_000n },
    ],
  ],
  [{ peer: ipv4, direction: 0, protocol: 17 }, [{ bytes: 1n, last_seen_ns: 2_000_000_000n }]],
  [{ peer: ipv6, direction: 1, protocol: 17 }, [{ bytes: 7n, last_seen_ns: 4_000_000_000n }]],
])

t.test('labels come from the key: addresses, names, and numbers that have none', async (t) => {
  const labels = {
    peer: { field: 'peer.ip', form: 'ip' },
    protocol: { field: 'protocol', names: { 6: 'tcp' } },
  } as const
  t.same(read({ value: 'bytes', labels }, flows), [
    { labels: { peer: '192.0.2.1', protocol: 'tcp' }, value: 15 },
    { labels: { peer: '192.0.2.1', protocol: '17' }, value: 1 },
    { labels: { peer: '2001:db8::1', protocol: '17' }, value: 7 },
  ])
})

t.test('entries and processors of equal labels become one', async (t) => {
  t.same(read({ value: 'bytes' }, flows), [{ labels: {}, value: 23 }])
})

t.test('an age counts from the latest of the times', async (t) => {
  const metric = { value: 'last_seen_ns', form: 'age', combine: 'max', unit: 1e-9 } as const
  t.same(read({ ...metric, where: { direction: 0 } }, flows), [{ labels: {}, value: 2 }])
})

t.test('only entries with the wanted key count', async (t) => {
  const map = mapOf(u32, u64, [
    [0, [3n]],
    [1, [4n]],
  ])
  t.same(read({ where: { '': 1 } }, map), [{ labels: {}, value: 4 }])
})

t.test('entries of an array that are not in use are left out where that is wanted', async (t) => {
  const map = mapOf(u32, u64, [
    [0, [0n]],
    [1, [4n]],
  ])
  const labels = { slot: {} }
  t.same(read({ labels, onlyNonZero: true }, map), [{ labels: { slot: '1' }, value: 4 }])
  t.same(read({ labels }, map).length, 2)
})

t.test('numbers get the names that the running kernel has for them', async (t) => {
  const map = mapOf(u32, u64, [
    [2, [1n]],
    [3, [1n]],
    [9, [1n]],
  ])
  const kernelEnum = (name: string) =>
    new Map(
      name === 'reasons'
        ? [
            [2, 'REASON_NO_SOCKET'],
            [3, 'OTHER'],
          ]
        : [],
    )
  const labels = { reason: { kernelEnum: 'reasons', prefix: 'REASON_' } }
  const names = read({ labels }, map, { ...context, kernelEnum }).map(({ labels }) => labels['reason'])
  t.same(names, ['no_socket', 'other', '9'])
})

t.test('buckets of a histogram add up, and the one without bound is left to the count', async (t) => {
  const map = mapOf(u32, histogram, [
    [
      0,
      [
        { count: 3n, sum: 6n, buckets: [1n, 1n, 1n] },
        { count: 1n, sum: 2n, buckets: [0n, 1n, 0n] },
      ],
    ],
  ])
  t.same(read({ type: 'histogram', unit: 0.5 }, map), [
    {
      labels: {},
      histogram: {
        count: 4,
        sum: 4,
        buckets: [
          { le: 0.5, count: 1 },
          { le: 1, count: 3 },
        ],
      },
    },
  ])
})

t.test('a metric that does not fit its map is a bug of the manifest', async (t) => {
  t.throws(() => read({ value: 'packets' }, flows), new TypeError('no field packets'))
  t.throws(() => read({ value: 'bytes.low' }, flows), new TypeError('no field bytes.low'))
  t.throws(() => read({}, flows), new TypeError('the value is no number'))
  t.throws(
    () => read({ value: 'bytes', labels: { x: { field: 'direction', form: 'ip' } } }, flows),
    TypeError,
  )
  const untyped = { ...flows, types: () => undefined }
  t.throws(() => read({ value: 'bytes' }, untyped), new TypeError('map map has no BTF'))
})
