import { nodeIdFromBytes, type Clock, type NodeId, type Random } from '@x0t/core'
import { multiaddr } from '@multiformats/multiaddr'
import t from 'tap'
import {
  formatAddress,
  fromMultiaddr,
  isDialableHint,
  isOverlayIp,
  parseAddress,
  plainIp,
  toMultiaddr,
} from '../src/address.ts'
import { DialPlan, type DialTarget, type DialView } from '../src/dial-plan.ts'
import { NeighbourTable } from '../src/neighbour-table.ts'
import { rateKey, TokenBuckets } from '../src/token-bucket.ts'

const node = (byte: number): NodeId => nodeIdFromBytes(new Uint8Array(32).fill(byte))
const address = (last: number): { host: string; port: number } => ({ host: `192.0.2.${last}`, port: 7800 })
/** Jitter in the middle: waits are 0.75 of the full length. */
const random: Random = { bytes: (length) => new Uint8Array(length).fill(128) }

function view(connected: NodeId[] = []): DialView {
  return {
    isConnected: ({ nodeId }: DialTarget) => nodeId !== undefined && connected.includes(nodeId),
    connections: connected.length,
  }
}

function makePlan(seekNeighbours = 2): DialPlan {
  return new DialPlan({ own: node(1), random, seekNeighbours, redialMinMs: 100, redialMaxMs: 1_000 })
}

t.test('a configured address is dialled for ever, with waits that double up to the longest', async (t) => {
  const plan = makePlan()
  plan.addConfigured(address(1))
  let nowMs = 0
  const waits: number[] = []
  for (let i = 0; i < 6; i++) {
    const [dial] = plan.due(nowMs, view())
    t.ok(dial)
    t.equal(plan.due(nowMs, view()).length, 0, 'not twice at once')
    plan.failed(dial!.target, nowMs, 'unreachable')
    const nextMs = plan.nextDueMs(view())!
    waits.push(nextMs - nowMs)
    t.equal(plan.due(nextMs - 1, view()).length, 0)
    nowMs = nextMs
  }
  t.same(waits, [75, 150, 300, 600, 750, 750])
  plan.retryNow()
  t.equal(plan.due(0, view()).length, 1)
})

t.test('addresses of others are dialled only while neighbours are wanted', async (t) => {
  const plan = makePlan(2)
  for (let i = 2; i < 6; i++) plan.addKnown(node(i), [address(i)])
  plan.addKnown(node(1), [address(1)])
  t.equal(plan.targets.length, 4, 'not its own')
  t.equal(plan.due(0, view([node(9)])).length, 1)
  t.equal(plan.due(0, view([node(9)])).length, 0, 'that one is on its way')
  t.equal(plan.nextDueMs(view([node(8), node(9)])), undefined)
  plan.addConfigured(address(77))
  t.equal(plan.due(0, view([node(8), node(9)])).length, 1, 'configured ones always')
})

t.test('one node is not dialled over two of its addresses at once, nor while it is connected', async (t) => {
  const plan = makePlan(8)
  plan.addConfigured(address(1))
  plan.addConfigured(address(2))
  const dials = plan.due(0, view())
  t.equal(dials.length, 2, 'nobody knows yet that both are one')
  for (const { target } of dials) plan.dialled(target, node(5))
  t.equal(plan.due(0, view([node(5)])).length, 0)
  t.ok(plan.isConfigured(node(5)))
  plan.lost(node(5), 0, 60_000, 'connection-lost')
  t.equal(plan.due(74, view()).length, 0)
  t.equal(plan.due(75, view()).length, 1)
  plan.addKnown(node(5), [address(3)])
  t.equal(plan.due(75, view()).length, 0, 'the hint is the same node')
})

t.test('the addresses of a node take turns, and one where another node lives is dropped', async (t) => {
  const plan = makePlan()
  plan.addKnown(node(5), [address(1), address(2)])
  const [first] = plan.due(0, view())
  t.same(first?.address, address(1))
  plan.failed(first!.target, 0, 'unreachable')
  const [second] = plan.due(1_000, view())
  t.same(second?.address, address(2))
  plan.failed(second!.target, 1_000, 'wrong-node')
  const [third] = plan.due(10_000, view())
  t.same(third?.address, address(1))
  plan.failed(third!.target, 10_000, 'wrong-node')
  t.same(plan.targets, [])
})

t.test('a node found by mDNS is dialled, and this node itself is not dialled again', async (t) => {
  const plan = makePlan()
  plan.addDiscovered('12D3KooWexample', [address(1)])
  const [dial] = plan.due(0, view())
  plan.failed(dial!.target, 0, 'self')
  t.equal(plan.due(1e9, view()).length, 0)
})

t.test('being sent away for want of room makes a node wait the longest', async (t) => {
  const plan = makePlan()
  plan.addConfigured(address(1))
  const [dial] = plan.due(0, view())
  plan.dialled(dial!.target, node(5))
  plan.lost(node(5), 50, 20_000, 'too-many')
  t.equal(plan.nextDueMs(view()), 1_050)
})

t.test('a flood of hints is bounded, and the hints that failed go first', async (t) => {
  const plan = makePlan()
  const hint = (i: number): NodeId => nodeIdFromBytes(Buffer.from(i.toString(16).padStart(64, '0'), 'hex'))
  plan.addKnown(hint(1), [address(1)])
  const [dial] = plan.due(0, view())
  plan.failed(dial!.target, 0, 'unreachable')
  for (let i = 2; i < 1_100; i++) plan.addKnown(hint(i), [address(i % 256)])
  t.equal(plan.targets.length, 1_024)
  t.notOk(plan.targets.some(({ nodeId }) => nodeId === hint(1)))
  const many = Array.from({ length: 50 }, (_, i) => address(i + 1))
  plan.addKnown(hint(9_999), many)
  t.ok(plan.targets.every(({ addresses }) => addresses.length <= 8))
})

t.test('new addresses of a known node are tried without the old wait', async (t) => {
  const plan = makePlan()
  plan.addKnown(node(5), [address(1)])
  const [dial] = plan.due(0, view())
  plan.failed(dial!.target, 0, 'unreachable')
  plan.addKnown(node(5), [address(1)])
  t.equal(plan.due(0, view()).length, 0)
  plan.addKnown(node(5), [address(2), address(1)])
  t.same(plan.due(0, view())[0]?.address, address(2))
})

t.test('both ends of a simultaneous dial keep the connection of the lower id', async (t) => {
  const [low, high] = [node(1), node(2)]
  for (const order of ['low first', 'high first']) {
    const kept: boolean[] = []
    for (const [own, peer] of [
      [low, high],
      [high, low],
    ] as const) {
      const table = new NeighbourTable<{ nodeId: NodeId; isOurs: boolean }>(own)
      const byLow = { nodeId: peer, isOurs: own === low }
      const byHigh = { nodeId: peer, isOurs: own === high }
      const links = order === 'low first' ? [byLow, byHigh] : [byHigh, byLow]
      const changes = links.flatMap((link) => table.add(link))
      kept.push(table.get(peer) === byLow)
      t.same(
        changes.filter(({ kind }) => kind === 'retire').map(({ link }) => link),
        [byHigh],
        order,
      )
      t.same(table.remove(byHigh), [], 'the end of the duplicate is no event')
      t.same(table.remove(byLow), [{ kind: 'down', link: byLow, replaced: false }])
      t.equal(table.size, 0)
    }
    t.same(kept, [true, true], order)
  }
})

t.test(
  'of two connections by the same dialler the newer is used and the dialler closes the older',
  async (t) => {
    const inbound = { nodeId: node(2), isOurs: false }
    const again = { nodeId: node(2), isOurs: false }
    const table = new NeighbourTable<typeof inbound>(node(1))
    t.same(table.add(inbound), [{ kind: 'up', link: inbound }])
    t.same(table.add(again), [
      { kind: 'down', link: inbound, replaced: true },
      { kind: 'up', link: again },
    ])
    t.same(
      table.remove(again),
      [
        { kind: 'down', link: again, replaced: true },
        { kind: 'up', link: inbound },
      ],
      'the other one takes over if the dialler closed the newer',
    )
    const ours = { nodeId: node(3), isOurs: true }
    const oursAgain = { nodeId: node(3), isOurs: true }
    table.add(ours)
    t.match(table.add(oursAgain)[2], { kind: 'retire', link: ours })
    t.same(table.remove({ nodeId: node(7), isOurs: true }), [], 'a link that never came up')
  },
)

t.test('a bucket gives its burst, then the rate, to each key for itself', async (t) => {
  let nowMs = 0
  const clock: Clock = { wallMs: () => nowMs, monotonicMs: () => nowMs, setTimer: () => () => {} }
  const buckets = new TokenBuckets({ burst: 2, perSecond: 1 }, clock)
  t.same(
    [1, 2, 3].map(() => buckets.take('a')),
    [true, true, false],
  )
  t.ok(buckets.take('b'))
  nowMs = 999
  t.notOk(buckets.take('a'))
  nowMs = 1_000
  t.ok(buckets.take('a'))
  for (let i = 0; i < 5_000; i++) buckets.take(`key ${i}`)
  t.ok(buckets.take('b'), 'forgotten among too many keys')
})

t.test('IPv6 addresses share a bucket by their /64', async (t) => {
  t.equal(rateKey('192.0.2.1'), '192.0.2.1')
  t.equal(rateKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  t.equal(rateKey('2001:db8::1'), '2001:db8:0:0::/64')
  t.equal(rateKey('::1'), '0:0:0:0::/64')
})

t.test('addresses are read, written and judged', async (t) => {
  t.same(parseAddress('192.0.2.1:7800'), { host: '192.0.2.1', port: 7800 })
  t.same(parseAddress('[2001:db8::1]:1'), { host: '2001:db8::1', port: 1 })
  t.same(parseAddress('host.example:65535'), { host: 'host.example', port: 65_535 })
  for (const text of ['', 'host', 'host:0', 'host:65536', '2001:db8::1:5', '[192.0.2.1]:5', 'a b:5', 'h:5/x'])
    t.throws(() => parseAddress(text), { code: 'CONTROL_ADDRESS_INVALID' }, text)
  for (const text of ['192.0.2.1:7800', '[2001:db8::1]:1', 'host.example:5']) {
    t.equal(formatAddress(parseAddress(text)), text)
    t.same(fromMultiaddr(toMultiaddr(parseAddress(text))), parseAddress(text))
  }
  t.equal(fromMultiaddr(multiaddr('/ip4/192.0.2.1/udp/5/quic-v1')), undefined)
  t.equal(fromMultiaddr(multiaddr('/ip4/192.0.2.1/tcp/5')), undefined)
  t.equal(plainIp('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(plainIp('fe80::1%eth0'), 'fe80::1')
  t.ok(isOverlayIp('fd78::1'))
  t.notOk(isOverlayIp('fd79::1'))
  for (const host of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1', 'fd78::1', 'evil.example'])
    t.notOk(isDialableHint({ host, port: 5 }), host)
  t.notOk(isDialableHint({ host: '192.0.2.1', port: 0 }))
  t.ok(isDialableHint({ host: '192.0.2.1', port: 5 }))
  t.ok(isDialableHint({ host: '2001:db8::1', port: 5 }))
})
