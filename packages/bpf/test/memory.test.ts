import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { openMemoryBackend } from '@x0t/bpf'
import { contents, kinds, long, testCompliance, word } from './support/compliance.ts'

t.test('the memory back end', (t) => {
  testCompliance(t, {
    open: async () => openMemoryBackend({ cpus: 2 }),
    pins: t.testdir({}),
    runsPrograms: false,
  })
  t.end()
})

t.test('pins follow their folder when it is renamed, and are of one back end only', async (t) => {
  using backend = openMemoryBackend()
  const folder = t.testdir({})
  mkdirSync(`${folder}/loading`)
  using object = await backend.load(kinds)
  const table = object.maps.get('table')!
  table.pin(`${folder}/loading/table`)
  object.programs.get('dispatch')!.pin(`${folder}/loading/dispatch`)
  renameSync(`${folder}/loading`, `${folder}/loaded`)
  using again = await backend.openMap({ pin: `${folder}/loaded/table` })
  t.equal(again.id, table.id)
  const info = (await backend.listMaps()).find(({ id }) => id === table.id)
  t.same(info?.pins, [`${folder}/loaded/table`])
  await t.rejects(backend.openProgram({ pin: `${folder}/loaded/table` }), { code: 'BPF_OBJECT_NOT_FOUND' })
  using other = openMemoryBackend()
  await t.rejects(other.openMap({ pin: `${folder}/loaded/table` }), { code: 'BPF_OBJECT_NOT_FOUND' })
  writeFileSync(`${folder}/text`, 'no pin')
  await t.rejects(backend.openLink({ pin: `${folder}/text` }), { code: 'BPF_OBJECT_NOT_FOUND' })
})

t.test(
  'links are listed with what they are attached to, hold their program, and go with their pin',
  async (t) => {
    using backend = openMemoryBackend()
    const folder = t.testdir({})
    const object = await backend.load(kinds)
    const targets = {
      count_packet: { kind: 'xdp', interface: 'eth0' },
      pass_first: { kind: 'tcx', interface: 'eth0', direction: 'ingress' },
      pass_second: { kind: 'tcx', interface: 'eth0', direction: 'ingress' },
      watch_sockets: { kind: 'cgroup', path: '/sys/fs/cgroup' },
      watch_raw: { kind: 'tracepoint' },
    } as const
    for (const [name, target] of Object.entries(targets)) object.programs.get(name)!.attach(target)
    const first = object.programs.get('pass_first')!
    t.throws(() => first.attach(targets.pass_first), { code: 'BPF_BUSY' })
    t.throws(() => first.attach({ kind: 'cgroup', path: '/' }), { code: 'BPF_UNSUPPORTED' })
    t.same(
      (await backend.listLinks()).map(({ type, target }) => `${type} ${target}`),
      [
        'xdp eth0',
        'tcx eth0 ingress',
        'tcx eth0 ingress',
        'cgroup /sys/fs/cgroup',
        'raw_tracepoint sched_switch',
      ],
    )
    const link = object.programs.get('dispatch')!.attach({ kind: 'xdp', interface: 'eth1' })
    link.pin(`${folder}/link`)
    link[Symbol.dispose]()
    object[Symbol.dispose]()
    t.throws(() => first.attach(targets.pass_first), TypeError)
    t.throws(() => link.update(first), TypeError)
    const names = async () => (await backend.listPrograms()).map(({ name }) => name)
    t.ok((await names()).includes('dispatch'))
    using opened = await backend.openLink({ pin: `${folder}/link` })
    t.equal(opened.id, link.id)
    opened.detach()
    t.throws(() => opened.detach(), TypeError)
    const detached = (await backend.listLinks()).find(({ id }) => id === link.id)
    t.match(detached, { target: '', pins: [`${folder}/link`] })
    t.notOk((await names()).includes('dispatch'), 'a link that is detached holds no program')
  },
)

t.test('a link takes another program of its type; a tracepoint takes none', async (t) => {
  using backend = openMemoryBackend()
  using object = await backend.load(kinds)
  const program = (name: string) => object.programs.get(name)!
  using link = program('pass_first').attach({ kind: 'tcx', interface: 'eth0', direction: 'egress' })
  link.update(program('pass_second'))
  t.equal((await backend.listLinks())[0]?.programId, program('pass_second').id)
  t.throws(() => link.update(program('dispatch')), { code: 'BPF_UNSUPPORTED' })
  using raw = program('watch_raw').attach({ kind: 'tracepoint', name: 'sys_enter' })
  t.throws(() => raw.update(program('watch_raw')), { code: 'BPF_UNSUPPORTED' })
  t.equal((await backend.listLinks())[1]?.target, 'sys_enter')
  t.throws(() => program('dispatch').sendLive(new Uint8Array(64), { count: 1, ifindex: 1 }), {
    code: 'BPF_UNSUPPORTED',
  })
})

t.test('a mmapable array is its memory; other maps have none', async (t) => {
  using backend = openMemoryBackend()
  using object = await backend.load(kinds)
  const shared = object.maps.get('shared')!
  // Elements lie 8 bytes apart.
  new DataView(shared.memory()).setUint32(8, 77, true)
  t.same(shared.get(word(1)), word(77))
  t.throws(() => object.maps.get('locked')!.memory(), { code: 'BPF_UNSUPPORTED' })
  t.throws(() => object.maps.get('table')!.memory(), { code: 'BPF_UNSUPPORTED' })
})

t.test('events reach those who listen, until they no longer do', async (t) => {
  using backend = openMemoryBackend()
  using object = await backend.load(kinds)
  const events = object.maps.get('events')!
  const seen: Uint8Array[] = []
  const listening = events.onEvent((event) => seen.push(event))
  backend.emit(events.id, long(1n))
  listening[Symbol.dispose]()
  backend.emit(events.id, long(2n))
  t.same(seen, [long(1n)])
  t.throws(() => object.maps.get('table')!.onEvent(() => undefined), { code: 'BPF_UNSUPPORTED' })
  t.throws(() => object.maps.get('table')!.setProgram(word(0), object.programs.get('dispatch')!), {
    code: 'BPF_UNSUPPORTED',
  })
})

t.test('a closed map is a mistake of the caller', async (t) => {
  using backend = openMemoryBackend()
  const object = await backend.load(kinds)
  const table = object.maps.get('table')!
  object[Symbol.dispose]()
  for (const use of [() => table.get(word(1)), () => contents(table), () => table.pin('/nowhere')])
    t.throws(use, TypeError)
  using statistics = backend.enableStatistics()
  t.ok(statistics)
  t.same(await backend.listMaps(), [])
})
