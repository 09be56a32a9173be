// Two nodes and the cable between them: `a` probes, `b` answers. Nothing here runs in userspace but the test.
import { execFileSync } from 'node:child_process'
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import type { BpfLink } from '@x0t/bpf'
import { collectEvents } from '../support/events.ts'
import { flag, none, openFastpath, state, type Fastpath, type LinkView } from '../support/fastpath.ts'
import { headerBytes, isTagged, label, readDatagram, type } from '../support/frames.ts'
import { loadFastpath } from '../support/load.ts'
import { linkFields, neighbour, nowNs, selfPort, type Neighbour } from '../support/relay.ts'

const hour = 3_600_000_000_000n
const intervalMs = 5
const deadlineNs = 50_000_000n
/** Ethernet, IPv6, UDP, header: the longest probe. */
const tokenBytes = 110
const tokenEthertype = [0x88, 0xb5]

const ip = (...args: string[]): void => void execFileSync('ip', args)
const ifindexOf = (name: string): number => {
  const [link] = JSON.parse(execFileSync('ip', ['-json', 'link', 'show', name], { encoding: 'utf8' })) as [
    { ifindex: number },
  ]
  return link.ifindex
}

function makeCable(a: string, b: string): void {
  ip('link', 'add', a, 'type', 'veth', 'peer', 'name', b)
  for (const name of [a, b]) ip('link', 'set', name, 'up')
}

/** Waits until the kernel has written what is waited for; the test's timeout ends it. */
async function until<T>(read: () => T, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = read()
    if (holds(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

const xdp = (node: Fastpath, program: string, name: string): BpfLink =>
  node.object.programs.get(program)!.attach({ kind: 'xdp', interface: name, mode: 'native' })

for (const isIpv6 of [false, true]) {
  t.test(`probes over ${isIpv6 ? 'IPv6' : 'IPv4'} go round without userspace`, async (t) => {
    const [cableA, cableB, pacer, pacerEnd] = ['a0', 'b0', 'p0', 'p1'].map(
      (name) => name + (isIpv6 ? 'v6' : 'v4'),
    ) as [string, string, string, string]
    makeCable(cableA, cableB)
    makeCable(pacer, pacerEnd)
    // One token at a time, one interval for its bytes.
    const rate = `${(tokenBytes * 8 * 1000) / intervalMs}bit`
    execFileSync(
      'tc',
      `qdisc add dev ${pacer} root tbf rate ${rate} burst ${tokenBytes + 10} limit 10000`.split(' '),
    )

    using a = openFastpath(await loadFastpath())
    using b = openFastpath(await loadFastpath())
    const seenByA = neighbour(0, isIpv6)
    const seenByB: Neighbour = {
      ...seenByA,
      localLinkId: seenByA.remoteLinkId,
      remoteLinkId: seenByA.localLinkId,
      sendKey: seenByA.receiveKey,
      receiveKey: seenByA.sendKey,
      local: seenByA.remote,
      remote: seenByA.local,
    }
    const self = { port: selfPort, validUntilNs: nowNs() + hour, pacerIfindex: 0, probed: [] }
    const { slot } = seenByA
    const probing = {
      ...self,
      label: label('a'),
      pacerIfindex: ifindexOf(pacer),
      // Of a slot that is free, one that is not to be probed, and one not learnt nothing is sent.
      probed: [400, slot + 1, slot + 2, slot],
    }
    a.setSelf(probing)
    a.setLink(slot, seenByA.localLinkId, {
      ...linkFields(seenByA),
      flags: flag.used | flag.userAlive | flag.probed,
      ifindex: ifindexOf(cableA),
      intervalNs: BigInt(intervalMs) * 1_000_000n,
      deadlineNs,
    })
    a.setLink(slot + 1, 1, linkFields(seenByA))
    a.setLink(slot + 2, 2, { ...linkFields(seenByA), flags: flag.used | flag.probed, ifindex: 0 })
    a.setNeighbour(0, label('b'), [slot, none])
    // The other end listens where the neighbour of `a` is said to be.
    b.setSelf({ ...self, label: label('b'), port: seenByA.remote.port })
    b.setLink(slot, seenByB.localLinkId, { ...linkFields(seenByB), ifindex: 0 })

    using attached = new DisposableStack()
    attached.use(xdp(a, 'x0t_fastpath', cableA))
    attached.use(xdp(a, 'x0t_pass', pacerEnd))
    const metronome = a.object.programs.get('x0t_metronome')!
    attached.use(metronome.attach({ kind: 'tcx', interface: pacerEnd, direction: 'ingress' }))
    let fastpathB = xdp(b, 'x0t_fastpath', cableB)
    const events = collectEvents(t, a)
    const link = (): LinkView => a.link(slot)

    const token = new Uint8Array(tokenBytes)
    token.set(tokenEthertype, 12)
    a.object.programs.get('x0t_pass')!.sendLive(token, { count: 1, ifindex: ifindexOf(pacerEnd) })

    const up = await until(link, (value) => value.state === state.up && value.answered > 20n)
    t.ok(up.sent >= up.answered && up.sent - up.answered < 3n, `${up.answered} of ${up.sent} answered`)
    t.equal(up.counter, up.txDatagrams)
    t.equal(up.downs, 0n)
    t.equal(a.counters().redirectFailed, 0n)
    t.equal(a.link(slot + 1).sent + a.link(slot + 2).sent, 0n)
    t.match(await events(1), [{ slot, state: state.up }])
    const answering = b.link(slot)
    t.equal(answering.ifindex, ifindexOf(cableB), 'the probes tell the other where we are')
    t.equal(answering.consumed, 0n)
    t.ok(b.counters().probesAnswered > 20n)

    // A cable that swallows everything: nobody sends data, and the silence is found all the same.
    fastpathB[Symbol.dispose]()
    const [, down] = await events(2)
    t.match(down, { slot, state: state.down })
    t.ok(down!.silenceNs > deadlineNs)
    const dead = link()
    t.match(dead, { state: state.down, downs: 1n })
    t.ok(dead.sent - dead.answered >= 3n)
    await until(link, ({ sent }) => sent > dead.sent + 5n)
    t.equal(link().downs, 1n, 'and it is asked on')

    fastpathB = xdp(b, 'x0t_fastpath', cableB)
    t.match((await events(3)).at(-1), { slot, state: state.up })

    // No daemon has said for long that it is there: the token goes on, the probes do not.
    a.setSelf({ ...probing, validUntilNs: 1n })
    const expired = link().sent
    const ticks = a.ticks()
    await until(
      () => a.ticks(),
      (now) => now > ticks + 10n,
    )
    t.ok(link().sent - expired <= 1n)
    a.setSelf(probing)
    const stopped = link().answered
    await until(link, ({ answered }) => answered > stopped + 5n)
    t.match(link(), { state: state.up, downs: 1n }, 'that was no silence of the neighbour')
    fastpathB[Symbol.dispose]()

    // To the stack of the other end a probe is a datagram like any: right lengths, right checksums, of IPv6 too.
    const { local, remote } = seenByA
    const socket = createSocket(isIpv6 ? 'udp6' : 'udp4')
    t.teardown(() => socket.close())
    const deviceOptions = isIpv6 ? ['nodad'] : []
    ip('address', 'add', `${remote.ip}/${isIpv6 ? 64 : 24}`, 'dev', cableB, ...deviceOptions)
    ip('link', 'set', cableB, 'address', remote.mac)
    await new Promise<void>((resolve) => socket.bind(remote.port, remote.ip, resolve))
    const [datagram, { address, port }] = (await once(socket, 'message')) as [Buffer, RemoteInfo]
    t.equal(datagram.length, headerBytes)
    t.match(readDatagram(datagram), { type: type.kernelProbe, linkId: seenByA.remoteLinkId })
    t.ok(isTagged(seenByA.sendKey, datagram))
    const sender = isIpv6 ? new URL(`http://[${local.ip}]`).hostname.slice(1, -1) : local.ip
    t.strictSame([address, port], [sender, local.port])
  })
}
