import {
  generateKeyPairSync,
  sign as ed25519Sign,
  verify as ed25519Verify,
  type KeyObject,
} from 'node:crypto'
import t from 'tap'
import type { NodeId } from '@x0t/core'
import { maxRemaining, planes, type Plane } from '../src/forward.ts'
import { limits } from '../src/index.ts'
import { encodeLinkState } from '../src/link-state.ts'
import { decodeMessage, encodeMessage, type Envelope } from '../src/message.ts'
import { cheapSignature, createMeshNetwork, idOf, type Edge, type MeshNetwork } from './mesh-network.ts'
import { faultsOf } from './oracle.ts'
import { grid, line, ring } from './topologies.ts'

const indices = (size: number): number[] => Array.from({ length: size }, (_, index) => index)

/** A link state of `origin`, signed with the key of `signer`. */
function stateOf(
  origin: number,
  sequence: number,
  neighbours: readonly number[],
  { signer = origin, issuedAtMs = 1_700_000_000_000 } = {},
): Envelope {
  const body = encodeLinkState({
    origin: idOf(origin),
    sequence,
    name: 'made by a test',
    addresses: [],
    features: [],
    neighbours: new Map(
      neighbours
        .map(idOf)
        .toSorted((a, b) => (a < b ? -1 : 1))
        .map((id) => [id, { costUs: 1, datagramBytes: 1400 }]),
    ),
    issuedAtMs,
  })
  return { origin: idOf(origin), sequence, ageMs: 0, body, signature: cheapSignature(idOf(signer), body) }
}

/** Gives a node a message as if its neighbour had sent it. */
function inject(network: MeshNetwork, to: number, from: number, ...envelopes: readonly Envelope[]): void {
  const bytes = encodeMessage({ type: 'states', envelopes })
  network.node(to).do({ type: 'message', from: network.ids[from]!, bytes })
}

const sequenceOf = (network: MeshNetwork, at: number, of: number): number | undefined =>
  network
    .node(at)
    .mesh.map()
    .nodes.find((node) => node.id === network.ids[of])?.sequence

const far = 2_000_000_000_000

t.test('a link state that another key signed is refused and not passed on', (t) => {
  const edges = line(4)
  const network = createMeshNetwork({ seed: 'forged', size: 4, edges })
  network.simnet.run(5000)
  inject(network, 1, 0, stateOf(3, far, [0], { signer: 0 }))
  network.simnet.run(1000)
  for (const at of indices(4)) t.ok(sequenceOf(network, at, 3)! < far)
  t.same(faultsOf(network, edges, indices(4)), [])
  t.end()
})

t.test('a link state whose envelope names another origin or sequence than its body is refused', (t) => {
  const network = createMeshNetwork({ seed: 'envelope', size: 3, edges: line(3) })
  network.simnet.run(5000)
  const good = stateOf(2, far, [1])
  inject(network, 1, 0, { ...good, sequence: far + 1 })
  t.ok(sequenceOf(network, 1, 2)! < far)
  const body = Buffer.from('a0', 'hex')
  const signature = cheapSignature(idOf(2), body)
  inject(network, 1, 0, { origin: idOf(2), sequence: far, ageMs: 0, body, signature })
  t.ok(sequenceOf(network, 1, 2)! < far)
  inject(network, 1, 0, { ...good, ageMs: 10_000_000 })
  t.ok(sequenceOf(network, 1, 2)! < far, 'too old')
  inject(network, 1, 0, stateOf(2, far, [1], { issuedAtMs: 1 }))
  t.ok(sequenceOf(network, 1, 2)! < far, 'signed in 1970')
  inject(network, 1, 0, good)
  t.equal(sequenceOf(network, 1, 2), far)
  t.end()
})

t.test('a node cannot claim a link that the other end does not list', (t) => {
  const edges = line(5)
  const network = createMeshNetwork({ seed: 'claim', size: 5, edges })
  network.simnet.run(5000)
  // 0 says that it is next to 4, for nothing: it would draw the traffic of 2 and 3 to 4.
  inject(network, 1, 0, stateOf(0, far, [1, 4]))
  network.simnet.run(500)
  t.equal(sequenceOf(network, 3, 0), far)
  t.equal(network.node(1).mesh.routes().get(network.ids[4]!)!.nextHop, network.ids[2])
  t.end()
})

t.test('messages of strangers and malformed messages change nothing', (t) => {
  const edges = line(3)
  const network = createMeshNetwork({ seed: 'strangers', size: 3, edges })
  network.simnet.run(5000)
  const bytes = encodeMessage({ type: 'states', envelopes: [stateOf(2, far, [1])] })
  network.node(0).do({ type: 'message', from: network.ids[2]!, bytes })
  network.node(0).do({ type: 'message', from: network.ids[1]!, bytes: bytes.subarray(1) })
  network.node(0).do({ type: 'message', from: network.ids[1]!, bytes: new Uint8Array(70_000) })
  t.ok(sequenceOf(network, 0, 2)! < far)
  t.same(faultsOf(network, edges, indices(3)), [])
  t.end()
})

t.test('with real Ed25519 keys a mesh converges, and a bit turned on the way is found', (t) => {
  const pairs = new Map<NodeId, { privateKey: KeyObject; publicKey: KeyObject }>()
  for (const index of indices(6)) pairs.set(idOf(index), generateKeyPairSync('ed25519'))
  const edges = ring(6)
  let turned = 0
  const network = createMeshNetwork({
    seed: 'ed25519',
    size: 6,
    edges,
    sign: (id, body) => ed25519Sign(null, body, pairs.get(id)!.privateKey),
    verify: (id, body, signature) => ed25519Verify(null, body, pairs.get(id)!.publicKey, signature),
    tap(from, _to, bytes) {
      if (from !== 0 || turned >= 5) return undefined
      const message = decodeMessage(bytes)
      if (message.type !== 'states') return undefined
      turned++
      for (const { body } of message.envelopes) body[body.length - 1]! ^= 1
      return encodeMessage(message)
    },
  })
  network.simnet.run(60_000)
  t.equal(turned, 5)
  t.same(faultsOf(network, edges, indices(6)), [])
  t.end()
})

t.test(
  'a banned node leaves all maps and routes, and its states are refused until it is known again',
  (t) => {
    const edges = grid(3, 3)
    const network = createMeshNetwork({ seed: 'ban', size: 9, edges })
    network.simnet.run(5000)
    const others = indices(9).filter((index) => index !== 4)
    for (const index of others) network.node(index).do({ type: 'member-removed', id: network.ids[4]! })
    network.simnet.run(3000)
    t.same(faultsOf(network, edges, others), [])
    for (const index of others) t.notOk(network.node(index).mesh.members().includes(network.ids[4]!))
    inject(network, 0, 1, stateOf(4, far, [1, 3, 5, 7]))
    network.simnet.run(100_000)
    for (const index of others) t.notOk(network.node(index).mesh.members().includes(network.ids[4]!))
    for (const index of others) network.node(index).do({ type: 'member-known', id: network.ids[4]! })
    for (const [a, b] of edges)
      if (a === 4 || b === 4) {
        network.cut(a, b)
        network.mend(a, b)
      }
    network.simnet.run(5000)
    t.same(faultsOf(network, edges, indices(9)), [])
    t.end()
  },
)

t.test('states of a node whose key is not known yet wait for it', (t) => {
  const edges = line(4)
  const network = createMeshNetwork({ seed: 'parked', size: 4, edges, knows: (_, other) => other !== 3 })
  network.simnet.run(2000)
  t.equal(network.node(0).mesh.routes().size, 2)
  for (const index of [2, 1, 0]) {
    network.node(index).do({ type: 'member-known', id: network.ids[3]! })
    network.simnet.run(500)
    t.ok(network.node(index).mesh.routes().has(network.ids[3]!), String(index))
  }
  t.same(faultsOf(network, edges, indices(4)), [])
  t.end()
})

t.test('a node that lost its sequence overtakes its earlier self', (t) => {
  const edges: Edge[] = [...ring(5)]
  const network = createMeshNetwork({
    seed: 'restart',
    size: 5,
    edges,
    // At its second boot node 0 knows nothing and its clock is wrong by years.
    firstSequence: (index, boot) => (index === 0 && boot > 0 ? 7 : 1_700_000_000_000),
  })
  network.simnet.run(5000)
  const before = sequenceOf(network, 3, 0)!
  network.kill(0)
  network.simnet.run(3000)
  network.boot(0)
  network.simnet.run(5000)
  t.ok(sequenceOf(network, 3, 0)! > before)
  t.equal(network.node(0).mesh.sequence(), sequenceOf(network, 3, 0))
  t.same(faultsOf(network, edges, indices(5)), [])
  t.end()
})

t.test(
  'a member that changes all the time is slowed down to a state a second, and its last word counts',
  (t) => {
    const network = createMeshNetwork({ seed: 'flooder', size: 4, edges: line(4) })
    network.simnet.run(20_000)
    const before = network.node(2).tables.length
    let passedOn = 0
    let sequence = far
    const heard = new Set<number>()
    for (let i = 0; i < 1000; i++) {
      inject(network, 1, 0, stateOf(0, ++sequence, i % 2 === 0 ? [1] : [1, 2]))
      network.simnet.run(10)
      heard.add(sequenceOf(network, 3, 0)!)
    }
    passedOn = heard.size
    // 10 s: a burst of 16 and 10 more, at most.
    t.ok(passedOn <= 27, String(passedOn))
    t.ok(network.node(2).tables.length - before < 60)
    network.simnet.run(3000)
    t.equal(sequenceOf(network, 3, 0), sequence)
    t.end()
  },
)

t.test('a neighbour that sends bad signatures soon costs no more verifying', (t) => {
  let verified = 0
  const network = createMeshNetwork({
    seed: 'bad signatures',
    size: 3,
    edges: line(3),
    verify(id, body, signature) {
      verified++
      return Buffer.compare(cheapSignature(id, body), signature) === 0
    },
  })
  network.simnet.run(20_000)
  verified = 0
  for (let i = 1; i <= 5000; i++) inject(network, 1, 0, stateOf(2, far + i, [1], { signer: 0 }))
  // 4,096 tokens, 51 for each.
  t.equal(verified, 81)
  network.simnet.run(100_000)
  t.same(faultsOf(network, line(3), indices(3)), [], 'the honest states still come through')
  t.end()
})

t.test('two states of one sequence: every node keeps the same one', (t) => {
  const network = createMeshNetwork({ seed: 'twins', size: 6, edges: ring(6) })
  network.simnet.run(5000)
  // Node 0 has gone and left two states of one sequence at opposite ends.
  network.kill(0)
  network.simnet.run(1000)
  inject(network, 1, 2, stateOf(0, far, [1]))
  inject(network, 5, 4, stateOf(0, far, [5]))
  // A state is not sent back to whom it came from: only the comparison of databases tells 2 and 4.
  network.simnet.run(60_000)
  const kept = new Set(
    network
      .running()
      .map(({ mesh }) => JSON.stringify(mesh.map().nodes.find((node) => node.id === idOf(0))!.neighbours)),
  )
  t.equal(kept.size, 1)
  t.end()
})

t.test('more states than a neighbour may bring at once are fetched later by comparison', (t) => {
  const parameters = { neighbourBurst: 5, neighbourPerSecond: 2 }
  const edges = line(30)
  const network = createMeshNetwork({ seed: 'slow', size: 30, edges, parameters })
  network.simnet.run(400_000)
  t.same(faultsOf(network, edges, indices(30)), [])
  t.end()
})

t.test('a routed message reaches a member far away, and one for a stranger is reported', (t) => {
  const network = createMeshNetwork({ seed: 'routed', size: 8, edges: line(8) })
  network.simnet.run(5000)
  const { ids } = network
  const payload = Buffer.from('hello')
  network.node(0).do({ type: 'send-routed', to: ids[7]!, payload })
  network.node(0).do({ type: 'send-routed', to: ids[0]!, payload })
  network.node(0).do({ type: 'send-routed', to: idOf(99), payload })
  network.simnet.run(100)
  t.same(network.node(7).delivered, [{ from: ids[0], text: 'hello' }])
  t.same(network.node(0).delivered, [{ from: ids[0], text: 'hello' }])
  t.same(network.node(0).unroutable, [idOf(99)])
  const tooLong = new Uint8Array(limits.routedPayloadBytes + 1)
  t.throws(() => network.node(0).do({ type: 'send-routed', to: ids[1]!, payload: tooLong }), RangeError)
  const longest = new Uint8Array(limits.routedPayloadBytes)
  network.node(0).do({ type: 'send-routed', to: ids[2]!, payload: longest })
  network.simnet.run(100)
  t.equal(network.node(2).delivered[0]!.text.length, limits.routedPayloadBytes)
  t.end()
})

t.test(
  'a routed message does not outlive its hops, does not lose ground, and does not claim to be our own',
  (t) => {
    const network = createMeshNetwork({ seed: 'hops', size: 4, edges: line(4) })
    network.simnet.run(5000)
    const { ids } = network
    const give = (
      source: number,
      destination: NodeId,
      hopLimit: number,
      plane: Plane = planes.shortest,
      remaining = maxRemaining,
    ): void => {
      const payload = Buffer.from(String(hopLimit))
      const bytes = encodeMessage({
        type: 'routed',
        source: ids[source]!,
        destination,
        hopLimit,
        plane,
        remaining,
        payload,
      })
      network.node(1).do({ type: 'message', from: ids[0]!, bytes })
    }
    give(0, ids[3]!, 1)
    give(0, ids[3]!, 2)
    give(0, ids[3]!, 3)
    // Node 1 is one hop from node 0 on every tree: a packet that has one left comes from no honest neighbour.
    give(2, ids[0]!, 9, planes.red, 1)
    give(1, ids[3]!, 9)
    give(0, idOf(99), 9)
    network.simnet.run(100)
    // From 1 to 3 there are two links: a limit of 2 is used up at node 2.
    t.same(
      network.node(3).delivered.map(({ text }) => text),
      ['3'],
    )
    t.same(network.node(0).delivered, [])
    t.end()
  },
)

t.test('a neighbour that floods routed messages is limited', (t) => {
  const parameters = { routedBurst: 10, routedPerSecond: 1 }
  const network = createMeshNetwork({ seed: 'limited', size: 3, edges: line(3), parameters })
  network.simnet.run(5000)
  for (let i = 0; i < 100; i++)
    network.node(0).do({ type: 'send-routed', to: network.ids[2]!, payload: Buffer.from('x') })
  network.simnet.run(100)
  t.equal(network.node(2).delivered.length, 10)
  t.end()
})

t.test('a trace shows every hop with the round-trip time to it', (t) => {
  const edges: Edge[] = [
    [0, 1, 1],
    [1, 2, 10],
    [2, 3, 5],
  ]
  const network = createMeshNetwork({ seed: 'trace', size: 4, edges })
  network.simnet.run(5000)
  const { ids } = network
  network.node(0).do({ type: 'trace', to: ids[3]!, traceId: 'one' })
  t.throws(() => network.node(0).do({ type: 'trace', to: ids[3]!, traceId: 'one' }), RangeError)
  t.throws(() => network.node(0).do({ type: 'trace', to: ids[3]!, traceId: 'x'.repeat(65) }), RangeError)
  network.simnet.run(100)
  t.match(network.node(0).traces, [
    {
      traceId: 'one',
      to: ids[3],
      reached: true,
      hops: [
        { id: ids[1], rttUs: 2000 },
        { id: ids[2], rttUs: 22_000 },
        { id: ids[3], rttUs: 32_000 },
      ],
    },
  ])
  network.node(0).do({ type: 'trace', to: ids[0]!, traceId: 'self' })
  network.node(0).do({ type: 'trace', to: idOf(99), traceId: 'nobody' })
  t.match(network.node(0).traces.slice(1), [
    { reached: true, hops: [] },
    { reached: false, hops: [] },
  ])
  t.end()
})

t.test('a trace into a blackhole ends in time and shows how far it came', (t) => {
  const network = createMeshNetwork({ seed: 'blackhole', size: 4, edges: line(4) })
  network.simnet.run(5000)
  const { ids, simnet } = network
  simnet.link(ids[2]!, ids[3]!).blackhole()
  for (let i = 0; i < 64; i++) network.node(0).do({ type: 'trace', to: ids[3]!, traceId: `${i}` })
  t.throws(() => network.node(0).do({ type: 'trace', to: ids[3]!, traceId: 'too many' }), RangeError)
  simnet.run(4000)
  t.equal(network.node(0).traces.length, 64)
  t.match(network.node(0).traces[0], {
    reached: false,
    hops: [
      { id: ids[1], rttUs: 2000 },
      { id: ids[2], rttUs: 4000 },
    ],
  })
  t.end()
})

t.test('a trace whose relay answers too late names the relay without a time', (t) => {
  const network = createMeshNetwork({
    seed: 'mute',
    size: 4,
    edges: line(4),
    // Node 1 swallows what node 2 answers itself.
    tap(from, to, bytes) {
      const message = decodeMessage(bytes)
      const isMuted = message.type === 'traced' && message.path.length === 2 && from === 2 && to === 1
      return isMuted ? encodeMessage({ type: 'compare', count: 0, check: 0 }) : undefined
    },
  })
  network.simnet.run(5000)
  network.node(0).do({ type: 'trace', to: network.ids[3]!, traceId: 'one' })
  network.simnet.run(100)
  t.same(
    network.node(0).traces[0]!.hops.map((hop) => hop.rttUs),
    [2000, null, 6000],
  )
  t.ok(network.node(0).traces[0]!.reached)
  t.end()
})
