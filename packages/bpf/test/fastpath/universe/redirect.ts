// A datagram that comes in at one interface leaves at another, and the stack of the next node takes it.
import { execFileSync } from 'node:child_process'
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { interfaceIndexOf, xdpFeatures } from '@x0t/bpf'
import { isTagged, readDatagram, writeDatagram, writeFrame } from '../support/frames.ts'
import { openTestRelay } from '../support/load.ts'
import { dataFrom, frameFrom, targetLabel } from '../support/relay.ts'

const ip = (text: string): void => void execFileSync('ip', text.split(' '))

for (const isIpv6 of [false, true]) {
  t.test(`a relay passes a datagram on to the stack of an IPv${isIpv6 ? 6 : 4} neighbour`, async (t) => {
    const [incoming, outgoing, far] = ['in', 'out', 'far'].map((name) => name + (isIpv6 ? 'v6' : 'v4')) as [
      string,
      string,
      string,
    ]
    ip(`link add ${incoming} type veth peer name ${incoming}-far`)
    ip(`link add ${outgoing} type veth peer name ${far}`)
    for (const name of [incoming, `${incoming}-far`, outgoing, far]) ip(`link set ${name} up`)
    using relay = await openTestRelay(2, isIpv6 ? [1] : [])
    const { fastpath, neighbours, connect } = relay
    const [from, to] = neighbours
    const { local, remote } = to!
    ip(`link set ${far} address ${remote.mac}`)
    ip(`address add ${remote.ip}/${isIpv6 ? '64' : '24'} dev ${far}${isIpv6 ? ' nodad' : ''}`)
    connect(to!, { ifindex: interfaceIndexOf(outgoing) })
    fastpath.setRoute(targetLabel, {
      nextHop: 1,
      feasibleUs: 5,
      alternate: undefined,
      red: undefined,
      blue: undefined,
      former: undefined,
    })
    const program = fastpath.object.programs.get('x0t_fastpath')!
    using attached = new DisposableStack()
    for (const name of [incoming, outgoing])
      attached.use(program.attach({ kind: 'xdp', interface: name, mode: 'native' }))
    t.equal(xdpFeatures(outgoing)?.transmits, false)
    const pass = fastpath.object.programs.get('x0t_pass')!
    attached.use(pass.attach({ kind: 'xdp', interface: far, mode: 'native' }))
    t.equal(xdpFeatures(outgoing)?.transmits, true, 'since the other end has XDP')

    const socket = createSocket(isIpv6 ? 'udp6' : 'udp4')
    t.teardown(() => socket.close())
    await new Promise<void>((resolve) => socket.bind(remote.port, remote.ip, resolve))
    const ifindex = interfaceIndexOf(incoming)
    for (const udpChecksum of ['valid', 'partial'] as const) {
      const sent = dataFrom(from!)
      // IPv6 without a checksum only reaches sockets that ask for it.
      if (isIpv6 && udpChecksum === 'partial') continue
      const arriving = once(socket, 'message') as Promise<[Buffer, RemoteInfo]>
      program.sendLive(frameFrom(from!, sent, { udpChecksum }), { count: 1, ifindex })
      const [datagram, { port }] = await arriving
      t.ok(isTagged(to!.sendKey, datagram))
      t.match(readDatagram(datagram), { linkId: to!.remoteLinkId, remaining: 5, hopLimit: sent.hopLimit - 1 })
      t.strictSame(readDatagram(new Uint8Array(datagram)).body, sent.body)
      t.equal(port, local.port)
    }
    // What the checksum says is heeded: one that was wrong gets no further than the stack.
    const wrong = frameFrom(from!, dataFrom(from!, { remaining: 6 }), { udpChecksum: 0x1234 })
    program.sendLive(wrong, { count: 1, ifindex })
    const right = dataFrom(from!, { remaining: 7, hopLimit: 77 })
    const arriving = once(socket, 'message') as Promise<[Buffer, RemoteInfo]>
    const frame = writeFrame(from!.remote, from!.local, writeDatagram(right, from!.receiveKey), {
      udpChecksum: 'valid',
    })
    program.sendLive(frame, { count: 1, ifindex })
    t.equal(readDatagram((await arriving)[0]).hopLimit, 76, 'only the one that was right')
  })
}
