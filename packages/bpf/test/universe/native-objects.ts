// Run by native.test.ts as root in namespaces of its own: objects, maps and test runs, with bpftool as the oracle.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { createCodec, openNativeBackend, openNativeMap, openRingBuffer, type LoadedObject } from '@x0t/bpf'
import { possibleCpus } from '../../src/per-cpu.ts'

const backend = openNativeBackend()
const read = (name: string): Uint8Array => readFileSync(`${import.meta.dirname}/../objects/${name}.o`)
const kinds = read('kinds')
const packet = new Uint8Array(60)
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
const u64 = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer)
const bpftool = (...words: readonly string[]): unknown =>
  JSON.parse(execFileSync('bpftool', ['-j', ...words], { encoding: 'utf8' }))

function programOf(object: LoadedObject, name: string) {
  const program = object.programs.get(name)
  if (program === undefined) throw new Error(`${name} is not loaded: ${JSON.stringify(object.refusals)}`)
  return program
}
function mapOf(object: LoadedObject, name: string) {
  const map = object.maps.get(name)
  if (map === undefined) throw new Error(`no map ${name}`)
  return map
}

t.test('a program runs on a packet with the globals that were set', async (t) => {
  using object = await backend.load(kinds, { globals: { verdict: 3, limit: 5n, label: 'abc' } })
  t.same(object.refusals, [])
  const run = programOf(object, 'count_packet').testRun(packet, { repeat: 4 })
  t.equal(run.verdict, 3)
  t.equal(run.packet.length, 60)
  // The sum of 0 to 4, by a callback of bpf_loop.
  t.same(mapOf(object, 'table').get(u32(60)), u64(10n))
  using dropping = await backend.load(kinds, { globals: { label: 'd' } })
  t.equal(programOf(dropping, 'count_packet').testRun(packet).verdict, 1)
})

t.test('what is in memory is what the program sees, and the other way round', async (t) => {
  using object = await backend.load(kinds)
  const shared = new BigUint64Array(mapOf(object, 'shared').memory())
  t.equal(shared.length, 3, 'values of 4 bytes lie 8 apart')
  shared[0] = 40n
  programOf(object, 'count_packet').testRun(packet)
  t.equal(shared[0], 42n)
  const runs = new BigUint64Array(mapOf(object, '.bss').memory(), 0, 1)
  t.equal(runs[0], 1n)
  t.throws(() => mapOf(object, '.rodata').memory(), { code: 'BPF_UNSUPPORTED', message: /frozen/ })
  t.throws(() => mapOf(object, 'table').memory(), { code: 'BPF_UNSUPPORTED' })
})

t.test('entries of a map are written, read in batches, and deleted', async (t) => {
  using object = await backend.load(kinds)
  const table = mapOf(object, 'table')
  for (let i = 0; i < 1000; i++) table.set(u32(i), u64(BigInt(i) * 3n))
  const sum = [...table.entries()].reduce(
    (sum, [, value]) => sum + new DataView(value.buffer, value.byteOffset).getBigUint64(0, true),
    0n,
  )
  t.equal(sum, 3n * 499_500n, '3 * (0 + 1 + … + 999)')
  t.throws(() => table.set(u32(1000), u64(0n)), { code: 'BPF_MAP_FULL' })
  t.throws(() => table.set(u32(1), u64(0n), 'new'), { code: 'BPF_BUSY' })
  t.equal(table.delete(u32(1)), true)
  t.equal(table.delete(u32(1)), false)
  t.equal(table.get(u32(1)), undefined)
  t.throws(() => table.set(u32(1), u64(0n), 'existing'), { code: 'BPF_OBJECT_NOT_FOUND' })
  t.throws(() => table.get(new Uint8Array(3)), RangeError)
  t.throws(() => table.set(u32(1), new Uint8Array(3)), RangeError)
  const dumped = bpftool('map', 'dump', 'id', String(table.id)) as readonly {
    readonly key: readonly string[]
    readonly value: readonly string[]
  }[]
  const bytesOf = (text: readonly string[]): string => Buffer.from(text.map(Number)).toString('hex')
  const theirs = dumped.map(({ key, value }) => `${bytesOf(key)} ${bytesOf(value)}`)
  const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  const mine = [...table.entries()].map(([key, value]) => `${hexOf(key)} ${hexOf(value)}`)
  t.same(theirs.toSorted(), mine.toSorted(), 'bpftool sees the same')
  t.equal(mine.length, 999)
  t.throws(() => [...mapOf(object, 'events').entries()], { code: 'BPF_UNSUPPORTED' })
})

t.test('keys and values in the memory of another array are the right ones', async (t) => {
  using object = await backend.load(kinds)
  const table = mapOf(object, 'table')
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i)
  table.set(bytes.subarray(5, 9), bytes.subarray(20, 28))
  t.same(table.get(Uint8Array.of(5, 6, 7, 8)), bytes.subarray(20, 28))
})

t.test('per-CPU values lie one after the other', async (t) => {
  using object = await backend.load(kinds)
  const counters = mapOf(object, 'counters')
  programOf(object, 'count_packet').testRun(packet, { repeat: 5 })
  const value = counters.get(u32(0))!
  t.equal(value.length, 8 * possibleCpus())
  const counts = new Uint32Array(value.buffer, value.byteOffset, value.length / 4)
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    5,
  )
  const all = [...counters.entries()]
  t.same(all[0], [u32(0), value])
  t.equal(all.length, 2)
  counters.set(u32(1), value)
  t.same(counters.get(u32(1)), value)
})

t.test('a map tells the types of its keys and values, also one that was opened', async (t) => {
  using object = await backend.load(kinds)
  programOf(object, 'count_packet').testRun(packet)
  using locked = await backend.openMap({ id: mapOf(object, 'locked').id })
  const types = locked.types()!
  const codec = createCodec(types.types, types.valueType)
  t.same(codec.decode(locked.get(u32(0))!), { count: 1, bytes: 60n })
  t.equal(mapOf(object, 'events').types(), undefined)
  const bss = mapOf(object, '.bss').types()!
  t.match(bss.types.type(bss.valueType), { kind: 'data-section', name: '.bss', bytes: 12 })
})

t.test('events of a ring buffer come by the event loop, in order, and wake promises', async (t) => {
  using object = await backend.load(kinds)
  const program = programOf(object, 'count_packet')
  const numbers: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  // libuv must find its callbacks whatever is collected.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // 4096 bytes hold 256 events of 8 + 8 bytes: 1000 come only if they are read meanwhile.
  using watch = mapOf(object, 'events').onEvent((event) => {
    numbers.push(new DataView(event.buffer, event.byteOffset).getUint32(0, true))
    if (numbers.length === 1000) resolve()
  })
  for (let i = 0; i < 5; i++) {
    collect()
    program.testRun(packet, { repeat: 200 })
    while (numbers.length < (i + 1) * 200) await new Promise((done) => setImmediate(done))
  }
  await promise
  t.same(
    numbers,
    Array.from({ length: 1000 }, (_, i) => i + 1),
  )
  watch[Symbol.dispose]()
  watch[Symbol.dispose]()
  program.testRun(packet)
  await new Promise((done) => setImmediate(done))
  t.equal(numbers.length, 1000, 'none after it is disposed')
  t.throws(() => mapOf(object, 'table').onEvent(() => undefined), { code: 'BPF_UNSUPPORTED' })
})

t.test('a listener that settles a promise is followed at once, with nothing else to do', async (t) => {
  using object = await backend.load(kinds)
  const event = new Promise<Uint8Array>((resolve) => {
    const watch = mapOf(object, 'events').onEvent((bytes) => {
      resolve(bytes.slice())
      watch[Symbol.dispose]()
    })
  })
  programOf(object, 'count_packet').testRun(packet)
  t.same(await event, Buffer.concat([u32(1), u32(60)]))
})

t.test('a buffer is drained by hand, and an error of its listener is not lost', async (t) => {
  using object = await backend.load(kinds)
  const seen: number[] = []
  using buffer = openRingBuffer(mapOf(object, 'events'), (event) => {
    seen.push(event.length)
    if (seen.length === 2) throw new Error('of the listener')
  })
  programOf(object, 'count_packet').testRun(packet, { repeat: 3 })
  t.throws(() => buffer.drain(), { message: 'of the listener' })
  t.equal(buffer.drain(), 1, 'what was handed over is not handed over again')
  t.same(seen, [8, 8, 8])
})

t.test('tail calls go to the program that was put there', async (t) => {
  using object = await backend.load(kinds, { globals: { verdict: 2 } })
  const dispatch = programOf(object, 'dispatch')
  t.equal(dispatch.testRun(packet).verdict, 0, 'XDP_ABORTED without one')
  mapOf(object, 'stages').setProgram(u32(1), programOf(object, 'count_packet'))
  t.equal(dispatch.testRun(packet).verdict, 2)
})

t.test('fields of kernel structs are found where the running kernel has them', async (t) => {
  using object = await backend.load(read('trace'), { globals: { wanted: process.pid } })
  t.match(object.refusals, [
    { program: 'on_nothing', code: 'BPF_UNSUPPORTED', message: /no_such_tracepoint/ },
  ])
  using link = programOf(object, 'on_switch').attach({ kind: 'tracepoint' })
  const switches = new BigUint64Array(mapOf(object, '.bss').memory(), 0, 1)
  while (switches[0]! < 3n) await new Promise((done) => setTimeout(done, 1))
  t.match(
    (await backend.listLinks()).find(({ id }) => id === link.id),
    { type: 'raw_tracepoint', target: 'sched_switch' },
  )
  link.detach()
})

t.test('one refused program leaves the others, and comes with source lines', async (t) => {
  using object = await backend.load(read('refused'))
  t.same([...object.programs.keys()], ['passes'])
  const [refusal] = object.refusals
  t.match(refusal, { program: 'reads_beyond', code: 'BPF_PROGRAM_REFUSED' })
  t.match(refusal?.message, /refused\.bpf\.c:12: return data\[20\] == 6/)
  t.match(refusal?.log, /refused\.bpf\.c:12: .*\n1: \(71\)/)
})

t.test('a log is given for loaded programs only where it is asked for', async (t) => {
  using silent = await backend.load(kinds, { programs: ['dispatch'] })
  t.same([...silent.programs.keys()], ['dispatch'])
  t.equal(silent.logs.size, 0)
  using counted = await backend.load(kinds, { programs: ['dispatch'], log: 'statistics' })
  t.match(counted.logs.get('dispatch'), /processed \d+ insns/)
  using whole = await backend.load(kinds, { programs: ['dispatch'], log: 'all' })
  t.match(whole.logs.get('dispatch'), /kinds\.bpf\.c:\d+: bpf_tail_call/)
  using refused = await backend.load(read('refused'), { log: 'statistics' })
  t.match(refused.refusals[0]?.log, /outside of the packet/, 'a refusal has the whole of it')
  await t.rejects(backend.load(kinds, { programs: ['nothing'] }), {
    code: 'BPF_PROGRAM_NOT_FOUND',
    hint: /count_packet/,
  })
})

t.test('a map that the kernel does not make sinks only the programs that use it', async (t) => {
  using object = await backend.load(read('optional'))
  t.same([...object.programs.keys()], ['calls_hidden'])
  t.match(object.refusals, [
    { program: 'needs_the_impossible', code: 'BPF_UNSUPPORTED', message: /map impossible \(array\)/ },
  ])
  t.equal(programOf(object, 'calls_hidden').testRun(packet).verdict & 2, 2)
  // Nobody else would report it.
  await t.rejects(backend.load(read('optional'), { programs: ['calls_hidden'] }), { code: 'BPF_UNSUPPORTED' })
})

t.test('enumerators are set by name, and unknown globals refused', async (t) => {
  const maps = { impossible: undefined }
  t.ok(maps)
  using object = await backend.load(read('optional'), {
    globals: { answer: 'ANSWER_DROP' },
    programs: ['only_by_name', 'needs_the_impossible'],
  })
  t.equal(programOf(object, 'only_by_name').testRun(packet).verdict, 1)
  await t.rejects(backend.load(kinds, { globals: { nothing: 1 } }), { code: 'BPF_VALUE_INVALID' })
  await t.rejects(backend.load(kinds, { globals: { verdict: -1 } }), { code: 'BPF_VALUE_INVALID' })
})

t.test('a map of another object is used in place of a new one', async (t) => {
  using first = await backend.load(kinds)
  const { id } = mapOf(first, 'table')
  using second = await backend.load(kinds, { maps: { table: mapOf(first, 'table') } })
  t.equal(mapOf(second, 'table').id, id)
  programOf(second, 'count_packet').testRun(packet)
  t.ok(mapOf(first, 'table').get(u32(60)))
  await t.rejects(backend.load(kinds, { maps: { table: mapOf(first, 'shared') } }), {
    code: 'BPF_MAP_MISMATCH',
    message: /type array/,
  })
  await t.rejects(backend.load(kinds, { maps: { nothing: mapOf(first, 'shared') } }), {
    code: 'BPF_MAP_MISMATCH',
  })
})

/** A program as bpftool shows it. */
interface Shown {
  readonly tag: string
  readonly type: string
  readonly bytes_xlated: number
}

t.test('ids, tags and kinds are those that bpftool tells', async (t) => {
  mkdirSync('/sys/fs/bpf/oracle')
  using object = await backend.load(kinds)
  execFileSync('bpftool', [
    'prog',
    'loadall',
    `${import.meta.dirname}/../objects/kinds.o`,
    '/sys/fs/bpf/oracle',
  ])
  const listed = await backend.listPrograms()
  for (const [name, program] of object.programs) {
    const mine = listed.find(({ id }) => id === program.id)
    const byId = bpftool('prog', 'show', 'id', String(program.id)) as Shown
    const theirs = bpftool('prog', 'show', 'pinned', `/sys/fs/bpf/oracle/${name}`) as Shown
    for (const { tag, type, bytes_xlated: instructionBytes } of [byId, theirs]) {
      t.match(mine, { tag, type, instructionBytes }, name)
    }
  }
  const maps = bpftool('map', 'list') as readonly {
    readonly id: number
    readonly type: string
    readonly name: string
  }[]
  for (const { id, type } of await backend.listMaps()) {
    const theirs = maps.find((map) => map.id === id)
    // Other processes come and go.
    if (theirs !== undefined) t.equal(type, theirs.type, `map ${id}`)
  }
  const { mapIds } = listed.find(({ id }) => id === programOf(object, 'dispatch').id)!
  t.same(mapIds, [mapOf(object, 'stages').id])
})

t.test('runs are counted while statistics are on', async (t) => {
  using object = await backend.load(kinds)
  const program = programOf(object, 'dispatch')
  const runs = async (): Promise<number> =>
    (await backend.listPrograms()).find(({ id }) => id === program.id)!.runCount
  program.testRun(packet)
  const before = await runs()
  {
    using statistics = backend.enableStatistics()
    t.ok(statistics)
    program.testRun(packet, { repeat: 7 })
  }
  t.equal((await runs()) - before, 7)
})

t.test('what was loaded is gone once it is disposed', async (t) => {
  const object = await backend.load(kinds)
  const { id } = programOf(object, 'dispatch')
  const table = mapOf(object, 'table')
  object[Symbol.dispose]()
  object[Symbol.dispose]()
  await t.rejects(backend.openProgram({ id }), { code: 'BPF_OBJECT_NOT_FOUND' })
  t.throws(() => table.get(u32(1)), TypeError)
})

t.test('without privileges it is said what is missing', (t) => {
  const script = `
    const { openNativeBackend } = await import('@x0t/bpf')
    const { readFileSync } = await import('node:fs')
    const backend = openNativeBackend()
    for (const call of [() => backend.load(readFileSync(process.argv[1])), () => backend.listPrograms()])
      await call().then(() => console.log('done'), ({ code, hint }) => console.log(code, hint))`
  const evaluated = ['--input-type=module', '-e', script, `${import.meta.dirname}/../objects/kinds.o`]
  const { stdout, stderr } = spawnSync(
    'setpriv',
    ['--bounding-set=-all', '--inh-caps=-all', '--', process.execPath, ...process.execArgv, ...evaluated],
    { encoding: 'utf8', cwd: import.meta.dirname },
  )
  const lines = stdout.trim().split('\n')
  t.equal(lines.length, 2, stderr)
  for (const line of lines) t.match(line, /^BPF_NOT_PERMITTED .*CAP_BPF/)
  t.end()
})

t.test('a packet without an Ethernet header, and programs that take none, are refused', async (t) => {
  using object = await backend.load(kinds)
  t.throws(() => programOf(object, 'dispatch').testRun(new Uint8Array(4)), {
    code: 'BPF_CALL_FAILED',
    hint: /Ethernet/,
  })
  t.throws(() => programOf(object, 'watch_sockets').testRun(packet), { code: 'BPF_UNSUPPORTED' })
  t.throws(() => programOf(object, 'pass_first').sendLive(packet, { count: 1, ifindex: 1 }), {
    code: 'BPF_UNSUPPORTED',
  })
  t.equal(programOf(object, 'pass_second').testRun(packet, { ifindex: 1 }).verdict, 0)
})

t.test('a map is opened by descriptor, id and pin; nothing else is taken for one', async (t) => {
  using object = await backend.load(kinds)
  const table = mapOf(object, 'table')
  table.set(u32(1), u64(2n))
  table.pin('/sys/fs/bpf/table')
  programOf(object, 'dispatch').pin('/sys/fs/bpf/dispatch')
  for (const ref of [{ fd: table.fd }, { id: table.id }, { pin: '/sys/fs/bpf/table' }]) {
    using opened = openNativeMap(ref)
    t.same(opened.get(u32(1)), u64(2n), JSON.stringify(ref))
    t.equal(opened.spec.name, 'table')
  }
  const wanted = { code: 'BPF_OBJECT_NOT_FOUND' }
  t.throws(() => openNativeMap({ pin: '/sys/fs/bpf/dispatch' }), {
    ...wanted,
    message: /a program, not a map/,
  })
  t.throws(() => openNativeMap({ fd: 0 }), wanted)
  t.throws(() => openNativeMap({ pin: '/sys/fs/bpf/nothing' }), wanted)
  t.throws(() => openNativeMap({ id: 0x7fff_ffff }), wanted)
  t.throws(() => table.pin('/sys/fs/bpf/table'), { code: 'BPF_PIN_FAILED', hint: /rm / })
  t.throws(() => table.pin('/tmp/table'), { code: 'BPF_PIN_FAILED', hint: /mount -t bpf/ })
  t.match(
    (await backend.listMaps()).find(({ id }) => id === table.id),
    { pins: ['/sys/fs/bpf/table'], name: 'table' },
  )
  using program = await backend.openProgram({ pin: '/sys/fs/bpf/dispatch' })
  t.match(program.spec, { name: 'dispatch', section: 'xdp' })
})
