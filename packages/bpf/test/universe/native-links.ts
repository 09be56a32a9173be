// Run by native.test.ts as root in namespaces of its own: attachments, and what is told of them.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs'
import { once } from 'node:events'
import t from 'tap'
import { interfaceIndexOf, openNativeBackend, type LinkInfo, type LoadedObject } from '@x0t/bpf'
import { Attributes } from '../../src/attributes.ts'
import { mountsOf } from '../../src/pins.ts'
import { attachType } from '../../src/uapi.ts'

const backend = openNativeBackend()
const kinds = readFileSync(`${import.meta.dirname}/../objects/kinds.o`)
const packet = new Uint8Array(60)
const run = (command: string): void => {
  const [program, ...words] = command.split(' ')
  execFileSync(program!, words, { stdio: ['ignore', 'ignore', 'inherit'] })
}
run('ip link add left type veth peer name right')
run('ip link set left up')
run('ip link set right up')

function programOf(object: LoadedObject, name: string) {
  const program = object.programs.get(name)
  if (program === undefined) throw new Error(`${name} is not loaded: ${JSON.stringify(object.refusals)}`)
  return program
}
const linkOf = async (wanted: number): Promise<LinkInfo | undefined> =>
  (await backend.listLinks()).find(({ id }) => id === wanted)

t.test('XDP is attached in the mode that is asked for, once', async (t) => {
  using object = await backend.load(kinds)
  const program = programOf(object, 'dispatch')
  for (const mode of ['native', 'generic', undefined] as const) {
    using link = program.attach({ kind: 'xdp', interface: 'left', ...(mode === undefined ? {} : { mode }) })
    t.match(await linkOf(link.id), { type: 'xdp', target: 'left', programId: program.id, pins: [] })
    const shown = execFileSync('ip', ['link', 'show', 'left'], { encoding: 'utf8' })
    t.match(shown, mode === 'generic' ? /xdpgeneric/ : /mtu \d+ xdp /)
    t.throws(() => program.attach({ kind: 'xdp', interface: 'left' }), { code: 'BPF_BUSY' })
  }
  t.notMatch(
    execFileSync('ip', ['link', 'show', 'left'], { encoding: 'utf8' }),
    /xdp/,
    'gone with its handle',
  )
  t.throws(() => program.attach({ kind: 'xdp', interface: 'nowhere' }), { code: 'BPF_INTERFACE_NOT_FOUND' })
  t.throws(() => programOf(object, 'pass_first').attach({ kind: 'xdp', interface: 'left' }), {
    code: 'BPF_UNSUPPORTED',
    message: /takes xdp/,
  })
})

/** Ids of programs on a direction of an interface, in the order in which they run. */
function orderOf(name: string, direction: 'ingress' | 'egress'): readonly number[] {
  const ids = new Uint32Array(8)
  const attributes = new Attributes(64)
    .u32(0, interfaceIndexOf(name))
    .u32(4, direction === 'ingress' ? attachType.TCX_INGRESS : attachType.TCX_EGRESS)
    .pointer(16, ids)
    .u32(24, ids.length)
  t.ok(attributes.call('PROG_QUERY') >= 0)
  return [...ids.subarray(0, attributes.getU32(24))]
}

t.test('programs share a direction of an interface in the order that is asked for', async (t) => {
  using object = await backend.load(kinds)
  const first = programOf(object, 'pass_first')
  const second = programOf(object, 'pass_second')
  using third = await backend.load(kinds, { programs: ['pass_first'] })
  const target = { kind: 'tcx', interface: 'left', direction: 'ingress' } as const
  using a = first.attach(target)
  using b = second.attach({ ...target, before: first.id })
  using c = programOf(third, 'pass_first').attach({ ...target, after: second.id })
  t.same(orderOf('left', 'ingress'), [second.id, programOf(third, 'pass_first').id, first.id])
  for (const { id } of [a, b, c]) t.match(await linkOf(id), { type: 'tcx', target: 'left ingress' })
  using egress = first.attach({ ...target, direction: 'egress' })
  t.match(await linkOf(egress.id), { target: 'left egress' })
  t.throws(() => first.attach({ ...target, before: 1, after: 2 }), TypeError)
  t.throws(() => second.attach({ ...target, direction: 'egress', before: 0x7fff_ffff }), {
    code: 'BPF_OBJECT_NOT_FOUND',
  })
})

t.test('a pinned link outlives its handle, and its program is replaced in place', async (t) => {
  using object = await backend.load(kinds)
  using other = await backend.load(kinds)
  const link = programOf(object, 'dispatch').attach({ kind: 'xdp', interface: 'left' })
  link.pin('/sys/fs/bpf/link')
  link[Symbol.dispose]()
  t.match(await linkOf(link.id), { programId: programOf(object, 'dispatch').id, pins: ['/sys/fs/bpf/link'] })
  using opened = await backend.openLink({ pin: '/sys/fs/bpf/link' })
  t.equal(opened.id, link.id)
  opened.update(programOf(other, 'count_packet'))
  t.match(await linkOf(link.id), { programId: programOf(other, 'count_packet').id })
  t.throws(() => opened.update(programOf(other, 'pass_first')), { code: 'BPF_UNSUPPORTED' })
  using byId = await backend.openLink({ id: link.id })
  byId.detach()
  t.match(await linkOf(link.id), { target: 'removed interface' }, 'the pin is left, without effect')
  unlinkSync('/sys/fs/bpf/link')
  await t.rejects(backend.openLink({ id: 0x7fff_ffff }), { code: 'BPF_OBJECT_NOT_FOUND' })
})

t.test('live frames are really sent', async (t) => {
  using sender = await backend.load(kinds, { globals: { verdict: 3 } })
  using receiver = await backend.load(kinds, { globals: { verdict: 1 } })
  using here = programOf(sender, 'dispatch').attach({ kind: 'xdp', interface: 'left' })
  using there = programOf(receiver, 'count_packet').attach({ kind: 'xdp', interface: 'right' })
  t.ok(here.id !== there.id)
  // XDP_TX on what came in on the left goes out there, and comes in on the right.
  const ifindex = interfaceIndexOf('left')
  const runs = new BigUint64Array(receiver.maps.get('.bss')!.memory(), 0, 1)
  const before = runs[0]!
  programOf(sender, 'count_packet').sendLive(packet, { count: 150, ifindex })
  while (runs[0]! - before < 150n) await new Promise((done) => setTimeout(done, 1))
  t.ok(runs[0]! - before >= 150n)
  t.equal(programOf(sender, 'count_packet').testRun(packet, { ifindex }).verdict, 3)
})

t.test('programs of cgroups are attached to a folder of cgroup2', async (t) => {
  const [root] = mountsOf('cgroup2')
  t.ok(root, 'cgroup2 is mounted')
  const path = `${root}/x0t-bpf-test-${process.pid}`
  mkdirSync(path)
  t.teardown(() => rmdirSync(path))
  using object = await backend.load(kinds)
  for (const name of ['watch_sockets', 'watch_egress', 'watch_connect']) {
    const link = programOf(object, name).attach({ kind: 'cgroup', path })
    t.match(await linkOf(link.id), { type: 'cgroup', target: path }, name)
    link.detach()
  }
  using sockets = await backend.openProgram({ id: programOf(object, 'watch_sockets').id })
  using connect = await backend.openProgram({ id: programOf(object, 'watch_connect').id })
  using egress = await backend.openProgram({ id: programOf(object, 'watch_egress').id })
  for (const opened of [sockets, connect]) opened.attach({ kind: 'cgroup', path }).detach()
  t.throws(
    () => egress.attach({ kind: 'cgroup', path }),
    TypeError,
    'it does not know its direction any more',
  )
  egress.attach({ kind: 'cgroup', path, direction: 'egress' }).detach()
  t.throws(() => sockets.attach({ kind: 'cgroup', path: '/tmp' }), { code: 'BPF_TARGET_INVALID' })
  t.throws(() => sockets.attach({ kind: 'cgroup', path: '/nowhere' }), { code: 'BPF_TARGET_INVALID' })
  t.throws(() => programOf(object, 'dispatch').attach({ kind: 'cgroup', path }), { code: 'BPF_UNSUPPORTED' })
})

t.test('raw tracepoints are named by the section, or by the caller for an opened program', async (t) => {
  using object = await backend.load(kinds)
  using link = programOf(object, 'watch_raw').attach({ kind: 'tracepoint' })
  t.match(await linkOf(link.id), { type: 'raw_tracepoint', target: 'sched_switch' })
  using opened = await backend.openProgram({ id: programOf(object, 'watch_raw').id })
  t.throws(() => opened.attach({ kind: 'tracepoint' }), TypeError)
  using named = opened.attach({ kind: 'tracepoint', name: 'sched_wakeup' })
  t.match(await linkOf(named.id), { target: 'sched_wakeup' })
  t.throws(() => opened.attach({ kind: 'tracepoint', name: 'nothing' }), { code: 'BPF_OBJECT_NOT_FOUND' })
  t.throws(() => programOf(object, 'dispatch').attach({ kind: 'tracepoint' }), { code: 'BPF_UNSUPPORTED' })
  t.throws(() => named.update(programOf(object, 'watch_raw')), { code: 'BPF_UNSUPPORTED' })
})

t.test('links on interfaces of another namespace are not taken for ours of the same number', async (t) => {
  const script = `
    const { openNativeBackend } = await import('@x0t/bpf')
    const { readFileSync } = await import('node:fs')
    const object = await openNativeBackend().load(readFileSync(process.argv[1]))
    const links = [
      object.programs.get('dispatch').attach({ kind: 'xdp', interface: 'lo' }),
      object.programs.get('pass_first').attach({ kind: 'tcx', interface: 'lo', direction: 'egress' }),
    ]
    console.log(links.map(({ id }) => id).join(' '))
    process.stdin.resume()`
  const child = spawn(
    'unshare',
    [
      '--net',
      process.execPath,
      ...process.execArgv,
      '--input-type=module',
      '-e',
      script,
      `${import.meta.dirname}/../objects/kinds.o`,
    ],
    { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const [xdp, tcx] = line.toString().trim().split(' ').map(Number)
  // The loopback interface is number 1 everywhere.
  t.match(await linkOf(xdp!), { target: 'interface 1 of another network namespace' })
  t.match(await linkOf(tcx!), { target: 'interface 1 of another network namespace egress' })
})
