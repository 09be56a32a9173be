import fc from 'fast-check'
import t from 'tap'
import { createCodec, perCpuCodec, toJson, type BpfValue } from '@x0t/bpf'
import { TypeList } from './support/type-list.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')
const invalid = (message: RegExp) => ({ code: 'BPF_VALUE_INVALID', message })

t.test('integers of every width are little-endian, two’s complement, and bigint from 64 bits on', (t) => {
  const types = new TypeList()
  const cases: readonly (readonly [number, boolean, BpfValue, string])[] = [
    [1, false, 255, 'ff'],
    [1, true, -1, 'ff'],
    [2, false, 0x1234, '3412'],
    [2, true, -2, 'feff'],
    [4, false, 0xffffffff, 'ffffffff'],
    [4, true, -2147483648, '00000080'],
    [8, false, 2n ** 64n - 1n, 'ffffffffffffffff'],
    [8, true, -2n, 'feffffffffffffff'],
    [8, false, 1n, '0100000000000000'],
    [16, false, 2n ** 127n, `${'00'.repeat(15)}80`],
    [16, true, -(2n ** 127n), `${'00'.repeat(15)}80`],
  ]
  for (const [bytes, signed, value, expected] of cases) {
    const codec = createCodec(types, types.int('x', bytes, signed ? 'signed' : 'unsigned'))
    t.equal(codec.bytes, bytes)
    t.equal(hex(codec.encode(value)), expected)
    t.equal(codec.decode(bytesOf(expected)), value)
  }
  t.end()
})

t.test('an integer takes numbers, bigints, decimal and 0x text, and nothing that does not fit', (t) => {
  const types = new TypeList()
  const u16 = createCodec(types, types.int('u16', 2), { name: 'port' })
  for (const given of [443, 443n, '443', '0x1bb']) t.equal(hex(u16.encode(given)), 'bb01')
  for (const given of [
    -1,
    65536,
    1.5,
    Number.NaN,
    '',
    ' 1',
    '1e3',
    '1n',
    true,
    null,
    undefined,
    [],
    {},
    2n ** 80n,
  ])
    t.throws(() => u16.encode(given), invalid(/^port: .* is not a whole number of 16 bits, unsigned$/))
  const s8 = createCodec(types, types.int('s8', 1, 'signed'))
  t.equal(hex(s8.encode('-128')), '80')
  t.throws(() => s8.encode(128), invalid(/8 bits, signed/))
  t.throws(() => s8.encode(() => 1), invalid(/function is not/))
  t.throws(() => u16.decode(new Uint8Array(3)), invalid(/port: 3 bytes, but its type has 2/))
  t.throws(() => u16.encode(1, new Uint8Array(1)), invalid(/1 bytes/))
  t.throws(() => u16.encode('x'.repeat(500)), invalid(/…/))
  t.end()
})

t.test('a bool is true for every byte but 0 and takes what a command line gives', (t) => {
  const types = new TypeList()
  const bool = createCodec(types, types.int('_Bool', 1, 'bool'))
  t.equal(bool.decode(bytesOf('00')), false)
  t.equal(bool.decode(bytesOf('02')), true)
  for (const yes of [true, 1, 1n, 'true', '1']) t.equal(hex(bool.encode(yes)), '01')
  for (const no of [false, 0, 0n, 'false', '0']) t.equal(hex(bool.encode(no)), '00')
  for (const neither of [2, 'yes', null]) t.throws(() => bool.encode(neither), invalid(/true or false/))
  t.end()
})

t.test('float and double follow IEEE 754', (t) => {
  const types = new TypeList()
  const float = createCodec(types, types.add({ kind: 'float', name: 'float', bytes: 4 }))
  const double = createCodec(types, types.add({ kind: 'float', name: 'double', bytes: 8 }))
  t.equal(hex(float.encode(1)), '0000803f')
  t.equal(hex(double.encode('-0.5')), '000000000000e0bf')
  t.ok(Number.isNaN(double.decode(double.encode('NaN'))))
  t.same([double.decode(double.encode('-0')), toJson(-0), toJson(Infinity)], [-0, '-0', 'Infinity'])
  for (const wrong of ['', 'one', true, 1n]) t.throws(() => double.encode(wrong), invalid(/a number/))
  t.throws(() => createCodec(types, types.add({ kind: 'float', name: 'long double', bytes: 16 })), {
    code: 'BPF_TYPE_UNSUPPORTED',
  })
  t.end()
})

t.test('an enumerator has its first name, an unnamed number stays one', (t) => {
  const types = new TypeList()
  const verdict = createCodec(types, types.enum('verdict', 4, { PASS: 2n, OK: 2n, DROP: 1n }))
  t.equal(verdict.decode(bytesOf('02000000')), 'PASS')
  t.equal(verdict.decode(bytesOf('09000000')), 9)
  t.equal(hex(verdict.encode('OK')), '02000000')
  t.equal(hex(verdict.encode('7')), '07000000')
  t.throws(
    () => verdict.encode('MAYBE'),
    invalid(/"MAYBE" is not an enumerator of verdict \(PASS, OK, DROP\)/),
  )
  const wide = createCodec(types, types.enum('', 8, { LOW: -(2n ** 63n), TOP: 2n ** 63n - 1n }, true))
  t.equal(wide.decode(bytesOf('00 00 00 00 00 00 00 80')), 'LOW')
  t.equal(wide.decode(bytesOf('05 00 00 00 00 00 00 00')), 5n)
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`E${index}`, BigInt(index)]))
  t.throws(() => createCodec(types, types.enum('big', 4, many)).encode('E9'), invalid(/E5, …/))
  t.end()
})

t.test('fields of type __be16, __be32, __be64 are in network order, also behind other typedefs', (t) => {
  const types = new TypeList()
  const be16 = types.typedef('__be16', types.typedef('__u16', types.int('unsigned short', 2)))
  const port = createCodec(types, types.typedef('port_t', types.add({ kind: 'const', type: be16 })))
  t.equal(hex(port.encode(443)), '01bb')
  t.equal(port.decode(bytesOf('01bb')), 443)
  const be64 = createCodec(types, types.typedef('__be64', types.int('u64', 8)))
  t.equal(be64.decode(bytesOf('0000000000000102')), 0x102n)
  const odd = createCodec(types, types.typedef('__be32', types.int('u64', 8)))
  t.equal(odd.bytes, 8, 'a typedef of that name and another size is not the kernel’s')
  t.end()
})

t.test('char[] is text where it is printable and ends in NULs, else its numbers', (t) => {
  const types = new TypeList()
  const codec = createCodec(types, types.array(types.int('char', 1, 'signed'), 4), { name: 'comm' })
  t.equal(codec.decode(bytesOf('68 69 00 00')), 'hi')
  t.equal(codec.decode(bytesOf('c3 a9 00 00')), 'é')
  t.equal(codec.decode(bytesOf('66 6f 75 72')), 'four')
  t.equal(codec.decode(bytesOf('00 00 00 00')), '')
  t.same(codec.decode(bytesOf('68 00 69 00')), [104, 0, 105, 0])
  t.same(codec.decode(bytesOf('ff 00 00 00')), [-1, 0, 0, 0], 'no UTF-8')
  t.same(codec.decode(bytesOf('1b 5b 00 00')), [27, 91, 0, 0], 'an escape would reach the terminal')
  t.equal(hex(codec.encode('é')), 'c3a90000')
  t.equal(hex(codec.encode([-1, 0, 1, 2])), 'ff000102')
  t.equal(hex(codec.encode('a', bytesOf('ffffffff'))), '61000000', 'nothing of the old text stays')
  for (const wrong of ['fives', 'a\0b', '\ud800'])
    t.throws(() => codec.encode(wrong), invalid(/comm: .* is not text of at most 4 bytes without NUL/))
  t.throws(() => codec.encode([1, 2]), invalid(/a list of 4 elements/))
  t.end()
})

/** struct { u8 kind; (3 bytes of padding) u32 count; u8 mac[6]; (2 bytes) } as C lays it out: 16 bytes. */
function flowTypes() {
  const types = new TypeList()
  const u8 = types.int('__u8', 1)
  const u32 = types.int('__u32', 4)
  const flow = types.composite('struct', 'flow', 16, [
    ['kind', u8, 0],
    ['count', u32, 4],
    ['mac', types.array(u8, 6), 8],
  ])
  return { types, u8, u32, flow }
}

t.test('a struct is its fields; padding is zero, and kept on top of something', (t) => {
  const { types, flow } = flowTypes()
  const codec = createCodec(types, flow, { name: 'flow' })
  const value = { kind: 3, count: 258, mac: [2, 0, 0, 0, 0, 1] }
  t.equal(hex(codec.encode(value)), '03000000020100000200000000010000')
  t.strictSame(codec.decode(codec.encode(value)), value)
  const base = bytesOf('ff'.repeat(16))
  t.equal(hex(codec.encode({ count: 1 }, base)), 'ffffffff01000000ffffffffffffffff')
  t.equal(hex(base), 'ff'.repeat(16), 'the base itself is not written to')
  t.throws(
    () => codec.encode({ kind: 1, count: 1 }),
    invalid(/^flow\.mac: nothing is not a value for this field$/),
  )
  t.throws(
    () => codec.encode({ ...value, bytes: 1 }),
    invalid(/flow\.bytes: 1 is not a field of struct flow: kind, count, mac/),
  )
  t.throws(() => codec.encode({ ...value, mac: [2, 0, 0, 0, 0, 256] }), invalid(/^flow\.mac\[5\]: 256/))
  for (const wrong of [null, 1, 'x', [], undefined])
    t.throws(() => codec.encode(wrong), invalid(/is not an object with the fields of struct flow/))
  t.throws(() => codec.encode(JSON.parse('{"__proto__": 1}')), invalid(/__proto__/))
  t.end()
})

t.test('fields named like those of Object.prototype are ordinary', (t) => {
  const types = new TypeList()
  const u8 = types.int('u8', 1)
  const codec = createCodec(
    types,
    types.composite('struct', 's', 2, [
      ['__proto__', u8, 0],
      ['constructor', u8, 1],
    ]),
  )
  const value = codec.decode(bytesOf('0102'))
  t.same(Object.entries(value), [
    ['__proto__', 1],
    ['constructor', 2],
  ])
  t.equal(hex(codec.encode(value)), '0102')
  t.throws(() => codec.encode({ ['__proto__']: 1 }), invalid(/constructor: nothing/))
  t.end()
})

t.test('bitfields share bytes without touching each other', (t) => {
  const types = new TypeList()
  const u32 = types.int('unsigned int', 4)
  const s32 = types.int('int', 4, 'signed')
  const bool = types.int('_Bool', 1, 'bool')
  const mode = types.enum('mode', 4, { OFF: 0n, ON: 1n, AUTO: 2n })
  const u64 = types.int('u64', 8)
  const codec = createCodec(
    types,
    types.composite('struct', 'bits', 16, [
      ['low', u32, 0, 3],
      ['delta', s32, 3, 6],
      ['flag', bool, 9, 1],
      ['mode', mode, 10, 2],
      ['wide', u64, 64, 60],
    ]),
  )
  // low 5 = 101, delta -1 = 111111 << 3, flag << 9, mode 2 << 10: 5 + 504 + 512 + 2048 = 3069 = 0x0bfd
  const value = { low: 5, delta: -1, flag: true, mode: 'AUTO', wide: 2n ** 60n - 1n }
  t.equal(hex(codec.encode(value)), 'fd0b000000000000ffffffffffffff0f')
  t.strictSame(codec.decode(codec.encode(value)), value)
  t.equal(hex(codec.encode({ delta: 0 }, codec.encode(value))), '050a000000000000ffffffffffffff0f')
  t.throws(
    () => codec.encode({ ...value, low: 8 }),
    invalid(/low: 8 is not a whole number of 3 bits, unsigned/),
  )
  t.throws(() => codec.encode({ ...value, delta: 32 }), invalid(/6 bits, signed/))
  t.throws(() => codec.encode({ ...value, flag: 'no' }), invalid(/flag/))
  t.throws(() => codec.encode({ ...value, mode: 'HALF' }), invalid(/mode/))
  t.equal(hex(codec.encode({ ...value, mode: 3, flag: 0 })).slice(0, 4), 'fd0d')
  t.end()
})

t.test('bitfields of old compilers, in the integer type itself, read the same', (t) => {
  const types = new TypeList()
  const narrow = types.add({ kind: 'int', name: 'u', bytes: 4, bits: 3, bitOffset: 2, encoding: 'unsigned' })
  const codec = createCodec(types, types.composite('struct', 's', 4, [['x', narrow, 0]]))
  t.same(codec.decode(bytesOf('14000000')), { x: 5 })
  t.equal(hex(codec.encode({ x: 7 })), '1c000000')
  t.end()
})

t.test('a union is read as all its members and written from those that agree', (t) => {
  const types = new TypeList()
  const u8 = types.int('u8', 1)
  const u32 = types.int('u32', 4)
  const address = types.composite('union', '', 8, [
    ['v4', u32, 0],
    ['v8', types.array(u8, 8), 0],
  ])
  const codec = createCodec(
    types,
    types.composite('struct', 'peer', 12, [
      ['', address, 0],
      ['port', u32, 8],
    ]),
    { name: 'peer' },
  )
  t.same(codec.decode(bytesOf('01000000 02000000 05000000')), {
    v4: 1,
    v8: [1, 0, 0, 0, 2, 0, 0, 0],
    port: 5,
  })
  t.equal(hex(codec.encode({ v4: 1, port: 5 })), '010000000000000005000000')
  t.equal(hex(codec.encode({ v4: 1, v8: [1, 0, 0, 0, 2, 0, 0, 0], port: 5 })), '010000000200000005000000')
  t.equal(hex(codec.encode({ v4: 9 }, bytesOf('01000000 02000000 05000000'))), '090000000200000005000000')
  t.throws(
    () => codec.encode({ v4: 2, v8: [1, 0, 0, 0, 0, 0, 0, 0], port: 5 }),
    invalid(/peer.*v4: 2 is not what the other members/),
  )
  t.throws(() => codec.encode({ port: 5 }), invalid(/v4,v8/))
  const named = createCodec(types, types.composite('struct', 'n', 8, [['address', address, 0]]))
  t.throws(() => named.encode({ address: {} }), invalid(/one of v4, v8/))
  t.equal(hex(named.encode({ address: {} }, bytesOf('0102030405060708'))), '0102030405060708')
  t.end()
})

t.test('locks and timers are the kernel’s: left out, written as zero, kept on top', (t) => {
  const types = new TypeList()
  const u32 = types.int('u32', 4)
  const lock = types.composite('struct', 'bpf_spin_lock', 4, [['val', u32, 0]])
  const anonymous = types.composite('struct', '', 4, [['lock', lock, 0]])
  const codec = createCodec(
    types,
    types.composite('struct', 'w', 12, [
      ['lock', lock, 0],
      ['top', u32, 4],
      ['', anonymous, 8],
    ]),
  )
  t.same(codec.decode(bytesOf('ffffffff 01000000 ffffffff')), { top: 1 })
  t.equal(hex(codec.encode({ top: 2 })), '000000000200000000000000')
  t.end()
})

t.test('addresses are text where type and name say so and text is asked for', (t) => {
  const types = new TypeList()
  const u8 = types.int('__u8', 1)
  const u32 = types.int('__u32', 4)
  const be32 = types.typedef('__be32', u32)
  const in6 = types.composite('struct', 'in6_addr', 16, [['s6_addr', types.array(u8, 16), 0]])
  const struct = types.composite('struct', 'n', 68, [
    ['remote_mac', types.array(u8, 6), 0],
    ['other', types.array(u8, 6), 6],
    ['saddr', be32, 12],
    ['count', be32, 16],
    ['remote_ip', types.array(u8, 16), 20],
    ['local', in6, 36],
    ['daddr', types.array(be32, 4), 52],
  ])
  const codec = createCodec(types, struct, { addresses: true })
  const value = {
    remote_mac: '02:00:00:00:00:0a',
    other: [1, 2, 3, 4, 5, 6],
    saddr: '192.0.2.1',
    count: 7,
    remote_ip: '192.0.2.1',
    local: '2001:db8::1',
    daddr: '::',
  }
  const expected =
    '02000000000a 010203040506 c0000201 00000007 00000000000000000000ffffc0000201 20010db8000000000000000000000001 00000000000000000000000000000000'
  t.equal(hex(codec.encode(value)), expected.replaceAll(' ', ''))
  t.strictSame(codec.decode(codec.encode(value)), value)
  t.equal(
    hex(codec.encode({ ...value, remote_ip: '::ffff:192.0.2.1', saddr: 0xc0000201 })),
    expected.replaceAll(' ', ''),
  )
  for (const wrong of [
    { saddr: '192.0.2' },
    { remote_mac: '02:00' },
    { local: 'fe80::1%eth0' },
    { local: '1.2.3' },
  ])
    t.throws(() => codec.encode({ ...value, ...wrong }), invalid(/an address like/))
  t.same((createCodec(types, struct).decode(codec.encode(value)) as { saddr: number }).saddr, 0xc0000201)
  t.end()
})

t.test('in_addr, bytes of IPv4 and const __be32 are addresses, integers of other names are not', (t) => {
  const types = new TypeList()
  const u8 = types.int('__u8', 1)
  const be32 = types.typedef('__be32', types.int('__u32', 4))
  const constant = types.add({ kind: 'const', type: be32 })
  const inAddr = types.composite('struct', 'in_addr', 4, [['s_addr', be32, 0]])
  const codec = createCodec(
    types,
    types.composite('struct', 's', 20, [
      ['a', inAddr, 0],
      ['ip', types.array(u8, 4), 4],
      ['dst', constant, 8],
      ['word', types.array(be32, 1), 12],
      ['four', types.array(u8, 4), 16],
    ]),
    { addresses: true },
  )
  t.same(codec.decode(bytesOf('0a000001 0a000002 0a000003 00000004 00000005')), {
    a: '10.0.0.1',
    ip: '10.0.0.2',
    dst: '10.0.0.3',
    word: [4],
    four: [0, 0, 0, 5],
  })
  t.end()
})

t.test(
  'what has no values, and BTF that contradicts itself, is refused before any bytes are touched',
  (t) => {
    const types = new TypeList()
    const u32 = types.int('u32', 4)
    const self = types.count
    types.composite('struct', 'self', 4, [['inner', self, 0]])
    const loop = types.count
    types.typedef('a', loop + 1)
    types.typedef('b', loop)
    const empty = types.composite('struct', 'empty', 0, [])
    const refused: readonly (readonly [number, RegExp])[] = [
      [0, /a void/],
      [9999, /a unknown/],
      [types.add({ kind: 'forward', name: 'sk_buff' }), /a forward sk_buff/],
      [types.add({ kind: 'function', name: 'f', type: 0 }), /a function f/],
      [types.int('u24', 3), /the integer u24 of 3 bytes/],
      [types.int('bool3', 3, 'bool'), /3 bytes/],
      [types.enum('e3', 3, {}), /the enum e3/],
      [self, /contains itself/],
      [loop, /contains itself/],
      [types.array(u32, 2 ** 30), /too large/],
      [types.array(empty, 2 ** 30), /too large/],
      [types.composite('struct', 'small', 2, [['x', u32, 0]]), /small\.x lies outside/],
      [types.composite('struct', 'small', 2, [['x', u32, 12, 8]]), /small\.x lies outside/],
      [types.composite('struct', 'odd', 8, [['x', empty, 0, 8]]), /is no integer/],
      [types.composite('struct', 'odd', 16, [['x', u32, 0, 40]]), /wider than its type/],
      [
        types.composite('struct', 'twice', 8, [
          ['x', u32, 0],
          ['x', u32, 4],
        ]),
        /two fields of one name/,
      ],
      [types.composite('struct', '', 8, [['', u32, 0]]), /no name and no fields/],
      [types.section('.x', 4, [[u32, 0, 4]]), /no variable/],
      [
        types.add({
          kind: 'struct',
          name: 'shifted',
          bytes: 8,
          members: [{ name: 'x', type: u32, bitOffset: 3, bitfieldBits: 0 }],
        }),
        /begin at a byte/,
      ],
    ]
    for (const [id, message] of refused)
      t.throws(() => createCodec(types, id), { code: 'BPF_TYPE_UNSUPPORTED', message })
    t.end()
  },
)

t.test('a per-CPU value is a list with one element for each CPU, each padded to 8 bytes', (t) => {
  const types = new TypeList()
  const codec = perCpuCodec(createCodec(types, types.int('u32', 4)), 2)
  t.equal(codec.bytes, 16)
  t.equal(hex(codec.encode([1, 2])), '01000000000000000200000000000000')
  t.same(codec.decode(bytesOf('01000000ffffffff 02000000ffffffff')), [1, 2])
  t.equal(hex(codec.encode([3, 4], new Uint8Array(16))), '03000000000000000400000000000000')
  t.throws(() => codec.encode([1]), invalid(/a list of 2/))
  t.throws(() => codec.encode([1, 2], new Uint8Array(8)), invalid(/8 bytes/))
  t.throws(() => codec.decode(new Uint8Array(8)), invalid(/8 bytes/))
  t.end()
})

t.test('JSON keeps every integer exact and codecs take it back', (t) => {
  t.strictSame(toJson({ a: 2n ** 53n - 1n, b: 2n ** 53n, c: [-(2n ** 63n), true, 'x'] }), {
    a: 9007199254740991,
    b: '9007199254740992',
    c: ['-9223372036854775808', true, 'x'],
  })
  t.end()
})

/** A type, and values that fit it. */
interface Sample {
  build(types: TypeList): { id: number; bytes: number }
  readonly value: fc.Arbitrary<BpfValue>
}

const widthArbitrary = fc.constantFrom(1, 2, 4, 8, 16)
const integerSample = fc
  .tuple(widthArbitrary, fc.boolean(), fc.boolean())
  .map(([bytes, signed, network]): Sample => ({
    build: (types) => {
      const big = network && !signed && [2, 4, 8].includes(bytes)
      const plain = types.int('i', bytes, signed ? 'signed' : 'unsigned')
      return { id: big ? types.typedef(`__be${bytes * 8}`, plain) : plain, bytes }
    },
    value: fc
      .bigInt(
        signed ? -(2n ** BigInt(bytes * 8 - 1)) : 0n,
        2n ** BigInt(signed ? bytes * 8 - 1 : bytes * 8) - 1n,
      )
      .map((value) => (bytes <= 4 ? Number(value) : value)),
  }))
const scalarSample = fc.oneof(
  integerSample,
  fc.constant<Sample>({
    build: (types) => ({ id: types.int('b', 1, 'bool'), bytes: 1 }),
    value: fc.boolean(),
  }),
  fc.constant<Sample>({
    build: (types) => ({ id: types.add({ kind: 'float', name: 'double', bytes: 8 }), bytes: 8 }),
    value: fc.double({ noNaN: true }),
  }),
  fc.constant<Sample>({
    build: (types) => ({ id: types.enum('e', 4, { A: 0n, B: 1n, C: 2n }), bytes: 4 }),
    value: fc.constantFrom<BpfValue>('A', 'B', 'C', 77),
  }),
  fc.constant<Sample>({
    build: (types) => ({ id: types.array(types.int('char', 1, 'signed'), 16), bytes: 16 }),
    value: fc.stringMatching(/^[ -~]{0,16}$/),
  }),
)
const { sample: sampleArbitrary } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalarSample,
    fc.tuple(tie('sample'), fc.nat(4)).map(([element, count]): Sample => ({
      build: (types) => {
        const { id, bytes } = element.build(types)
        return { id: types.array(id, count), bytes: bytes * count }
      },
      value: fc.array(element.value, { minLength: count, maxLength: count }),
    })),
    fc.array(fc.tuple(tie('sample'), fc.nat(3)), { minLength: 1, maxLength: 4 }).map((members): Sample => ({
      build: (types) => {
        let at = 0
        const placed = members.map(([member, padding], index) => {
          const { id, bytes } = member.build(types)
          const offset = at + padding
          at = offset + bytes
          return [`f${index}`, id, offset] as const
        })
        return { id: types.composite('struct', 's', at + 1, placed), bytes: at + 1 }
      },
      value: fc
        .tuple(...members.map(([member]) => member.value))
        .map((values) => Object.fromEntries(values.map((value, index) => [`f${index}`, value]))),
    })),
    tie('sample').map((member): Sample => ({
      build: (types) => {
        const { id, bytes } = member.build(types)
        return { id: types.composite('union', 'u', bytes, [['only', id, 0]]), bytes }
      },
      value: member.value.map((value) => ({ only: value })),
    })),
  ),
}))

t.test('any value of any type comes back from its bytes, and from JSON', (t) => {
  fc.assert(
    fc.property(
      sampleArbitrary.chain((sample) => fc.tuple(fc.constant(sample), sample.value)),
      ([sample, value]) => {
        const types = new TypeList()
        const { id, bytes } = sample.build(types)
        const codec = createCodec(types, id)
        const encoded = codec.encode(value)
        t.equal(encoded.length, bytes)
        t.strictSame(codec.decode(encoded), value)
        const json: unknown = JSON.parse(JSON.stringify(toJson(value)))
        t.equal(hex(codec.encode(json)), hex(encoded))
      },
    ),
    { numRuns: 300, seed: 4401 },
  )
  t.end()
})

t.test('a union of any two types comes back from any bytes that the types hold', (t) => {
  fc.assert(
    fc.property(
      integerSample,
      integerSample,
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      (first, second, bytes) => {
        const types = new TypeList()
        const a = first.build(types)
        const b = second.build(types)
        const size = Math.max(a.bytes, b.bytes)
        const codec = createCodec(
          types,
          types.composite('union', 'u', size, [
            ['a', a.id, 0],
            ['b', b.id, 0],
          ]),
        )
        const given = bytes.slice(0, size)
        t.equal(hex(codec.encode(codec.decode(given))), hex(given))
      },
    ),
    { numRuns: 200, seed: 4402 },
  )
  t.end()
})

t.test('whatever is given, a codec encodes it or says BPF_VALUE_INVALID', (t) => {
  fc.assert(
    fc.property(
      sampleArbitrary,
      fc.anything({ withBigInt: true, withNullPrototype: true }),
      (sample, given) => {
        const types = new TypeList()
        const codec = createCodec(types, sample.build(types).id)
        try {
          t.equal(codec.encode(given).length, codec.bytes)
        } catch (error) {
          t.equal((error as { code?: string }).code, 'BPF_VALUE_INVALID', String(error))
        }
      },
    ),
    { numRuns: 300, seed: 4403 },
  )
  t.end()
})

t.test('types made of noise are compiled or refused, never more', (t) => {
  const kinds = fc.record({
    kind: fc.constantFrom(
      'const',
      'typedef',
      'array',
      'struct',
      'union',
      'int',
      'pointer',
      'data-section',
      'variable',
      'enum',
    ),
    bytes: fc.constantFrom(0, 1, 3, 4, 8, 64, 2 ** 31),
    type: fc.nat(8),
    count: fc.constantFrom(0, 1, 3, 2 ** 32 - 1),
    offsets: fc.array(
      fc.tuple(fc.nat(8), fc.constantFrom(0, 7, 8, 32, 2 ** 31), fc.constantFrom(0, 0, 1, 9, 200)),
      { maxLength: 4 },
    ),
  })
  fc.assert(
    fc.property(fc.array(kinds, { maxLength: 8 }), fc.uint8Array({ maxLength: 64 }), (list, bytes) => {
      const types = new TypeList()
      for (const { kind, bytes: size, type, count, offsets } of list) {
        if (kind === 'int') types.int('i', size, 'signed')
        else if (kind === 'array') types.array(type, count)
        else if (kind === 'enum') types.enum('e', size, { A: 1n })
        else if (kind === 'typedef') types.typedef('__be32', type)
        else if (kind === 'variable') types.variable(`v${types.count}`, type)
        else if (kind === 'data-section')
          types.section(
            '.data',
            size,
            offsets.map(([id, offset]) => [id, offset, 4]),
          )
        else if (kind === 'struct' || kind === 'union')
          types.composite(
            kind,
            's',
            size,
            offsets.map(([id, offset, bits], index) => [index === 0 ? '' : `f${index}`, id, offset, bits]),
          )
        else types.add({ kind: kind, type })
      }
      for (let id = 0; id < types.count; id++) {
        try {
          const codec = createCodec(types, id, { addresses: true })
          if (codec.bytes <= bytes.length) codec.decode(bytes.subarray(0, codec.bytes))
        } catch (error) {
          t.equal((error as { code?: string }).code, 'BPF_TYPE_UNSUPPORTED', String(error))
        }
      }
    }),
    { numRuns: 500, seed: 4404 },
  )
  t.end()
})
