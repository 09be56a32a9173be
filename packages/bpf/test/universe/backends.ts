import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { spawnSync } from 'node:child_process'
import t from 'tap'
import {
  createCodec,
  openBpftoolBackend,
  openNativeBackend,
  readInventory,
  unloadObject,
  type BpfMap,
  type ProgramInfo,
} from '@x0t/bpf'
import { cgroup2Mount } from '../../src/probes.ts'
import { contents, kinds, long, testCompliance, word } from '../support/compliance.ts'

const pinFolder = '/sys/fs/bpf/bpftool'
const openBpftool = async () => openBpftoolBackend({ pinFolder })

t.test('the native back end', (t) => {
  const pins = '/sys/fs/bpf/native-pins'
  mkdirSync(pins)
  testCompliance(t, { open: async () => openNativeBackend(), pins, runsPrograms: true })
  t.end()
})

const hasBpftool = spawnSync('bpftool', ['version']).status === 0
const skip = hasBpftool || process.env['CI'] !== undefined ? {} : { skip: 'bpftool is not installed' }

t.test('the bpftool back end', skip, (t) => {
  const pins = '/sys/fs/bpf/bpftool-pins'
  mkdirSync(pins)
  testCompliance(t, { open: openBpftool, pins, runsPrograms: true })
  t.test('nothing of what it loaded is pinned any more', (t) => {
    t.notOk(readdirSync('/sys/fs/bpf').includes('bpftool'))
    t.end()
  })
  t.end()
})

/** Without what bpftool 7.1 rounds or does not tell. */
function comparable(info: ProgramInfo) {
  return { ...info, mapIds: info.mapIds.toSorted((a, b) => a - b), loadedAtMs: 0, verifiedInstructions: 0 }
}

function decodedEntries(map: BpfMap): unknown {
  const { types, keyType, valueType } = map.types()!
  const [key, value] = [createCodec(types, keyType), createCodec(types, valueType)]
  return Array.from(map.entries(), ([k, v]) => [key.decode(k), value.decode(v)])
}

t.test('native and bpftool see the same programs, tags, maps, contents, types and pins', skip, async (t) => {
  const [native, bpftool] = [openNativeBackend(), await openBpftool()]
  using object = await native.load(kinds, { globals: { label: 'x', verdict: 2 } })
  using loaded = await bpftool.load(kinds)
  const table = object.maps.get('table')!
  for (let index = 0; index < 300; index++) table.set(word(index * 7), long(BigInt(index) ** 5n))
  const counters = object.maps.get('counters')!
  // Each CPU has 8 bytes, of which the value is the first 4.
  const perCpu = counters.get(word(0))!.map((_, index) => (index % 8 < 4 ? index + 1 : 0))
  counters.set(word(1), perCpu)
  object.maps.get('stages')!.setProgram(word(0), object.programs.get('dispatch')!)
  object.programs.get('dispatch')!.pin('/sys/fs/bpf/dispatch')
  table.pin('/sys/fs/bpf/table')

  const ours = new Set([...object.programs.values(), ...loaded.programs.values()].map(({ id }) => id))
  const programsOf = async (backend: typeof native) =>
    (await backend.listPrograms()).filter(({ id }) => ours.has(id)).map(comparable)
  const seen = await programsOf(native)
  t.equal(seen.length, 16)
  t.same(await programsOf(bpftool), seen)
  t.same(seen.find(({ id }) => id === object.programs.get('dispatch')!.id)?.pins, ['/sys/fs/bpf/dispatch'])
  for (const [name, program] of object.programs) {
    const tagOf = (wanted: number) => seen.find(({ id }) => id === wanted)?.tag
    t.equal(tagOf(program.id), tagOf(loaded.programs.get(name)!.id), `${name}: one object, one tag`)
  }

  const maps = [...object.maps.values(), ...loaded.maps.values()]
  const mapsOf = async (backend: typeof native) =>
    (await backend.listMaps()).filter(({ id }) => maps.some((map) => map.id === id))
  t.same(await mapsOf(bpftool), await mapsOf(native))
  for (const { id, spec } of maps) {
    if (spec.type === 'ringbuf') continue
    using one = await native.openMap({ id })
    using other = await bpftool.openMap({ id })
    t.same(contents(other), contents(one), spec.name)
    const [types, otherTypes] = [one.types(), other.types()]
    t.equal(otherTypes?.types.count, types?.types.count, spec.name)
    for (let type = 0; type < (types?.types.count ?? 0); type++)
      t.same(otherTypes?.types.type(type), types?.types.type(type), `${spec.name}, type ${type}`)
    t.same([otherTypes?.keyType, otherTypes?.valueType], [types?.keyType, types?.valueType], spec.name)
  }
  using byTool = await bpftool.openMap({ pin: '/sys/fs/bpf/table' })
  t.same(decodedEntries(byTool), decodedEntries(table))
})

t.test('what bpftool cannot do it refuses, and says what can', skip, async (t) => {
  const bpftool = await openBpftool()
  using object = await bpftool.load(kinds)
  const map = (name: string) => object.maps.get(name)!
  const program = object.programs.get('count_packet')!
  const different = map('counters').get(word(0))!
  different[0] = 1
  const attempts: readonly (() => unknown)[] = [
    () => map('shared').memory(),
    () => map('events').onEvent(() => undefined),
    () => map('counters').set(word(0), different),
    () => map('stages').set(word(0), word(1)),
    () => program.sendLive(new Uint8Array(64), { count: 1, ifindex: 1 }),
    () => program.testRun(new Uint8Array(64), { ifindex: 1 }),
    () => object.programs.get('pass_first')!.attach({ kind: 'tcx', interface: 'lo', direction: 'ingress' }),
    () => object.programs.get('watch_raw')!.attach({ kind: 'tracepoint' }),
    () => bpftool.enableStatistics(),
  ]
  for (const attempt of attempts) t.throws(attempt, { code: 'BPF_UNSUPPORTED', hint: /node:ffi/ })
  await t.rejects(bpftool.load(kinds, { log: 'all' }), { code: 'BPF_UNSUPPORTED' })
  await t.rejects(bpftool.load(kinds, { globals: { runs: 1 } }), {
    code: 'BPF_UNSUPPORTED',
    message: /\.bss/,
  })
  t.throws(() => program.attach({ kind: 'xdp', interface: 'nope' }), { code: 'BPF_INTERFACE_NOT_FOUND' })
})

t.test(
  'bpftool loads all or nothing: one refused program refuses all, with the log of the verifier',
  skip,
  async (t) => {
    const refused = readFileSync(`${import.meta.dirname}/../objects/refused.o`)
    const bpftool = await openBpftool()
    using object = await bpftool.load(refused)
    t.equal(object.programs.size, 0)
    t.ok(object.refusals.length > 0)
    for (const refusal of object.refusals)
      t.match(refusal, {
        code: 'BPF_PROGRAM_REFUSED',
        message: /all programs or none/,
        log: /BEGIN PROG LOAD LOG/,
      })
    t.notOk(readdirSync('/sys/fs/bpf').includes('bpftool'), 'nothing stays pinned')
  },
)

t.test('bpftool opens, lists, pins and detaches links that others made', skip, async (t) => {
  const [native, bpftool] = [openNativeBackend(), await openBpftool()]
  using object = await native.load(kinds, { programs: ['count_packet'] })
  using link = object.programs.get('count_packet')!.attach({ kind: 'xdp', interface: 'lo', mode: 'generic' })
  const opened = await bpftool.openLink({ id: link.id })
  opened.pin('/sys/fs/bpf/link')
  t.throws(() => opened.update(object.programs.get('count_packet')!), { code: 'BPF_UNSUPPORTED' })
  const info = (await bpftool.listLinks()).find(({ id }) => id === link.id)
  t.match(info, {
    programId: object.programs.get('count_packet')!.id,
    type: 'xdp',
    pins: ['/sys/fs/bpf/link'],
  })
  t.equal((await bpftool.openLink({ pin: '/sys/fs/bpf/link' })).id, link.id)
  opened.detach()
  t.match(
    (await native.listLinks()).find(({ id }) => id === link.id),
    { target: 'removed interface' },
  )
})

const cgroup = `${cgroup2Mount(readFileSync('/proc/self/mountinfo', 'utf8'))}/x0t-test-${process.pid}`

t.test('bpftool attaches programs to a cgroup and takes them off again', skip, async (t) => {
  const bpftool = await openBpftool()
  mkdirSync(cgroup)
  t.teardown(() => rmdirSync(cgroup))
  using object = await bpftool.load(kinds)
  const attached = (): string => spawnSync('bpftool', ['cgroup', 'show', cgroup], { encoding: 'utf8' }).stdout
  const link = object.programs.get('watch_sockets')!.attach({ kind: 'cgroup', path: cgroup })
  t.match(attached(), /watch_sockets/)
  t.throws(() => link.pin('/sys/fs/bpf/x'), { code: 'BPF_UNSUPPORTED' })
  t.throws(() => link.update(object.programs.get('watch_sockets')!), { code: 'BPF_UNSUPPORTED' })
  link.detach()
  t.notMatch(attached(), /watch_sockets/)
  {
    using egress = object.programs
      .get('watch_egress')!
      .attach({ kind: 'cgroup', path: cgroup, direction: 'egress' })
    t.ok(egress)
    t.match(attached(), /watch_egress/)
  }
  t.notMatch(attached(), /watch_egress/, 'disposing detaches')
  t.throws(() => object.programs.get('dispatch')!.attach({ kind: 'cgroup', path: cgroup }), {
    code: 'BPF_UNSUPPORTED',
  })
})

t.test('what a killed bpftool leaves is listed, and unloaded', skip, async (t) => {
  const kindsFile = `${import.meta.dirname}/../objects/kinds.o`
  const script =
    "const { openBpftoolBackend } = await import('@x0t/bpf');" +
    `const backend = await openBpftoolBackend({ pinFolder: '${pinFolder}' });` +
    `const object = await backend.load((await import('node:fs')).readFileSync('${kindsFile}'));` +
    "process.kill(process.pid, 'SIGKILL')"
  const options = ['--input-type=module', '--eval', script]
  const { signal } = spawnSync(process.execPath, options, { cwd: import.meta.dirname })
  t.equal(signal, 'SIGKILL')
  const native = openNativeBackend()
  const [left, ...more] = await readInventory(native, pinFolder)
  t.match(left, { name: /^bpftool-\d+-[0-9a-f]{6}$/, state: 'loading' })
  t.ok(left!.programs.length > 1 && left!.programs.every(({ info }) => info !== undefined))
  t.same(more, [])
  const wait = async (delayMs: number) => delay(delayMs)
  const result = await unloadObject(native, { root: pinFolder, name: left!.name, wait })
  t.same(result.remaining, [])
  t.same(
    result.programs,
    left!.programs.map(({ name }) => name),
  )
  t.notOk(existsSync(pinFolder), 'and the folder with the last of it')
})

t.test('a Node.js without node:ffi uses bpftool, and says why', skip, (t) => {
  const script =
    "const { chooseBackend } = await import('@x0t/bpf');" +
    'const { backend, reason } = await chooseBackend(); console.log(backend.name, reason)'
  const options = ['--no-experimental-ffi', '--input-type=module', '--eval', script]
  const { stdout } = spawnSync(process.execPath, options, { cwd: import.meta.dirname, encoding: 'utf8' })
  t.equal(stdout, 'bpftool bpftool, because this Node.js has no node:ffi\n')
  t.end()
})
