import t from 'tap'
import { createCodec, declaredMapTypes, encodeGlobals, globalsOf, globalsOfSection } from '@x0t/bpf'
import { TypeList } from './support/type-list.ts'

/** `const volatile u32 rate; const volatile bool strict;` in .rodata, `u64 seen;` in .bss, and a map. */
function objectTypes() {
  const types = new TypeList()
  const u32 = types.int('u32', 4)
  const u64 = types.int('u64', 8)
  const constant = types.add({ kind: 'const', type: types.add({ kind: 'volatile', type: u32 }) })
  const bool = types.int('_Bool', 1, 'bool')
  const rodata = types.section('.rodata', 8, [
    [types.variable('rate', constant), 0, 4],
    [types.variable('strict', bool), 4, 1],
    [types.variable('opaque', types.add({ kind: 'forward', name: 'x' })), 5, 1],
  ])
  types.section('.bss', 8, [[types.variable('seen', u64), 0, 8]])
  const pointer = (type: number) => types.add({ kind: 'pointer', type })
  const definition = types.composite('struct', '', 24, [
    ['type', pointer(types.array(u32, 1)), 0],
    ['key', pointer(u32), 8],
    ['value', pointer(u64), 16],
  ])
  types.section('.maps', 32, [
    [types.variable('ring', types.composite('struct', '', 0, [])), 0, 0],
    [types.variable('flows', definition), 0, 24],
  ])
  return { types, u32, u64, rodata }
}

t.test('globals are written into a copy of their sections, the rest stays', (t) => {
  const { types } = objectTypes()
  const globals = globalsOf(types)
  t.same([...globals.keys()], ['rate', 'strict', 'seen'], 'what has no values is left out, so are maps')
  const sections = new Map([
    ['.rodata', Uint8Array.of(1, 0, 0, 0, 0, 9, 9, 9)],
    ['.bss', new Uint8Array(8)],
  ])
  const changed = encodeGlobals(globals, sections, { rate: '5000', strict: true })
  t.same([...changed.keys()], ['.rodata'])
  // 5000 = 0x1388
  t.same(changed.get('.rodata'), Uint8Array.of(0x88, 0x13, 0, 0, 1, 9, 9, 9))
  t.same(sections.get('.rodata'), Uint8Array.of(1, 0, 0, 0, 0, 9, 9, 9))
  t.end()
})

t.test('a global that is not there, or does not fit, is an error that names those there are', (t) => {
  const { types } = objectTypes()
  const globals = globalsOf(types)
  const sections = new Map([['.rodata', new Uint8Array(8)]])
  t.throws(() => encodeGlobals(globals, sections, { rte: 1 }), {
    code: 'BPF_VALUE_INVALID',
    message: 'the object has no global rte',
    hint: 'it has rate, strict, seen',
  })
  t.throws(() => encodeGlobals(globals, sections, { seen: 1 }), { code: 'BPF_VALUE_INVALID' })
  t.throws(() => encodeGlobals(new Map(), sections, { x: 1 }), {
    code: 'BPF_VALUE_INVALID',
    hint: 'it has no globals at all',
  })
  t.throws(() => encodeGlobals(globals, sections, { rate: -1 }), {
    message: /^rate: -1 is not a whole number of 32 bits/,
  })
  t.throws(() => encodeGlobals(globals, new Map([['.rodata', new Uint8Array(2)]]), { rate: 1 }), {
    code: 'BPF_TYPE_UNSUPPORTED',
  })
  t.end()
})

t.test('the value of a map of globals is an object of its variables', (t) => {
  const types = new TypeList()
  const u32 = types.int('u32', 4)
  const section = types.section('.data', 8, [
    [types.variable('limit', u32), 0, 4],
    [types.variable('burst', u32), 4, 4],
  ])
  const codec = createCodec(types, section)
  t.same(codec.decode(Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0)), { limit: 1, burst: 2 })
  t.same(
    codec.encode({ burst: 3 }, codec.encode({ limit: 1, burst: 2 })),
    Uint8Array.of(1, 0, 0, 0, 3, 0, 0, 0),
  )
  t.equal(globalsOfSection(types, section).get('burst')?.offset, 4)
  t.equal(globalsOfSection(types, u32).size, 0)
  t.end()
})

t.test('a map declared with __type tells the types of key and value', (t) => {
  const { types, u32, u64 } = objectTypes()
  t.same(declaredMapTypes(types, 'flows'), { key: u32, value: u64 })
  t.same(declaredMapTypes(types, 'ring'), { key: 0, value: 0 })
  t.same(declaredMapTypes(types, 'none'), { key: 0, value: 0 })
  t.end()
})
