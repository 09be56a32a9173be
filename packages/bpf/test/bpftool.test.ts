import fc from 'fast-check'
import t from 'tap'
import { createCodec, openBpftoolBackend, type BpftoolOutput } from '@x0t/bpf'
import { idOfDump, typesOfDump } from '../src/bpftool-btf.ts'
import { linkInfoOf, mapInfoOf, programInfoOf } from '../src/bpftool-info.ts'
import { Bpftool } from '../src/bpftool-run.ts'

const output = (stdout: string, exitCode: number | undefined = 0, stderr = ''): BpftoolOutput => ({
  stdout,
  stderr,
  exitCode,
})
const failing = (error: string): BpftoolOutput => output(JSON.stringify({ error }), 255)

/** Answers by the words after the options; the version is always there. */
function backendThatSays(answers: Readonly<Record<string, BpftoolOutput>>) {
  const asked: string[] = []
  const opened = openBpftoolBackend({
    run(words) {
      const text = words.filter((word) => !word.startsWith('--')).join(' ')
      if (text === 'version') return output('{"version":"7.1.0"}')
      asked.push(words.join(' '))
      return answers[text] ?? output('', 1, `nobody expected: ${text}`)
    },
  })
  return { opened, asked }
}

const table = '{"id":7,"type":"hash","name":"table","flags":0,"bytes_key":2,"bytes_value":4,"max_entries":10}'

t.test('without bpftool the error says what to install', async (t) => {
  await t.rejects(openBpftoolBackend({ run: () => ({ exitCode: undefined, stdout: '', stderr: '' }) }), {
    code: 'BPF_BPFTOOL_MISSING',
    hint: 'apt install bpftool',
  })
})

t.test('what bpftool says of a failure becomes a code', (t) => {
  const cases: readonly (readonly [BpftoolOutput, string])[] = [
    [failing("can't get next program: Operation not permitted"), 'BPF_NOT_PERMITTED'],
    [output('[{"error":"get: Permission denied"}]', 255), 'BPF_NOT_PERMITTED'],
    [failing('get map by id (9): No such file or directory'), 'BPF_OBJECT_NOT_FOUND'],
    [failing('invalid devname nope'), 'BPF_INTERFACE_NOT_FOUND'],
    [failing('interface xdp attach failed: Device or resource busy'), 'BPF_BUSY'],
    [failing('update failed: Argument list too long'), 'BPF_MAP_FULL'],
    [failing('run: Unknown error 524'), 'BPF_UNSUPPORTED'],
    [output('', 1, 'libbpf: something\n'), 'BPF_CALL_FAILED'],
    [output('', 3), 'BPF_CALL_FAILED'],
    [output('no JSON', 0), 'BPF_BPFTOOL_UNREADABLE'],
  ]
  for (const [result, code] of cases)
    t.throws(
      () => new Bpftool(() => result).json('it failed', ['x']),
      { code, message: /^it failed: / },
      result.stdout,
    )
  t.throws(() => new Bpftool(() => output('', 3)).json('it failed', []), { message: /exit code 3/ })
  t.throws(() => new Bpftool(() => failing('pin: File exists')).pin('map', 3, '/p'), {
    code: 'BPF_PIN_FAILED',
    hint: 'remove the pin that is there: rm /p',
  })
  t.end()
})

t.test('nothing is mounted on the way, and the output asked for is JSON', async (t) => {
  const { opened, asked } = backendThatSays({ 'map show': output('[]') })
  t.same(await (await opened).listMaps(), [])
  t.same(asked, ['--json --nomount --bpffs map show'])
})

t.test('an empty list may be no output at all', async (t) => {
  const { opened } = backendThatSays({ 'prog show': output(''), 'link show': output('null') })
  t.same(await (await opened).listPrograms(), [])
  t.same(await (await opened).listLinks(), [])
})

t.test('keys and values go over as hexadecimal bytes, and come back so', async (t) => {
  const { opened } = backendThatSays({
    'map show id 7': output(table),
    'map lookup id 7 key hex 01 ff': output('{"key":["0x01","0xff"],"value":["0x00","0x10","0xfe","0x01"]}'),
    'map lookup id 7 key hex 00 00': output('null', 254),
    'map update id 7 key hex 01 ff value hex 00 10 fe 01 noexist': output('null'),
    'map delete id 7 key hex 01 ff': output('null'),
    'map delete id 7 key hex 00 00': failing('delete failed: No such file or directory'),
    'map delete id 7 key hex 09 09': failing('get map by id (7): No such file or directory'),
    'map dump id 7': output(
      '[{"key":["0x01","0xff"],"value":["0x00","0x10","0xfe","0x01"]},' +
        '{"key":["0x02","0x00"],"value":{"error":"No such file or directory"}}]',
    ),
  })
  using map = await (await opened).openMap({ id: 7 })
  const value = Uint8Array.of(0, 0x10, 0xfe, 1)
  t.same(map.get(Uint8Array.of(1, 0xff)), value)
  t.equal(map.get(Uint8Array.of(0, 0)), undefined)
  map.set(Uint8Array.of(1, 0xff), value, 'new')
  t.equal(map.delete(Uint8Array.of(1, 0xff)), true)
  t.equal(map.delete(Uint8Array.of(0, 0)), false)
  t.throws(() => map.delete(Uint8Array.of(9, 9)), { code: 'BPF_OBJECT_NOT_FOUND' })
  t.same([...map.entries()], [[Uint8Array.of(1, 0xff), value]], 'what went meanwhile is left out')
  t.equal(map.types(), undefined, 'a map without BTF has no types')
})

t.test('an entry that is not as bpftool prints it is refused', async (t) => {
  const bad = ['5', '[]', '{"value":["0x100"]}', '{"value":[1.5]}', '{"value":"x"}', '{"value":[-1]}']
  for (const answer of bad) {
    const { opened } = backendThatSays({
      'map show id 7': output(table),
      'map lookup id 7 key hex 00 00': output(answer),
    })
    using map = await (await opened).openMap({ id: 7 })
    t.throws(() => map.get(new Uint8Array(2)), { code: 'BPF_BPFTOOL_UNREADABLE' }, answer)
  }
  t.throws(() => mapInfoOf({ id: 'x' }), { code: 'BPF_BPFTOOL_UNREADABLE' })
  t.throws(() => programInfoOf(null), { code: 'BPF_BPFTOOL_UNREADABLE' })
})

t.test('a link says what it is attached to, as far as the release of bpftool tells', (t) => {
  t.match(linkInfoOf({ id: 1, type: 'xdp', prog_id: 2 }), {
    id: 1,
    programId: 2,
    type: 'xdp',
    target: '',
    pins: [],
  })
  t.match(linkInfoOf({ id: 1, type: 'xdp', prog_id: 2, devname: 'eth0', ifindex: 3 }), { target: 'eth0' })
  t.match(linkInfoOf({ id: 1, type: 'tcx', prog_id: 2, ifindex: 3, attach_type: 'tcx_ingress' }), {
    target: '3 ingress',
  })
  t.match(linkInfoOf({ id: 1, type: 11, prog_id: 2 }), { type: 'tcx' }, 'a type that is newer than bpftool')
  t.match(linkInfoOf({ id: 1, type: 99, prog_id: 2 }), { type: 'type 99' })
  t.match(linkInfoOf({ id: 1, type: 'raw_tracepoint', tp_name: 'x', pinned: ['/p'] }), {
    target: 'x',
    pins: ['/p'],
  })
  t.end()
})

t.test('every kind of BTF is read from its dump', (t) => {
  const dump = {
    types: [
      { id: 1, kind: 'INT', name: 'char', size: 1, bits_offset: 0, nr_bits: 8, encoding: 'SIGNED' },
      { id: 2, kind: 'INT', name: 'u32', size: 4, bits_offset: 0, nr_bits: 32, encoding: '(none)' },
      { id: 3, kind: 'FLOAT', name: 'double', size: 8 },
      { id: 4, kind: 'PTR', name: '(anon)', type_id: 2 },
      { id: 5, kind: 'CONST', name: '(anon)', type_id: 2 },
      { id: 6, kind: 'VOLATILE', name: '(anon)', type_id: 2 },
      { id: 7, kind: 'RESTRICT', name: '(anon)', type_id: 4 },
      { id: 8, kind: 'TYPEDEF', name: '__be32', type_id: 2 },
      { id: 9, kind: 'TYPE_TAG', name: 'user', type_id: 2 },
      { id: 10, kind: 'ARRAY', name: '(anon)', type_id: 1, index_type_id: 2, nr_elems: 4 },
      {
        id: 11,
        kind: 'STRUCT',
        name: 's',
        size: 8,
        vlen: 2,
        members: [
          { name: 'a', type_id: 8, bits_offset: 0 },
          { name: 'b', type_id: 2, bits_offset: 32, bitfield_size: 3 },
        ],
      },
      { id: 12, kind: 'UNION', name: '(anon)', size: 4, vlen: 0 },
      {
        id: 13,
        kind: 'ENUM',
        name: 'e',
        encoding: 'UNSIGNED',
        size: 4,
        vlen: 1,
        values: [{ name: 'A', val: 1n }],
      },
      { id: 14, kind: 'ENUM64', name: 'f', size: 8, vlen: 0 },
      { id: 15, kind: 'FWD', name: 'g', fwd_kind: 'struct' },
      { id: 16, kind: 'FUNC', name: 'h', type_id: 17, linkage: 'global' },
      {
        id: 17,
        kind: 'FUNC_PROTO',
        name: '(anon)',
        ret_type_id: 2,
        vlen: 1,
        params: [{ name: 'x', type_id: 2 }],
      },
      { id: 18, kind: 'VAR', name: 'v', type_id: 2, linkage: 'global' },
      {
        id: 19,
        kind: 'DATASEC',
        name: '.bss',
        size: 4,
        vlen: 1,
        vars: [{ type_id: 18, offset: 0, size: 4 }],
      },
      { id: 20, kind: 'DECL_TAG', name: 'tag', type_id: 11, component_idx: -1 },
      { id: 21, kind: 'NEW', name: 'x' },
    ],
  }
  const types = typesOfDump(dump)
  t.equal(types.count, 22)
  const kinds =
    'void int int float pointer const volatile restrict typedef type-tag array struct union enum enum forward ' +
    'function function-prototype variable data-section declaration-tag unknown unknown'
  t.equal(Array.from({ length: 23 }, (_, id) => types.type(id).kind).join(' '), kinds)
  t.same(createCodec(types, 11).decode(Uint8Array.of(0, 0, 1, 0, 0xfd, 0, 0, 0)), { a: 256, b: 5 })
  t.same(createCodec(types, 10).decode(Uint8Array.of(0x68, 0x69, 0, 0)), 'hi')
  t.equal(idOfDump({ types: [dump.types[10]] }), 11)
  t.equal(idOfDump({ types: [] }), 0)
  t.throws(() => typesOfDump({ types: [{ id: 2, kind: 'FWD', name: 'x' }] }), {
    code: 'BPF_BPFTOOL_UNREADABLE',
  })
  t.end()
})

t.test('values of 64-bit enumerators are exact', (t) => {
  const text =
    '{"types":[{"id":1,"kind":"ENUM64","name":"e","encoding":"UNSIGNED","size":8,"vlen":1,' +
    '"values":[{"name":"TOP","val":18446744073709551615}]}]}'
  const types = typesOfDump(new Bpftool(() => output(text)).json('x', []))
  t.equal(createCodec(types, 1).decode(new Uint8Array(8).fill(255)), 'TOP')
  t.end()
})

t.test('whatever is printed, it is read or BPF_BPFTOOL_UNREADABLE', (t) => {
  const names = [
    'id',
    'kind',
    'name',
    'size',
    'type_id',
    'members',
    'values',
    'vars',
    'params',
    'val',
    'type',
    'tag',
  ]
  const field = fc.oneof(
    fc.constantFrom('INT', 'STRUCT', 'ENUM', 'VAR', 1, 2, 1n),
    fc.jsonValue() as fc.Arbitrary<unknown>,
  )
  const entry = fc.oneof(
    fc.dictionary(fc.constantFrom(...names), field),
    fc.jsonValue() as fc.Arbitrary<unknown>,
  )
  fc.assert(
    fc.property(fc.array(entry), (list) => {
      const types = list.map((item, index) =>
        typeof item === 'object' && item !== null ? { ...item, id: index + 1 } : item,
      )
      const reads = [
        () => typesOfDump({ types }),
        () => idOfDump({ types: list }),
        () => list.map(mapInfoOf),
        () => list.map(programInfoOf),
        () => list.map(linkInfoOf),
      ]
      for (const read of reads) {
        try {
          read()
        } catch (error) {
          t.equal((error as { code?: string }).code, 'BPF_BPFTOOL_UNREADABLE', String(error))
        }
      }
    }),
    { numRuns: 300, seed: 4406 },
  )
  t.end()
})
