import fc from 'fast-check'
import { hasCode } from '@x0t/core'
import t from 'tap'
import {
  chooseRows,
  eventDecoder,
  fieldOf,
  parseFilter,
  readRows,
  readVerifierReport,
  rowHintsOf,
  rowToJson,
  statisticsBetween,
  timePacket,
  type BpfMap,
  type BpfProgram,
  type BtfType,
  type BtfTypes,
  type MapRow,
  type ProgramInfo,
} from '../src/index.ts'

/** Types of `struct key { __be32 ip[4]; __u8 protocol; }` and `struct value { __u64 packets; __u64 seen_ns; }`. */
const list: readonly BtfType[] = [
  { kind: 'void' },
  { kind: 'int', name: '__u32', bytes: 4, bits: 32, bitOffset: 0, encoding: 'unsigned' },
  { kind: 'int', name: '__u64', bytes: 8, bits: 64, bitOffset: 0, encoding: 'unsigned' },
  { kind: 'int', name: '__u8', bytes: 1, bits: 8, bitOffset: 0, encoding: 'unsigned' },
  { kind: 'array', type: 7, count: 4 },
  {
    kind: 'struct',
    name: 'key',
    bytes: 20,
    members: [
      { name: 'ip', type: 4, bitOffset: 0, bitfieldBits: 0 },
      { name: 'protocol', type: 3, bitOffset: 128, bitfieldBits: 0 },
    ],
  },
  {
    kind: 'struct',
    name: 'value',
    bytes: 16,
    members: [
      { name: 'packets', type: 2, bitOffset: 0, bitfieldBits: 0 },
      { name: 'seen_ns', type: 2, bitOffset: 64, bitfieldBits: 0 },
    ],
  },
  { kind: 'typedef', name: '__be32', type: 1 },
]
const types: BtfTypes = { type: (id) => list[id] ?? { kind: 'unknown' }, count: list.length }

function u64(...values: readonly number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, BigInt).buffer)
}

function mapOf(
  type: string,
  entries: readonly (readonly [Uint8Array, Uint8Array])[],
  typed?: { readonly keyType: number; readonly valueType: number },
  sizes = { keyBytes: 20, valueBytes: 16 },
): BpfMap {
  return {
    spec: { name: 'm', type, ...sizes, maxEntries: 8, flags: 0 },
    types: () => (typed === undefined ? undefined : { types, ...typed }),
    entries: () => entries,
  } as Partial<BpfMap> as BpfMap
}

/** ::ffff:10.0.0.`last`, TCP. */
function key(last: number): Uint8Array {
  const bytes = new Uint8Array(20)
  bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last, 6])
  return bytes
}

const typed = { keyType: 5, valueType: 6 }
const hints = rowHintsOf(
  {
    metrics: [
      {
        name: 'a',
        type: 'gauge',
        help: '',
        map: 'm',
        value: 'seen_ns',
        combine: 'max',
        labels: { peer: { field: 'ip', form: 'ip' } },
      },
      { name: 'b', type: 'gauge', help: '', map: 'other', value: 'packets', combine: 'max' },
    ],
  },
  'm',
)

t.test('entries have the names and types of their BTF; addresses are text', async (t) => {
  const map = mapOf('hash', [[key(1), u64(7, 9)]], typed)
  t.strictSame(
    [...readRows(map)],
    [{ key: { ip: '10.0.0.1', protocol: 6 }, value: { packets: 7n, seen_ns: 9n } }],
  )
  t.strictSame([...readRows(map)].map(rowToJson), [
    { key: { ip: '10.0.0.1', protocol: 6 }, value: { packets: 7, seen_ns: 9 } },
  ])
})

t.test('values of CPUs are added up, or the greatest stands where a manifest says so', async (t) => {
  // Two CPUs: 1 and 2 packets, seen at 50 and 40.
  const map = mapOf('percpu_hash', [[key(1), u64(1, 50, 2, 40)]], typed)
  t.strictSame(
    [...readRows(map)].map(({ value }) => value),
    [{ packets: 3n, seen_ns: 90n }],
  )
  t.strictSame(
    [...readRows(map, { hints })].map(({ value }) => value),
    [{ packets: 3n, seen_ns: 50n }],
  )
  t.strictSame(
    [...readRows(map, { perCpu: true })].map(({ value }) => value),
    [
      [
        { packets: 1n, seen_ns: 50n },
        { packets: 2n, seen_ns: 40n },
      ],
    ],
  )
})

t.test('without BTF keys of arrays are numbers and all else is hexadecimal', async (t) => {
  const sizes = { keyBytes: 4, valueBytes: 2 }
  t.strictSame(
    [...readRows(mapOf('array', [[Uint8Array.of(3, 0, 0, 0), Uint8Array.of(1, 255)]], undefined, sizes))],
    [{ key: 3, value: '01ff' }],
  )
  t.strictSame(
    [...readRows(mapOf('hash', [[Uint8Array.of(3, 0, 0, 0), Uint8Array.of(1, 255)]], undefined, sizes))],
    [{ key: '03000000', value: '01ff' }],
  )
})

const rows: readonly MapRow[] = [
  { key: { peer: { port: 80 }, name: 'a' }, value: { packets: 5n, big: 2n ** 60n } },
  { key: { peer: { port: 443 }, name: 'b' }, value: { packets: 50n, big: 0n } },
  { key: { peer: { port: 22 }, name: 'c' }, value: { packets: 7n, big: 1n } },
]
const names = (filters: readonly string[], more: { top?: number; by?: string } = {}): unknown[] =>
  chooseRows(rows, { filters: filters.map(parseFilter), ...more }).map((row) => fieldOf(row, 'name'))

t.test('filters compare fields of values and keys, numbers as numbers and text as text', async (t) => {
  t.strictSame(names([]), ['a', 'b', 'c'])
  t.strictSame(names(['packets=7']), ['c'])
  t.strictSame(names(['packets!=7']), ['a', 'b'])
  t.strictSame(names(['packets>5', 'peer.port<100']), ['c'])
  t.strictSame(names(['packets>=5', 'packets<=7']), ['a', 'c'])
  t.strictSame(names(['key.name=b']), ['b'])
  t.strictSame(names(['name>a']), ['b', 'c'])
  t.strictSame(names(['value.big=0x1000000000000000']), ['a'], 'wide numbers are compared exactly')
  t.strictSame(names(['packets<many']), [], 'no number is above or below what is none')
  t.strictSame(names(['nothing=1']), [])
  t.strictSame(names(['peer={"port":22}']), ['c'])
  for (const text of ['packets', '=5', '', 'a b=1'])
    t.throws(() => parseFilter(text), { code: 'BPF_FILTER_INVALID' }, text)
})

t.test('the top entries are those with the greatest field, the greatest first', async (t) => {
  t.strictSame(names([], { top: 2, by: 'packets' }), ['b', 'c'])
  t.strictSame(names([], { by: 'peer.port' }), ['b', 'a', 'c'])
  t.strictSame(names([], { top: 1, by: 'big' }), ['a'])
  t.throws(() => names([], { top: 1, by: 'name' }), { code: 'BPF_FILTER_INVALID', hint: /"port":80/ })
  t.throws(() => names([], { top: 1 }), { code: 'BPF_FILTER_INVALID' }, 'a struct is no number')
  t.strictSame(chooseRows([], { top: 1 }), [])
  t.strictSame(
    chooseRows(
      [
        { key: 1, value: 4n },
        { key: 2, value: 9n },
      ],
      { top: 1 },
    ),
    [{ key: 2, value: 9n }],
  )
})

t.test('any filter text gives a filter that can be asked, or BPF_FILTER_INVALID', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .tuple(
            fc.constantFrom('packets', 'name', 'peer', 'key'),
            fc.constantFrom('=', '<', '>='),
            fc.string(),
          )
          .map((parts) => parts.join('')),
      ),
      (text) => {
        try {
          rows.forEach(parseFilter(text))
        } catch (error) {
          if (!hasCode(error, 'BPF_FILTER_INVALID')) throw error
        }
      },
    ),
    { seed: 3, numRuns: 500 },
  )
})

t.test('events are decoded as the struct of the name, and are hexadecimal without it', async (t) => {
  t.strictSame(
    eventDecoder(types, 'value')(u64(1, 2, 3)),
    { packets: 1n, seen_ns: 2n },
    'what is behind the struct is left out',
  )
  t.equal(eventDecoder(types, 'value')(Uint8Array.of(1)), '01')
  t.equal(eventDecoder(types, 'other')(Uint8Array.of(1)), '01')
  t.equal(eventDecoder(undefined, 'value')(Uint8Array.of(1)), '01')
  t.equal(eventDecoder(types, undefined)(Uint8Array.of(1)), '01')
})

t.test('the statistics of a verifier log are read, and missing ones are undefined', async (t) => {
  const log = `verification time 81 usec
stack depth 64+0+128
processed 129 insns (limit 1000000) max_states_per_insn 1 total_states 10 peak_states 9 mark_read 3`
  t.strictSame(readVerifierReport(log), {
    processedInstructions: 129,
    peakStates: 9,
    stackBytes: [64, 0, 128],
  })
  t.strictSame(readVerifierReport(''), {
    processedInstructions: undefined,
    peakStates: undefined,
    stackBytes: [],
  })
})

t.test('statistics are differences between two looks', async (t) => {
  const info = (id: number, runCount: number, runTimeNs: number): ProgramInfo =>
    ({ id, name: `p${id}`, type: 'xdp', runCount, runTimeNs }) as Partial<ProgramInfo> as ProgramInfo
  t.strictSame(
    statisticsBetween(
      [info(1, 10, 1000), info(2, 5, 5)],
      [info(1, 30, 2000), info(2, 5, 5), info(3, 9, 9)],
      500,
    ),
    [
      // 20 runs in half a second, 1000 ns in 500 ms of one CPU.
      { id: 1, name: 'p1', type: 'xdp', runs: 20, runsPerSecond: 40, nsPerRun: 50, cpuRatio: 0.000002 },
      { id: 2, name: 'p2', type: 'xdp', runs: 0, runsPerSecond: 0, nsPerRun: null, cpuRatio: 0 },
    ],
  )
})

t.test('a timing has the median and the spread of its samples', async (t) => {
  const durations = [0, 30, 10, 20]
  const repeats: unknown[] = []
  const program = {
    testRun(packet: Uint8Array, options?: { repeat?: number }) {
      repeats.push(options?.repeat)
      return { verdict: 1, packet, durationNs: durations.shift()! }
    },
  } as Partial<BpfProgram> as BpfProgram
  t.match(timePacket(program, Uint8Array.of(1), { samples: 3, repeat: 5000 }), {
    samplesNs: [30, 10, 20],
    medianNs: 20,
    minNs: 10,
    maxNs: 30,
    verdict: 1,
  })
  t.strictSame(repeats, [1000, 5000, 5000, 5000], 'the first run warms up and counts for nothing')
})
