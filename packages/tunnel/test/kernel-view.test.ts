import t from 'tap'
import { kernelState, linkBytes, linkField, linkFlag } from '../src/fast-path-layout.ts'
import { createKernelView, noKernelView, type KernelView, type LinkMarks } from '../src/kernel-view.ts'
import { createLinks } from '../src/links.ts'
import { createArena } from '../src/arena.ts'
import { createFakeKernel } from './support/fake-kernel.ts'
import { createFakeMesh, hash, hopKeyOf, labelOf, linkIdOf, packet, socketOf } from './support/fake-mesh.ts'
import { sipHash24 } from '../src/siphash.ts'

const watched = linkFlag.used | linkFlag.probed
const ms = 1_000_000n

/** Memory of four links as the kernel would write it, and a clock. */
function kernelMemory() {
  const memory = new ArrayBuffer(4 * linkBytes)
  const view = new DataView(memory)
  const clock = { ns: 5_000_000_000 }
  const put = (slot: number, field: number, value: number): void =>
    view.setUint32(slot * linkBytes + field, value, true)
  const putLong = (slot: number, field: number, value: bigint): void =>
    view.setBigUint64(slot * linkBytes + field, value, true)
  /** Up, probed every millisecond, 3 ms to live; its last reply came `ageNs` ago, `unanswered` probes ago. */
  const up = (slot: number, ageNs: bigint, unanswered: number): void => {
    put(slot, linkField.flags, watched)
    put(slot, linkField.state, kernelState.up)
    put(slot, linkField.misses, 3)
    putLong(slot, linkField.deadlineNs, 3n * ms)
    putLong(slot, linkField.replyNs, BigInt(clock.ns) - ageNs)
    // Past 2^32, so that the high words differ.
    putLong(slot, linkField.answered, 0xffff_ffffn)
    putLong(slot, linkField.sent, 0xffff_ffffn + BigInt(unanswered))
  }
  return { view, put, putLong, up, clock, kernelView: createKernelView(memory, () => clock.ns) }
}

t.test('a link is down once the deadline has passed and enough probes went unanswered', async (t) => {
  const { kernelView, up } = kernelMemory()
  t.equal(kernelView.isDown(0), false, 'a free slot')
  for (const [ageNs, unanswered, isDown] of [
    [3n * ms, 3, false],
    [3n * ms + 1n, 3, true],
    [3n * ms + 1n, 2, false],
    [900n * ms, 2, false],
    [900n * ms, 3, true],
  ] as const) {
    up(1, ageNs, unanswered)
    t.equal(kernelView.isDown(1), isDown, `${ageNs} ns, ${unanswered} unanswered`)
  }
})

t.test('what the kernel has judged holds, but only of links that it watches', async (t) => {
  const { kernelView, up, put } = kernelMemory()
  up(2, 0n, 0)
  t.equal(kernelView.isDown(2), false)
  t.ok(kernelView.isUp(2))
  put(2, linkField.state, kernelState.down)
  t.ok(kernelView.isDown(2))
  t.notOk(kernelView.isUp(2))
  for (const flags of [linkFlag.used, watched | linkFlag.unwatched, linkFlag.probed]) {
    put(2, linkField.flags, flags)
    t.equal(kernelView.isDown(2), false, `flags ${flags}`)
  }
  put(2, linkField.flags, watched | linkFlag.userAlive)
  put(2, linkField.state, kernelState.unknown)
  t.equal(kernelView.isDown(2), false, 'a neighbour without a program in its kernel')
})

t.test('a reply stays fresh over a pause of this machine, not for longer', async (t) => {
  const { kernelView, up } = kernelMemory()
  up(0, 99n * ms, 0)
  t.ok(kernelView.isFresh(0))
  up(0, 101n * ms, 0)
  t.notOk(kernelView.isFresh(0))
})

t.test('marks leave the other bits of the word alone', async (t) => {
  const { kernelView, view, put } = kernelMemory()
  put(3, linkField.flags, watched)
  const flags = (): number => view.getUint32(3 * linkBytes, true)
  kernelView.mark(3, { alive: true, unwatched: false })
  t.equal(flags(), watched | linkFlag.userAlive)
  kernelView.mark(3, { alive: true, unwatched: true })
  t.equal(flags(), watched | linkFlag.userAlive | linkFlag.unwatched)
  kernelView.mark(3, { alive: false, unwatched: false })
  t.equal(flags(), watched)
})

t.test('slots that the kernel has no room for are judged by the daemon alone', async (t) => {
  const { kernelView, putLong } = kernelMemory()
  for (const view of [kernelView, noKernelView]) {
    view.mark(4, { alive: true, unwatched: false })
    t.strictSame([view.isDown(4), view.isFresh(4), view.isUp(4), view.consumed(4)], [false, false, false, 0])
  }
  putLong(0, linkField.consumed, 2n ** 40n + 3n)
  t.equal(kernelView.consumed(0), 2 ** 40 + 3)
})

t.test('of two links the living one is taken that the kernel does not find dead', async (t) => {
  const alive = Int32Array.of(1, 1)
  const dead = new Set<number>()
  const arena = createArena(
    1 << 20,
    createFakeKernel(() => {}),
  )
  const links = createLinks(arena, alive, { isDown: (slot) => dead.has(slot) })
  for (const slot of [0, 1])
    links.set({
      kind: 'link',
      slot,
      neighbour: 'b',
      localLinkId: slot,
      remoteLinkId: slot,
      sendKey: hash('s').subarray(0, 16),
      receiveKey: hash('r').subarray(0, 16),
      endpoint: undefined,
      carrier: 'udp',
    })
  t.equal(links.alive('b')?.slot, 1)
  dead.add(1)
  t.equal(links.alive('b')?.slot, 0)
  dead.add(0)
  t.equal(links.alive('b'), undefined)
})

/** A datagram of `type` from a to b with a valid tag. */
function craft(type: number, counter: bigint, label: Uint8Array): Buffer {
  const bytes = Buffer.alloc(60)
  bytes[0] = type
  bytes[1] = 200
  bytes.writeUInt16BE(linkIdOf('a', 'b'), 2)
  bytes.writeUInt32BE(5, 4)
  bytes.writeBigUInt64BE(counter, 8)
  bytes.set(label, 16)
  const covered = Buffer.concat([bytes.subarray(0, 24), bytes.subarray(32, 48)])
  bytes.set(sipHash24(hopKeyOf('a', 'b'), covered), 24)
  return bytes
}

t.test("a neighbour's kernel and daemon number their datagrams apart", async (t) => {
  const mesh = createFakeMesh(['a', 'b', 'c'])
  mesh.link('a', 'b')
  mesh.link('b', 'c')
  mesh.routes('b', { c: { nextHop: 'c', feasibleUs: 1 } })
  mesh.pass(50)
  const b = mesh.node('b')
  const inject = (bytes: Buffer): void => {
    b.kernel.udpIn.push({ bytes, from: socketOf('a') })
    mesh.settle()
  }
  const base = 2n ** 52n
  inject(craft(0x10, base + 9n, labelOf('c')))
  t.equal(b.stats().datagramsForwarded, 1)
  inject(craft(0x10, base + 9n, labelOf('c')))
  t.equal(b.stats().droppedHopReplay, 1, "a replay of the kernel's")
  inject(craft(0x10, base + 8n, labelOf('c')))
  t.equal(b.stats().datagramsForwarded, 2, 'late, but new')
  inject(craft(0x10, 2n ** 53n, labelOf('c')))
  t.equal(b.stats().droppedHopReplay, 2, 'past what can be told apart')
  // The daemon's numbers, far below, still pass: its probes keep the link up.
  mesh.pass(1000)
  t.equal(b.shared.linkAlive[0], 1)
  t.equal(b.stats().droppedHopReplay, 2)
})

t.test("a kernel's datagrams neither keep a silent daemon alive nor pass for its probes", async (t) => {
  const mesh = createFakeMesh(['a', 'b'])
  mesh.link('a', 'b')
  mesh.pass(500)
  const b = mesh.node('b')
  t.equal(b.shared.linkAlive[0], 1)
  mesh.filter = (from, _to, datagram) => (from === 'a' ? undefined : datagram)
  for (let i = 1n; i < 100n; i++) {
    const type = [0x11, 0x13, 0x14, 0x15, 0x16][Number(i % 5n)]!
    b.kernel.udpIn.push({ bytes: craft(type, 2n ** 52n + i, Buffer.alloc(8)), from: socketOf('x') })
    mesh.pass(10)
  }
  t.equal(b.shared.linkAlive[0], 0)
  t.match(
    b.reports.filter(({ kind }) => kind === 'endpoint'),
    [],
    'nor do they move its address',
  )
})

/** A view of which the test says what the kernel finds of every link. */
function saidView() {
  const marks: LinkMarks[] = []
  const said = { isDown: false, isUp: false, isFresh: false }
  const view: KernelView = {
    isDown: () => said.isDown && marks.at(-1)?.unwatched !== true,
    isUp: () => said.isUp,
    isFresh: () => said.isFresh,
    consumed: () => 0,
    mark: (_slot, now) => void marks.push(now),
  }
  return { view, said, marks }
}

t.test('the kernel is told which links live, and its silence of a second is not believed', async (t) => {
  const { view, said, marks } = saidView()
  const mesh = createFakeMesh(['a', 'b'], [], { b: view })
  mesh.link('a', 'b')
  mesh.pass(1000)
  const b = mesh.node('b')
  t.strictSame(marks, [
    { alive: false, unwatched: false },
    { alive: true, unwatched: false },
  ])
  said.isDown = true
  mesh.pass(25)
  t.match(b.reports.at(-1), { kind: 'link-down', reason: 'silent' })
  t.strictSame(marks.at(-1), { alive: false, unwatched: false })
  mesh.pass(2500)
  t.strictSame(marks.at(-1), { alive: true, unwatched: true }, 'its own probes prove the link')
  t.equal(b.shared.linkAlive[0], 1)
  said.isUp = true
  said.isDown = false
  mesh.pass(200)
  t.strictSame(marks.at(-1), { alive: true, unwatched: false }, 'the kernel is heard again')
})

t.test('a link whose kernel answers outlives its daemon for a while', async (t) => {
  const { view, said } = saidView()
  const mesh = createFakeMesh(['a', 'b'], [], { b: view })
  mesh.link('a', 'b')
  mesh.pass(1000)
  said.isFresh = true
  mesh.filter = (from, _to, datagram) => (from === 'a' ? undefined : datagram)
  mesh.pass(14_000)
  t.equal(mesh.node('b').shared.linkAlive[0], 1)
  mesh.pass(2000)
  t.equal(mesh.node('b').shared.linkAlive[0], 0)
})

t.test('what the kernel forwarded is not lost', async (t) => {
  let consumed = 0
  const mesh = createFakeMesh(['a', 'b', 'c'], [], { b: { ...noKernelView, consumed: () => consumed } })
  mesh.link('a', 'b')
  mesh.link('b', 'c')
  mesh.routes('a', { c: { nextHop: 'b', feasibleUs: 2 } })
  mesh.routes('b', { c: { nextHop: 'c', feasibleUs: 1 } })
  mesh.session('a', 'c')
  // The program takes all data between wire and socket.
  mesh.filter = (from, to, datagram) => {
    if (from !== 'a' || to !== 'b' || datagram[0] !== 0x10) return datagram
    consumed++
    return undefined
  }
  mesh.pass(100)
  const lossSeen = (): number[] =>
    mesh
      .node('b')
      .reports.flatMap((report) => (report.kind === 'metric' && report.slot === 0 ? [report.lossRatio] : []))
  for (let i = 0; i < 600; i++) {
    mesh.node('a').kernel.tunIn.push(packet('a', 'c', Buffer.alloc(1200)))
    mesh.pass(5)
  }
  t.ok(consumed >= 600)
  t.ok(lossSeen().length > 0)
  t.ok(
    lossSeen().every((ratio) => ratio === 0),
    String(lossSeen()),
  )
})
