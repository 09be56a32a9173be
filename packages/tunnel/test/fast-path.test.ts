import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { X0tError, type Log } from '@x0t/core'
import { chooseFastPath } from '../src/fast-path-choice.ts'
import { linkBytes, linkField, linkFlag, selfField } from '../src/fast-path-layout.ts'
import { openFastPath } from '../src/fast-path.ts'
import { fakeBpf, fakeHost } from './support/fake-bpf.ts'
import { hopKeyOf, labelOf, socketOf } from './support/fake-mesh.ts'

const link = {
  kind: 'link',
  slot: 0,
  neighbour: 'b',
  localLinkId: 100,
  remoteLinkId: 200,
  sendKey: hopKeyOf('a', 'b'),
  receiveKey: hopKeyOf('b', 'a'),
  endpoint: socketOf('b'),
  carrier: 'udp',
} as const

/** A place for the fast path of node a: its kernel, its system, and what it logs. */
function place(t: Test) {
  const bpf = fakeBpf()
  const host = fakeHost()
  const logged: string[] = []
  const note = (event: string): void => void logged.push(event)
  const log: Log = { debug() {}, info: note, warn: note, error: note }
  const pinRoot = `${t.testdir()}/x0t`
  const common = { selfLabel: labelOf('a'), port: 7800, tunName: 'x0t0', misses: 3, log }
  return {
    bpf,
    host,
    logged,
    pinRoot,
    open: (more: { readonly port?: number; readonly interval?: number } = {}) =>
      openFastPath({
        ...common,
        backend: bpf.backend,
        object: new Uint8Array(),
        chainFile: async () => new Uint8Array(),
        host,
        pinRoot,
        labelOf,
        interval: 'auto',
        ...more,
      }),
    choose: (mode: 'auto' | 'on') =>
      chooseFastPath({ mode, labelOf, backend: async () => bpf.backend, host, pinRoot }, common),
    pins: (): string[] =>
      readdirSync(pinRoot, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [entry.name] : [],
      ),
  }
}

t.test('a fast path attaches, pins, starts its clock, and takes all back', async (t) => {
  const { bpf, host, open, pins, pinRoot } = place(t)
  host.underlay = ['eth0', 'x0t0', 'x0t-pace0']
  const fastPath = await open()
  t.strictSame(bpf.attached, ['x0t-pace1 tcx', 'eth0 native'])
  t.equal(pins().length, 9 + 2 + 2, 'maps, programs, attachments')
  t.match(host.commands, [/^flock /])
  // 110 bytes at 880 kbit/s are one millisecond.
  t.ok(host.commands.some((line) => line.includes('tc qdisc replace dev x0t-pace0 root tbf rate 880000bit')))
  t.strictSame(bpf.tokens, [{ ifindex: host.devices.get('x0t-pace1')!.ifindex, bytes: 110 }])
  const { self } = bpf.memory
  t.equal(self.getUint16(selfField.port), 7800)
  t.equal(self.getUint32(selfField.pacerIfindex, true), host.devices.get('x0t-pace0')!.ifindex)
  t.equal(self.getUint32(selfField.generation, true), 1)
  t.equal(self.getBigUint64(selfField.validUntilNs, true), host.nowNs + 15_000_000_000n)
  t.strictSame(fastPath.interfaces(), [{ name: 'eth0', mode: 'native', problem: undefined }])
  await fastPath[Symbol.asyncDispose]()
  t.equal(self.getBigUint64(selfField.validUntilNs, true), 0n)
  t.strictSame([...host.devices.keys()], ['x0t-pace1'], 'one end takes the other with it')
  t.throws(() => readdirSync(pinRoot), { code: 'ENOENT' })
})

t.test('an interface that would lose redirected frames is named until it no longer does', async (t) => {
  const { host, open } = place(t)
  host.underlay = ['eth0', 'eth1']
  host.mute = ['eth1']
  await using fastPath = await open()
  const problems = (): unknown => fastPath.interfaces().map(({ name, problem }) => [name, problem?.code])
  t.strictSame(problems(), [
    ['eth0', undefined],
    ['eth1', 'FAST_PATH_MUTE'],
  ])
  host.mute = []
  host.pass(1000)
  await new Promise(setImmediate)
  t.strictSame(problems(), [
    ['eth0', undefined],
    ['eth1', undefined],
  ])
})

t.test('the owner shows that it lives, starts a lost token again, and follows interfaces', async (t) => {
  const { bpf, host, open, logged } = place(t)
  await using fastPath = await open({ interval: 0.25 })
  t.ok(
    host.commands.some((line) => line.includes('rate 3520000bit')),
    'a tick of 0.25 ms',
  )
  const { self } = bpf.memory
  bpf.tokens.length = 0
  host.pass(250)
  t.equal(bpf.tokens.length, 0, 'the token that was just sent is given time')
  self.setBigUint64(selfField.lastTickNs, host.nowNs, true)
  host.pass(250)
  t.equal(bpf.tokens.length, 0)
  t.equal(self.getBigUint64(selfField.validUntilNs, true), host.nowNs + 15_000_000_000n)
  host.pass(500)
  t.equal(bpf.tokens.length, 1, 'no tick for half a second')
  t.match(fastPath.pacing(), { tokensLost: 1, ticks: 0, lateTicks: 0 })
  bpf.tokenError = new X0tError('BPF_CALL_FAILED', 'no')
  host.pass(1000)
  t.ok(logged.includes('fast-path-token-not-sent'))
  host.underlay = ['eth1']
  bpf.attachErrors.set('eth1 native', new X0tError('BPF_UNSUPPORTED', 'no XDP in this driver'))
  host.pass(3000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.strictSame(fastPath.interfaces(), [{ name: 'eth1', mode: 'generic', problem: undefined }])
})

t.test('what the workers are told, the kernel is told; its judgements are passed on', async (t) => {
  const { bpf, open } = place(t)
  await using fastPath = await open()
  fastPath.apply(link)
  t.equal(bpf.memory.links.getUint16(linkField.remoteLinkId, true), 200)
  t.match(fastPath.link(0), { state: 'unknown' })
  t.match(fastPath.linkOf('b'), { isWatched: true })
  fastPath.lossSeen(0, 0.5)
  t.equal(fastPath.counters().toRepair, 1001)
  let judged = 0
  fastPath.onJudged(() => judged++)
  for (const listener of bpf.listeners) listener(new Uint8Array(32))
  t.equal(judged, 1)
})

t.test('after a killed process its links serve for ten seconds more', async (t) => {
  const { bpf, host, open, pins } = place(t)
  const killed = await open()
  killed.apply(link)
  const { links, self } = bpf.memory
  links.setUint32(0, linkFlag.used | linkFlag.userAlive | linkFlag.probed, true)
  const before = pins().toSorted()
  await using next = await open()
  t.match(next.inherited, { generation: 1, neighbours: 1 })
  t.strictSame([...next.inherited!.linkIds], [[100, 0]])
  t.strictSame(bpf.updated, ['x0t-pace1 tcx', 'eth0 native'], 'in one step each')
  t.equal(bpf.attached.length, 2, 'and nothing was attached anew')
  t.strictSame(pins().toSorted(), before)
  t.equal(self.getUint32(selfField.generation, true), 2)
  t.equal(host.commands.filter((line) => line.startsWith('ip link add')).length, 1, 'the pair too')
  host.pass(9750)
  t.not(links.getUint32(0, true), 0)
  host.pass(250)
  t.equal(links.getUint32(0, true), 0)
  t.equal(bpf.memory.linkIds.content.size, 0)
})

t.test('what an earlier process on another port, or of another layout, left is removed', async (t) => {
  for (const change of [
    (one: ReturnType<typeof place>) => one.open({ port: 7801 }),
    (one: ReturnType<typeof place>) => {
      one.bpf.memory.self.setUint32(selfField.layout, 99, true)
      return one.open()
    },
  ]) {
    const one = place(t)
    await one.open()
    await using next = await change(one)
    t.equal(next.inherited, undefined)
    t.ok(one.logged.includes('fast-path-started-anew'))
    t.equal(one.pins().length, 13)
  }
})

t.test('each thing that a system may lack has a reason of its own', async (t) => {
  const reasons: Record<string, (one: ReturnType<typeof place>) => void> = {
    FAST_PATH_NO_BTF: ({ host }) => (host.hasTypes = false),
    FAST_PATH_NO_BPFFS: ({ host }) => host.failures.set('flock', 'permission denied'),
    FAST_PATH_FORBIDDEN: ({ bpf }) => (bpf.loadError = new X0tError('BPF_NOT_PERMITTED', 'EPERM')),
    FAST_PATH_NO_PACER: ({ host }) => host.failures.set('tc', 'Specified qdisc kind is unknown'),
    FAST_PATH_XDP_TAKEN: ({ bpf }) => bpf.attachErrors.set('eth0 native', new X0tError('BPF_BUSY', 'EBUSY')),
    FAST_PATH_REFUSED: ({ bpf }) => {
      bpf.refusals.push({
        program: 'x0t_metronome',
        code: 'BPF_PROGRAM_REFUSED',
        message: 'invalid access',
        hint: undefined,
        log: '',
      })
    },
  }
  for (const [code, break_] of Object.entries(reasons)) {
    const one = place(t)
    break_(one)
    await t.rejects(one.choose('on'), { code }, code)
    const { fastPath, status } = await one.choose('auto')
    t.equal(fastPath, undefined)
    t.match(status(), { path: 'userspace', problem: { code } })
    t.ok(one.logged.includes('fast-path-unavailable'))
    t.strictSame(
      [...one.host.devices.keys()].filter((name) => name === 'x0t-pace0' && code !== 'FAST_PATH_NO_PACER'),
      [],
    )
    t.throws(() => one.pins(), { code: 'ENOENT' }, 'and nothing is left')
  }
})

t.test('other refusals, and what nobody thought of', async (t) => {
  const other = place(t)
  other.bpf.attachErrors.set('eth0 native', new X0tError('BPF_NOT_PERMITTED', 'EPERM'))
  await t.rejects(other.choose('on'), { code: 'FAST_PATH_FORBIDDEN' })
  const tcx = place(t)
  tcx.bpf.attachErrors.set('x0t-pace1 tcx', new X0tError('BPF_UNSUPPORTED', 'no tcx', { hint: 'Linux 6.6' }))
  await t.rejects(tcx.choose('on'), { code: 'FAST_PATH_REFUSED', message: /no tcx/, hint: 'Linux 6.6' })
  const sizes = place(t)
  sizes.bpf.linkBytes = linkBytes + 8
  await t.rejects(sizes.choose('on'), { code: 'FAST_PATH_REFUSED', message: /maps/ })
  const odd = place(t)
  odd.host.networkNamespace = async () => {
    throw new Error('no /proc')
  }
  await t.rejects(odd.choose('on'), { code: 'FAST_PATH_FAILED', message: /no \/proc/ })
  t.match((await chooseFastPath(undefined, {} as never)).status(), { path: 'userspace', problem: undefined })
})

t.test(
  'one interface that is taken does not keep the program from the others, and is tried again',
  async (t) => {
    const { bpf, host, choose } = place(t)
    host.underlay = ['eth0', 'eth1']
    bpf.attachErrors.set('eth0 native', new X0tError('BPF_BUSY', 'EBUSY'))
    const { fastPath, status } = await choose('auto')
    t.match(status(), {
      path: 'kernel',
      takenOver: false,
      interfaces: [
        { name: 'eth0', problem: { code: 'FAST_PATH_XDP_TAKEN' } },
        { name: 'eth1', mode: 'native' },
      ],
    })
    bpf.attachErrors.clear()
    host.pass(1000)
    await new Promise((resolve) => setTimeout(resolve, 100))
    t.match(status(), {
      interfaces: [{ name: 'eth0', mode: 'native', problem: undefined }, { name: 'eth1' }],
    })
    await fastPath![Symbol.asyncDispose]()
  },
)

t.test('each node of a namespace has a pair of its own', async (t) => {
  const { host, open } = place(t)
  for (const name of ['x0t-pace0', 'x0t-pace2'])
    host.devices.set(name, { ifindex: 1, alias: name === 'x0t-pace0' ? 'x0t somebody' : undefined })
  await using _ = await open()
  t.ok(host.devices.has('x0t-pace4') && host.devices.has('x0t-pace5'))
  for (let pair = 0; pair < 8; pair++) host.devices.set(`x0t-pace${2 * pair}`, { ifindex: 1, alias: 'x' })
  await t.rejects(open(), { code: 'FAST_PATH_NO_PACER' })
})
