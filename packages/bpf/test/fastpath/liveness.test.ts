import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { collectEvents } from './support/events.ts'
import { openTestRelay } from './support/load.ts'
import { flag, state, verdict } from './support/fastpath.ts'
import {
  datagramIn,
  kernelBase,
  macBytes,
  mappedBytes,
  readDatagram,
  type,
  writeDatagram,
  writeFrame,
} from './support/frames.ts'
import {
  dataFrom,
  frameFrom,
  loopback,
  nextNumber,
  nowNs,
  probeBody,
  targetLabel,
  type Neighbour,
  type Relay,
} from './support/relay.ts'
import { requireKernel } from './support/capability.ts'

const kernel = requireKernel(t)
const second = 1_000_000_000n
const watched = flag.used | flag.userAlive | flag.probed
const plain = { alternate: undefined, red: undefined, blue: undefined, former: undefined }

let kernelNumber = kernelBase
const control = (from: Neighbour, code: number, sentNs: bigint, number: bigint) =>
  dataFrom(from, {
    type: code,
    hopLimit: 255,
    number: ++kernelNumber,
    label: new Uint8Array(8),
    plane: 0,
    remaining: 0,
    body: probeBody(sentNs, number),
  })
const reply = ({ fastpath }: Relay, from: Neighbour, sentNs: bigint, number: bigint): number =>
  fastpath.run(frameFrom(from, control(from, type.kernelReply, sentNs, number))).verdict

t.test('a probe of the neighbour becomes the reply, sent back where it came from', kernel, async (t) => {
  for (const ipv6 of [[], [0]]) {
    using relay = await openTestRelay(1, ipv6)
    const { fastpath, neighbours } = relay
    const from = neighbours[0]!
    const probe = control(from, type.kernelProbe, 123_456n, 9n)
    for (const options of ipv6.length === 0 ? [{}, { options: 8 }] : [{}]) {
      const { verdict: result, packet } = fastpath.run(
        frameFrom(from, { ...probe, number: ++kernelNumber }, { ...options, udpChecksum: 'valid' }),
      )
      t.equal(result, verdict.tx)
      const expected = writeFrame(
        from.local,
        from.remote,
        writeDatagram(
          {
            ...probe,
            type: type.kernelReply,
            linkId: from.remoteLinkId,
            number: kernelBase + fastpath.link(from.slot).counter,
          },
          from.sendKey,
        ),
        { udpChecksum: 'valid' },
      )
      t.equal(Buffer.from(packet).toString('hex'), Buffer.from(expected).toString('hex'))
    }
    const count = ipv6.length === 0 ? 2n : 1n
    t.equal(fastpath.counters().probesAnswered, count)
    t.match(fastpath.link(from.slot), {
      rxDatagrams: count,
      txDatagrams: count,
      txBytes: 48n * count,
      consumed: 0n,
    })
  }
})

t.test('a probe is left to the daemon where the answer could not get out', kernel, async (t) => {
  using relay = await openTestRelay(1)
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  fastpath.setMute(loopback, true)
  const frame = frameFrom(from, control(from, type.kernelProbe, 1n, 1n))
  const { verdict: result, packet } = fastpath.run(frame)
  t.equal(result, verdict.pass)
  t.strictSame(Buffer.from(packet), Buffer.from(frame))
  t.match(fastpath.counters(), { probesAnswered: 0n, toUserspace: 1n })
  fastpath.setMute(loopback, false)
  t.equal(fastpath.run(frameFrom(from, control(from, type.kernelProbe, 1n, 1n))).verdict, verdict.tx)
})

t.test('a probe that is forged or replayed is not answered', kernel, async (t) => {
  using relay = await openTestRelay(1)
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  const forged = frameFrom({ ...from, receiveKey: from.sendKey }, control(from, type.kernelProbe, 1n, 1n))
  t.equal(fastpath.run(forged).verdict, verdict.drop)
  const right = frameFrom(from, control(from, type.kernelProbe, 1n, 1n))
  t.equal(fastpath.run(right).verdict, verdict.tx)
  t.equal(fastpath.run(right).verdict, verdict.drop)
  t.match(fastpath.counters(), { probesAnswered: 1n, droppedBadTag: 1n, droppedReplay: 1n })
})

t.test('three replies in a row bring a link up, and say so once', kernel, async (t) => {
  using relay = await openTestRelay(1)
  const { fastpath, neighbours, connect } = relay
  const events = collectEvents(t, fastpath)
  const from = neighbours[0]!
  for (const before of [state.unknown, state.down]) {
    connect(from, { flags: watched, state: before, sent: 20n, answered: 3n })
    const sentNs = nowNs()
    for (const number of [5n, 6n, 9n, 10n]) {
      t.equal(reply(relay, from, sentNs, number), verdict.drop)
      t.equal(fastpath.link(from.slot).state, before, `not by ${number}`)
    }
    t.equal(fastpath.link(from.slot).streak, 2)
    t.equal(reply(relay, from, sentNs, 11n), verdict.drop)
    const link = fastpath.link(from.slot)
    t.match(link, { state: state.up, streak: 0, answered: 11n, downs: 0n, stalls: 0n })
    t.ok(link.replyNs >= sentNs && link.replyNs <= nowNs())
    t.ok(link.rttNs > 0n && link.rttNs <= nowNs() - sentNs)
    reply(relay, from, sentNs, 12n)
  }
  t.equal(fastpath.counters().replies, 12n)
  // The collector must not take what the event loop calls.
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  t.match(await events(2), [
    { slot: from.slot, state: state.up },
    { slot: from.slot, state: state.up },
  ])
})

t.test('a reply to no probe of ours, or to one already answered, says nothing', kernel, async (t) => {
  using relay = await openTestRelay(1)
  const { fastpath, neighbours, connect } = relay
  const from = neighbours[0]!
  connect(from, { flags: watched, sent: 8n, answered: 5n, replyNs: 1n })
  for (const [number, sentNs] of [
    [9n, nowNs()],
    [5n, nowNs()],
    [0n, nowNs()],
    [2n ** 64n - 1n, nowNs()],
    [6n, nowNs() + second],
  ] as const)
    t.equal(reply(relay, from, sentNs, number), verdict.drop)
  const wrong = control(from, type.kernelReply, nowNs(), 6n)
  t.equal(fastpath.run(frameFrom({ ...from, receiveKey: from.sendKey }, wrong)).verdict, verdict.drop)
  t.match(fastpath.link(from.slot), { answered: 5n, replyNs: 1n, streak: 0, rttNs: 0n })
  t.equal(fastpath.counters().droppedBadTag, 1n)
})

t.test('the first packet that finds a link silent takes it down and goes elsewhere', kernel, async (t) => {
  using relay = await openTestRelay(3)
  const { fastpath, neighbours, connect } = relay
  const events = collectEvents(t, fastpath)
  const [from, next, other] = neighbours
  fastpath.setRoute(targetLabel, {
    ...plain,
    nextHop: 1,
    feasibleUs: 100,
    alternate: { neighbour: 2, plane: 1, remaining: 300 },
  })
  const taken = (): number => {
    const { packet } = fastpath.run(frameFrom(from!, dataFrom(from!, { number: nextNumber() })))
    return readDatagram(datagramIn(packet)).linkId
  }
  const upAgo = (agoNs: bigint, unanswered: bigint) => ({
    flags: watched,
    state: state.up,
    sent: 100n,
    answered: 100n - unanswered,
    replyNs: nowNs() - agoNs,
    deadlineNs: second,
    misses: 3,
  })
  connect(next!, upAgo(0n, 50n))
  t.equal(taken(), next!.remoteLinkId, 'heard a moment ago')
  connect(next!, upAgo(2n * second, 2n))
  t.equal(taken(), next!.remoteLinkId, 'silent, but this machine has not asked often enough: its own stall')
  t.match(fastpath.link(next!.slot), { state: state.up, downs: 0n })
  t.equal(reply(relay, next!, nowNs() - second, 99n), verdict.drop)
  t.equal(fastpath.link(next!.slot).stalls, 1n, 'counted when it ends')
  reply(relay, next!, nowNs(), 100n)
  t.equal(fastpath.link(next!.slot).stalls, 1n, 'and once')
  connect(next!, upAgo(2n * second, 3n))
  for (let i = 0; i < 3; i++) t.equal(taken(), other!.remoteLinkId, 'dead')
  t.match(fastpath.link(next!.slot), { state: state.down, downs: 1n, streak: 0 })
  const [event] = await events(1)
  t.match(event, { slot: next!.slot, state: state.down })
  t.ok(event!.silenceNs >= 2n * second && event!.silenceNs <= 3n * second + (nowNs() - event!.atNs))
  for (const number of [98n, 99n, 100n]) reply(relay, next!, nowNs(), number)
  t.equal(taken(), next!.remoteLinkId, 'it answers again')
  t.match((await events(2)).at(-1), { slot: next!.slot, state: state.up })
})

t.test('the kernel judges only what it probes and is to watch', kernel, async (t) => {
  using relay = await openTestRelay(3)
  const { fastpath, neighbours, connect } = relay
  const [from, next] = neighbours
  fastpath.setRoute(targetLabel, { ...plain, nextHop: 1, feasibleUs: 100 })
  const silentFor = (flags: number, was: number) => {
    connect(next!, { flags, state: was, sent: 100n, replyNs: nowNs() - second, deadlineNs: 1000n })
    const run = fastpath.run(frameFrom(from!, dataFrom(from!, { number: nextNumber() })))
    return [run.verdict, fastpath.counters().toSilent, fastpath.link(next!.slot).state]
  }
  t.strictSame(
    silentFor(flag.used | flag.userAlive, state.up),
    [verdict.redirect, 0n, state.up],
    'not probed',
  )
  t.strictSame(silentFor(flag.used | flag.userAlive, state.down), [verdict.redirect, 0n, state.down])
  t.strictSame(silentFor(watched | flag.unwatched, state.up), [verdict.redirect, 0n, state.up], 'given up')
  t.strictSame(silentFor(watched | flag.unwatched, state.down), [verdict.redirect, 0n, state.down])
  t.strictSame(silentFor(watched, state.unknown), [verdict.redirect, 0n, state.unknown], 'never answered yet')
  t.strictSame(
    silentFor(watched, state.up),
    [verdict.redirect, 1n, state.down],
    'the last way out all the same',
  )
  t.strictSame(
    silentFor(flag.used | flag.probed, state.up),
    [verdict.redirect, 2n, state.up],
    "the daemon's word",
  )
})

t.test(
  'where a neighbour is, is learnt from the newest valid probe that comes from there',
  kernel,
  async (t) => {
    using relay = await openTestRelay(1)
    const { fastpath, neighbours, connect } = relay
    const from = neighbours[0]!
    const learnt = () => {
      const { ifindex, localIp, localMac, remoteMac } = fastpath.link(from.slot)
      return { ifindex, localIp, localMac, remoteMac }
    }
    const forget = (): void => connect(from, { ifindex: 0 })
    const all = {
      ifindex: loopback,
      localIp: mappedBytes(from.local.ip),
      localMac: macBytes(from.local.mac),
      remoteMac: macBytes(from.remote.mac),
    }
    const nothing = {
      ifindex: 0,
      localIp: new Uint8Array(16),
      localMac: new Uint8Array(6),
      remoteMac: new Uint8Array(6),
    }
    for (const [code, result] of [
      [type.probe, verdict.pass],
      [type.kernelProbe, verdict.tx],
      [type.kernelReply, verdict.drop],
    ] as const) {
      forget()
      t.equal(fastpath.run(frameFrom(from, control(from, code, 1n, 1n))).verdict, result)
      t.strictSame(learnt(), all, `type ${code}`)
      forget()
      const elsewhere = { ...from, remote: { ...from.remote, port: from.remote.port + 1 } }
      fastpath.run(frameFrom(elsewhere, control(from, code, 1n, 1n)))
      const otherHost = { ...from, remote: { ...from.remote, ip: '10.1.0.3' } }
      fastpath.run(frameFrom(otherHost, control(from, code, 1n, 1n)))
      t.strictSame(learnt(), nothing, 'not from elsewhere')
      const forged = { ...from, receiveKey: from.sendKey }
      fastpath.run(frameFrom(forged, control(from, code, 1n, 1n)))
      t.strictSame(learnt(), nothing, 'not from what is forged')
      fastpath.run(frameFrom(elsewhere, { ...control(from, code, 1n, 1n), number: kernelNumber + 50n }))
      fastpath.run(frameFrom(from, control(from, code, 1n, 1n)))
      t.strictSame(learnt(), nothing, 'not from what is older than another')
      kernelNumber += 60n
    }
    forget()
    fastpath.run(frameFrom(from, dataFrom(from)))
    t.strictSame(learnt(), nothing, 'not from what is forwarded')
  },
)

t.test("the daemon's probes are all left to it", kernel, async (t) => {
  using relay = await openTestRelay(1)
  const { fastpath, neighbours } = relay
  const from = neighbours[0]!
  const right = frameFrom(from, control(from, type.probe, 1n, 1n))
  const forged = frameFrom({ ...from, receiveKey: from.sendKey }, control(from, type.probe, 1n, 1n))
  for (const frame of [right, right, forged]) {
    const { verdict: result, packet } = fastpath.run(frame)
    t.equal(result, verdict.pass)
    t.strictSame(Buffer.from(packet), Buffer.from(frame))
  }
  for (const [name, count] of Object.entries(fastpath.counters())) t.equal(count, 0n, name)
  t.match(fastpath.link(from.slot), { consumed: 0n, rxDatagrams: 0n })
})
