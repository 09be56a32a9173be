import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { X0tError } from '@x0t/core'
import { assembleProgram } from '../src/assemble.ts'
import { btfBytesOf, parseBtf } from '../src/btf.ts'
import { parseElf } from '../src/elf.ts'
import { parseObject } from '../src/object-file.ts'

const read = (name: string): Uint8Array => readFileSync(`${import.meta.dirname}/objects/${name}.o`)
const kinds = read('kinds')

t.test('maps come of .maps and of sections of globals, with the sizes of their types', (t) => {
  const { maps } = parseObject(kinds)
  const byName = Object.fromEntries(maps.map(({ spec: { name, ...rest } }) => [name, Object.values(rest)]))
  // [type, key bytes, value bytes, entries, flags]; flags 0x400 mmapable, 0x80 read-only for programs
  t.same(byName, {
    table: ['hash', 4, 8, 1000, 0],
    shared: ['array', 4, 4, 3, 0x400],
    counters: ['percpu_array', 4, 4, 2, 0],
    locked: ['array', 4, 16, 1, 0],
    events: ['ringbuf', 0, 0, 4096, 0],
    stages: ['prog_array', 4, 4, 2, 0],
    '.rodata': ['array', 4, 12, 1, 0x480],
    '.data': ['array', 4, 8, 1, 0x400],
    '.bss': ['array', 4, 12, 1, 0x400],
  })
  const data = maps.find(({ spec }) => spec.name === '.data')
  t.same(data?.contents, Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0), 'the initial value of limit')
  t.end()
})

t.test('programs are the functions that are seen outside, with their sections', (t) => {
  const { programs, license, functions } = parseObject(kinds)
  t.equal(license, 'Dual BSD/GPL')
  t.same(
    programs.map(({ spec }) => [spec.name, spec.section]),
    [
      ['count_packet', 'xdp'],
      ['dispatch', 'xdp'],
      ['pass_first', 'tc'],
      ['pass_second', 'tc'],
      ['watch_sockets', 'sockops'],
      ['watch_egress', 'cgroup_skb/egress'],
      ['watch_connect', 'cgroup/connect4'],
      ['watch_raw', 'raw_tp/sched_switch'],
    ],
  )
  t.same(
    functions
      .filter(({ isLocal }) => isLocal)
      .map(({ name }) => name)
      .toSorted(),
    ['each', 'note'],
    'static functions are none',
  )
  t.end()
})

t.test('sections in the BTF have the sizes and places that the kernel wants', (t) => {
  const { btf } = parseObject(kinds)
  const section = (name: string) =>
    btf?.types.find((type) => type.kind === 'data-section' && type.name === name)
  t.match(section('.bss'), {
    bytes: 12,
    // u64 runs, then u32 calls: the latter is static, and its place is in a relocation.
    variables: [
      { offset: 0, bytes: 8 },
      { offset: 8, bytes: 4 },
    ],
  })
  t.match(section('license'), { bytes: 13 })
  t.end()
})

t.test('a program is put together with the functions that it calls, each once', (t) => {
  const object = parseObject(kinds)
  const program = object.programs.find(({ spec }) => spec.name === 'count_packet')!
  const bytesOf = (name: string) => object.functions.find((found) => found.name === name)!.bytes
  const assembly = assembleProgram(object, program)
  t.equal(assembly.instructions.length, bytesOf('count_packet') + bytesOf('each') + bytesOf('note'))
  // One record a function; the offset (in instructions) of the first is 0, of the second where its function starts.
  const records = new Uint32Array(new Uint8Array(assembly.functionRecords).buffer)
  t.equal(records.length, 3 * 2)
  t.equal(records[0], 0)
  t.equal(records[2], bytesOf('count_packet') / 8)
  const names = new Set(assembly.mapReferences.map(({ map }) => object.maps[map]!.spec.name))
  t.same([...names].toSorted(), [
    '.bss',
    '.data',
    '.rodata',
    'counters',
    'events',
    'locked',
    'shared',
    'table',
  ])
  t.end()
})

t.test('CO-RE relocations keep to the instructions that they are of', (t) => {
  const object = parseObject(read('trace'))
  const program = object.programs.find(({ spec }) => spec.name === 'on_switch')!
  const { relocationRecords, instructions } = assembleProgram(object, program)
  t.equal(relocationRecords.length, 16, 'one: task_struct.tgid')
  const [offset, type] = new Uint32Array(new Uint8Array(relocationRecords).buffer)
  t.equal(instructions[offset!], 0x61, 'a load of 32 bits')
  t.match(object.btf?.type(type!), { kind: 'struct', name: 'task_struct' })
  t.end()
})

t.test('a hidden function is one of its program, not one to be verified by itself', (t) => {
  const object = parseObject(read('optional'))
  // BTF_KIND_FUNC, linkage in the low half: 0 static, 1 global
  const view = new DataView(object.btfBytes!.buffer)
  const linkages = new Map<string, number>()
  const headerBytes = view.getUint32(4, true)
  const { count } = object.btf!
  let at = headerBytes
  for (let id = 1; id < count; id++) {
    const type = object.btf!.type(id)
    const info = view.getUint32(at + 4, true)
    if (type.kind === 'function') linkages.set(type.name, info & 0xffff)
    const extra: Record<string, number> = { int: 4, variable: 4, array: 12 }
    const each: Record<string, number> = { struct: 12, union: 12, 'data-section': 12, enum: 8 }
    at +=
      12 +
      (extra[type.kind] ?? 0) +
      (info & 0xffff) * (each[type.kind] ?? (type.kind === 'function-prototype' ? 8 : 0))
  }
  t.equal(linkages.get('hidden_value'), 0)
  t.equal(linkages.get('calls_hidden'), 1)
  t.match(object.programs[0], { isOptional: true, spec: { section: 'xdp' } })
  t.end()
})

t.test('what the loader does not do is said, not ignored', (t) => {
  t.throws(() => parseObject(read('pointers')), { code: 'BPF_UNSUPPORTED', message: /^\.data .*pointers/ })
  t.throws(() => parseObject(read('values')), { code: 'BPF_UNSUPPORTED', message: /fills maps/ })
  t.end()
})

t.test('externals of the kernel are refused by name', (t) => {
  t.throws(() => parseObject(read('externals')), { code: 'BPF_UNSUPPORTED', message: /\.kconfig/ })
  t.end()
})

t.test('what is no object of BPF is refused', (t) => {
  const wanted = { code: 'BPF_OBJECT_INVALID' }
  t.throws(() => parseObject(new Uint8Array(0)), wanted)
  t.throws(() => parseObject(new TextEncoder().encode('#!/bin/sh\n'.repeat(100))), wanted)
  t.throws(
    () => parseObject(readFileSync(process.execPath).subarray(0, 100_000)),
    wanted,
    'an ELF file of x86-64',
  )
  t.throws(() => parseObject(new Uint8Array(16 * 1024 * 1024 + 1)), { ...wanted, message: /at most/ })
  for (let length = 1; length < kinds.length; length += 97) {
    t.throws(() => parseObject(kinds.subarray(0, length)), wanted, `cut at ${length}`)
  }
  t.end()
})

/** Where a part of the object is, to change it. */
function sectionOf(name: string): { readonly at: number; readonly bytes: number } {
  const section = parseElf(kinds).sections.find((found) => found.name === name)!
  return { at: section.bytes.byteOffset - kinds.byteOffset, bytes: section.size }
}

t.test('reading a damaged object ends in an error with a code, never in another', (t) => {
  const objects = ['kinds', 'trace', 'optional'].map(read)
  const change = fc.record({ place: fc.nat(0x7fff_ffff), value: fc.nat(255) })
  const property = fc.property(
    fc.constantFrom(...objects),
    fc.array(change, { minLength: 1, maxLength: 12 }),
    (object, changes) => {
      const bytes = Uint8Array.from(object)
      for (const { place, value } of changes) bytes[place % bytes.length] = value
      onlyKnownErrors(() => {
        const parsed = parseObject(bytes)
        for (const program of parsed.programs) onlyKnownErrors(() => void assembleProgram(parsed, program))
      })
    },
  )
  fc.assert(property, { numRuns: 400 })
  t.end()
})

t.test('each word of the headers and tables may be the largest number', (t) => {
  const bytes = Uint8Array.from(kinds)
  const tables = ['.symtab', '.BTF', '.BTF.ext', '.relxdp', '.rel.text', '.rel.BTF'].map(sectionOf)
  const ranges = [{ at: 0, bytes: 64 }, { at: bytes.length - 22 * 64, bytes: 22 * 64 }, ...tables]
  let count = 0
  for (const range of ranges) {
    for (let at = range.at; at + 4 <= range.at + range.bytes; at += 4) {
      for (const value of [0xffff_ffff, 0]) {
        const before = bytes.slice(at, at + 4)
        new DataView(bytes.buffer).setUint32(at, value, true)
        onlyKnownErrors(() => {
          const parsed = parseObject(bytes)
          for (const program of parsed.programs) onlyKnownErrors(() => void assembleProgram(parsed, program))
        })
        bytes.set(before, at)
        count++
      }
    }
  }
  t.ok(count > 2000)
  t.same(Buffer.from(bytes).equals(kinds), true)
  t.end()
})

function onlyKnownErrors(run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof X0tError) || !/^BPF_(OBJECT_INVALID|UNSUPPORTED)$/.test(error.code)) throw error
  }
}

t.test('BTF of any bytes is read or refused', (t) => {
  const property = fc.property(
    fc.uint8Array({ maxLength: 400 }),
    fc.nat(200),
    fc.nat(200),
    (bytes, types, strings) => {
      const btf = new Uint8Array(24 + bytes.length + 1)
      const view = new DataView(btf.buffer)
      view.setUint16(0, 0xeb9f, true)
      view.setUint8(2, 1)
      view.setUint32(4, 24, true)
      view.setUint32(12, types, true)
      view.setUint32(16, types, true)
      view.setUint32(20, strings + 1, true)
      btf.set(bytes, 24)
      onlyKnownErrors(() => {
        const parsed = parseBtf(btf)
        for (let id = 0; id < parsed.count; id++) btfBytesOf(parsed, id)
      })
    },
  )
  fc.assert(property, { numRuns: 500 })
  t.end()
})
