import t from 'tap'
import { openTestRelay } from './support/load.ts'
import { verdict } from './support/fastpath.ts'
import { datagramIn, kernelBase, label, readDatagram, isTagged, type } from './support/frames.ts'
import {
  dataFrom,
  frameFrom,
  nextNumber,
  nowNs,
  selfLabel,
  targetLabel,
  type Relay,
} from './support/relay.ts'
import { requireKernel } from './support/capability.ts'

const kernel = requireKernel(t)

/** 0 sends, 1 is the next hop of everything to `target`. */
async function open(): Promise<Relay> {
  const relay = await openTestRelay(3)
  relay.fastpath.setRoute(targetLabel, {
    nextHop: 1,
    feasibleUs: 400,
    alternate: undefined,
    red: undefined,
    blue: undefined,
    former: undefined,
  })
  return relay
}

t.test('a datagram for another is forwarded with a new hop header and a valid tag', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const [from, to] = neighbours
  const sent = dataFrom(from!)
  for (const nth of [1n, 2n]) {
    const { verdict: result, packet } = fastpath.run(frameFrom(from!, { ...sent, number: nextNumber() }))
    t.equal(result, verdict.redirect)
    const got = readDatagram(datagramIn(packet))
    t.match(got, {
      type: type.data,
      hopLimit: sent.hopLimit - 1,
      linkId: to!.remoteLinkId,
      plane: 0,
      remaining: 400,
      number: kernelBase + nth,
    })
    t.strictSame(got.label, targetLabel)
    t.strictSame(got.body, sent.body, 'what follows the hop header stays')
    t.ok(isTagged(to!.sendKey, datagramIn(packet)))
  }
  t.match(fastpath.link(from!.slot), { rxDatagrams: 2n, rxBytes: 264n, consumed: 2n, txDatagrams: 0n })
  t.match(fastpath.link(to!.slot), { txDatagrams: 2n, txBytes: 264n, counter: 2n, rxDatagrams: 0n })
  t.match(fastpath.counters(), { forwarded: 2n, toRepair: 0n, toTree: 0n, toSilent: 0n, toUserspace: 0n })
})

t.test('what a kernel numbered is forwarded too, and is no datagram of the daemon', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  t.equal(
    fastpath.run(frameFrom(from, dataFrom(from, { number: kernelBase + 1n }))).verdict,
    verdict.redirect,
  )
  t.equal(fastpath.run(frameFrom(from, dataFrom(from, { number: 1n }))).verdict, verdict.redirect)
  t.match(fastpath.link(from.slot), { rxDatagrams: 2n, consumed: 1n })
})

t.test('a datagram for this node is left to the daemon, unverified and unchanged', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  const frame = frameFrom(from, dataFrom(from, { label: selfLabel }))
  frame[frame.length - 90]! ^= 1
  const { verdict: result, packet } = fastpath.run(frame)
  t.equal(result, verdict.pass)
  t.strictSame(Buffer.from(packet), Buffer.from(frame))
  t.equal(fastpath.window(from.slot, false).top, 0n, 'nor does it move the window')
})

t.test('what is forged is dropped and counted, wherever a byte is changed', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  const headerAt = 14 + 20 + 8
  let forged = 0n
  for (let i = 0; i < 48; i++) {
    // Other links and types are not forged but foreign; the label of another route is.
    if (i === 0 || i === 2 || i === 3) continue
    const frame = frameFrom(from, dataFrom(from))
    frame[headerAt + i]! ^= 0x20
    t.equal(fastpath.run(frame).verdict, verdict.drop, `byte ${i}`)
    forged++
  }
  t.equal(fastpath.counters().droppedBadTag, forged)
  t.equal(fastpath.counters().forwarded, 0n)
  t.equal(fastpath.window(from.slot, false).top, 0n, 'forged numbers do not move the window')
  const last = frameFrom(from, dataFrom(from))
  last[last.length - 1]! ^= 1
  t.equal(
    fastpath.run(last).verdict,
    verdict.redirect,
    'what the ends authenticate is not for a relay to check',
  )
})

t.test('the session of another link does not do', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const [from, , other] = neighbours
  const wrong = frameFrom({ ...from!, receiveKey: other!.receiveKey }, dataFrom(from!))
  t.equal(fastpath.run(wrong).verdict, verdict.drop)
  const otherDirection = frameFrom({ ...from!, receiveKey: from!.sendKey }, dataFrom(from!))
  t.equal(fastpath.run(otherDirection).verdict, verdict.drop, 'nor what this node has sent itself')
  t.equal(fastpath.counters().droppedBadTag, 2n)
  const right = dataFrom(from!)
  t.equal(fastpath.run(frameFrom(from!, right)).verdict, verdict.redirect, 'and the right one still passes')
})

t.test('what is replayed is dropped and counted', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  const frame = frameFrom(from, dataFrom(from))
  t.equal(fastpath.run(frame).verdict, verdict.redirect)
  for (let i = 0; i < 3; i++) t.equal(fastpath.run(frame).verdict, verdict.drop)
  t.match(fastpath.counters(), { forwarded: 1n, droppedReplay: 3n })
  t.match(fastpath.link(from.slot), { consumed: 1n, rxDatagrams: 1n })
})

t.test('what is shorter than a header is dropped and counted', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  for (const bodyBytes of [0, 1, 15])
    t.equal(
      fastpath.run(frameFrom(from, dataFrom(from, { body: new Uint8Array(bodyBytes) }))).verdict,
      verdict.drop,
    )
  t.equal(fastpath.counters().droppedTooShort, 3n)
  t.equal(
    fastpath.run(frameFrom(from, dataFrom(from, { body: new Uint8Array(16) }))).verdict,
    verdict.redirect,
    'a header alone is enough',
  )
})

t.test('a hop limit that is used up ends the way', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  for (const hopLimit of [0, 1])
    t.equal(fastpath.run(frameFrom(from, dataFrom(from, { hopLimit }))).verdict, verdict.drop)
  t.match(fastpath.counters(), { droppedHopLimit: 2n, forwarded: 0n })
  t.equal(fastpath.link(from.slot).consumed, 2n, 'its daemon must not take it for lost')
  const { packet } = fastpath.run(frameFrom(from, dataFrom(from, { hopLimit: 2 })))
  t.equal(readDatagram(datagramIn(packet)).hopLimit, 1)
})

t.test('a datagram that comes no nearer is dropped as running in a circle', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const [from, to] = neighbours
  t.equal(fastpath.run(frameFrom(from!, dataFrom(from!, { remaining: 400 }))).verdict, verdict.drop)
  t.equal(fastpath.run(frameFrom(to!, dataFrom(to!))).verdict, verdict.drop, 'never straight back')
  t.match(fastpath.counters(), { droppedLoop: 2n, toUserspace: 0n })
  t.equal(fastpath.link(from!.slot).consumed, 1n)
})

t.test('what the kernel cannot do goes to the daemon as it came', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours, connect } = relay
  const [from, to] = neighbours
  let left = 0n
  const leaves = (what: string, frame: Uint8Array): void => {
    const { verdict: result, packet } = fastpath.run(frame)
    t.equal(result, verdict.pass, what)
    t.strictSame(Buffer.from(packet), Buffer.from(frame), what)
    t.equal(fastpath.counters().toUserspace, ++left, what)
  }
  leaves('no route', frameFrom(from!, dataFrom(from!, { label: label('nobody') })))
  connect(to!, { ifindex: 0 })
  leaves('an address not learnt', frameFrom(from!, dataFrom(from!)))
  t.match(fastpath.link(to!.slot), { counter: 0n, txDatagrams: 0n }, 'no number is used up')
  connect(to!, { flags: 0 })
  leaves('no link', frameFrom(from!, dataFrom(from!)))
  connect(to!)
  fastpath.setMute(to!.ifindex, true)
  leaves('an interface that sends no frames for XDP', frameFrom(from!, dataFrom(from!)))
  fastpath.setMute(to!.ifindex, false)
  t.equal(fastpath.run(frameFrom(from!, dataFrom(from!))).verdict, verdict.redirect)
  connect(to!, { localIp: 'fd00:0:0:1:0:0:0:1' })
  leaves('addresses of two families', frameFrom(from!, dataFrom(from!)))
  fastpath.setRoute(targetLabel, {
    nextHop: 0,
    feasibleUs: 400,
    alternate: undefined,
    red: undefined,
    blue: undefined,
    former: undefined,
  })
  t.equal(fastpath.link(from!.slot).consumed, 1n, 'the daemon counts what it gets itself')
  connect(from!, { flags: 1 })
  leaves('no neighbour that lives but the one it came from', frameFrom(from!, dataFrom(from!)))
})

t.test('while keys are renewed the older link serves until the newer is learnt', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours, connect } = relay
  const [from, to] = neighbours
  const newer = { ...to!, slot: to!.slot + 100, localLinkId: 0x1900, remoteLinkId: 0x2900 }
  const idOfNext = (): number => {
    const { packet } = fastpath.run(frameFrom(from!, dataFrom(from!)))
    return readDatagram(datagramIn(packet)).linkId
  }
  connect(newer, { ifindex: 0 })
  fastpath.setNeighbour(to!.index, label(`node${to!.index}`), [newer.slot, to!.slot])
  t.equal(idOfNext(), to!.remoteLinkId, 'the kernel does not know yet where the newer one is reached')
  t.equal(fastpath.counters().toUserspace, 0n)
  connect(newer)
  t.equal(idOfNext(), newer.remoteLinkId)
  connect(to!, { flags: 0 })
  connect(newer, { ifindex: 0 })
  t.equal(fastpath.run(frameFrom(from!, dataFrom(from!))).verdict, verdict.pass, 'only the daemon can')
})

t.test('what is not of a link of this node is not touched', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  const passes = (what: string, frame: Uint8Array): void => {
    const { verdict: result, packet } = fastpath.run(frame)
    t.equal(result, verdict.pass, what)
    t.strictSame(Buffer.from(packet), Buffer.from(frame), what)
  }
  for (const [name, code] of Object.entries({ mtu: type.mtuProbe, answer: type.mtuAnswer, other: 0x20 }))
    passes(name, frameFrom(from, dataFrom(from, { type: code })))
  passes('unknown link', frameFrom(from, dataFrom(from, { linkId: 7 })))
  const transit = { ...from, local: { ...from.local, ip: '192.0.2.9' }, receiveKey: from.sendKey }
  passes('bad tag, to another address: this machine may be its router', frameFrom(transit, dataFrom(from)))
  passes('short, to another address', frameFrom(transit, dataFrom(from, { body: new Uint8Array(3) })))
  fastpath.removeLinkId(from.localLinkId)
  passes('a link that is gone', frameFrom(from, dataFrom(from)))
  for (const [name, count] of Object.entries(fastpath.counters())) t.equal(count, 0n, name)
})

t.test('past its time the program is as if it were not there', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours, self } = relay
  const from = neighbours[0]!
  self({ validUntilNs: nowNs() - 1n })
  for (const frame of [
    frameFrom(from, dataFrom(from)),
    frameFrom(from, dataFrom(from, { hopLimit: 1 })),
    frameFrom(from, dataFrom(from, { type: type.kernelProbe })),
    frameFrom({ ...from, receiveKey: from.sendKey }, dataFrom(from)),
  ]) {
    const { verdict: result, packet } = fastpath.run(frame)
    t.equal(result, verdict.pass)
    t.strictSame(Buffer.from(packet), Buffer.from(frame))
  }
  for (const [name, count] of Object.entries(fastpath.counters())) t.equal(count, 0n, name)
  self()
  t.equal(
    fastpath.run(frameFrom(from, dataFrom(from))).verdict,
    verdict.redirect,
    'a daemon that is back goes on',
  )
})

t.test('numbers of parallel windows are apart, and a forged one wedges neither', kernel, async (t) => {
  using relay = await open()
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  const send = (number: bigint): number => fastpath.run(frameFrom(from, dataFrom(from, { number }))).verdict
  const window = 2048n
  t.equal(send(0n), verdict.drop, 'zero is no number')
  t.equal(send(2n ** 53n), verdict.drop, 'nor what daemons cannot count')
  t.equal(send(2n ** 64n - 1n), verdict.drop)
  t.equal(send(10n), verdict.redirect)
  t.equal(send(kernelBase + 5000n), verdict.redirect)
  t.equal(send(9n), verdict.redirect, 'late in its own space, whatever the other says')
  t.equal(send(9n), verdict.drop)
  t.equal(send(kernelBase + 5000n - window), verdict.drop, 'too late')
  t.equal(send(kernelBase + 5001n - window), verdict.redirect, 'just in time')
  for (const forged of [1_000_000n, kernelBase - 1n, 2n ** 53n - 1n])
    fastpath.run(frameFrom({ ...from, receiveKey: from.sendKey }, dataFrom(from, { number: forged })))
  t.equal(send(11n), verdict.redirect)
  // A leap of the neighbour itself: what follows it passes, what it left behind does not come back.
  t.equal(send(10_000_000n), verdict.redirect)
  t.equal(send(10_000_001n), verdict.redirect)
  t.equal(send(10_000_000n), verdict.drop)
  t.equal(send(9_999_999n), verdict.redirect)
  t.equal(send(12n), verdict.drop)
  t.equal(fastpath.window(from.slot, false).top, 10_000_001n)
})
