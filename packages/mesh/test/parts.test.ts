import fc from 'fast-check'
import t from 'tap'
import { silentCounters, silentLog, type NodeId } from '@x0t/core'
import { createSeededRandom } from '@x0t/simnet'
import {
  buildGraph,
  computeRoutes,
  createMesh,
  defaultParameters,
  limits,
  linkCostUs,
  pathTo,
  shortestPaths,
  type LinkMeasurement,
  type ListedLink,
  type Mesh,
  type MeshOptions,
  type MeshEvent,
} from '../src/index.ts'
import { ExponentialHold } from '../src/exponential-hold.ts'
import { FlapDamping } from '../src/flap-damping.ts'
import { decodeLinkState, encodeLinkState, type LinkState } from '../src/link-state.ts'
import { decodeMessage, encodeMessage, type MeshMessage } from '../src/message.ts'
import { Origination } from '../src/origination.ts'
import type { MeshContext } from '../src/context.ts'
import { TokenBucket } from '../src/token-bucket.ts'
import { UsedCost } from '../src/used-cost.ts'
import { maxRemaining, planes } from '../src/forward.ts'
import { linkBetween } from '../src/topology-graph.ts'
import { cheapSignature, idOf, type Edge } from './mesh-network.ts'
import { allPairs, costOf } from './oracle.ts'
import { randomGraph } from './topologies.ts'

const { metric, damping, originationHold } = defaultParameters
const lan: LinkMeasurement = { rttMs: 1, lossRatio: 0, datagramBytes: 1400, carrier: 'udp' }

t.test(
  'the cost of a link is its round trip by the square of what arrives, 500 µs, and the price of losses',
  (t) => {
    t.equal(linkCostUs(lan, metric), 1500)
    // 500 + 10,000 / 0.9² + 100,000 · 0.1 / 0.9
    t.equal(linkCostUs({ ...lan, rttMs: 10, lossRatio: 0.1 }, metric), 23_957)
    t.equal(linkCostUs({ ...lan, carrier: 'tls' }, metric), 2500)
    t.equal(linkCostUs({ ...lan, rttMs: 1e9 }, metric), limits.linkCostUs)
    for (const rttMs of [NaN, -1, Infinity]) t.equal(linkCostUs({ ...lan, rttMs }, metric), limits.linkCostUs)
    t.equal(linkCostUs({ ...lan, lossRatio: 1 }, metric), 500 + 1000 / 0.01 ** 2 + 100_000 * 99)
    t.equal(linkCostUs({ ...lan, lossRatio: NaN }, metric), limits.linkCostUs)
    t.end()
  },
)

t.test('2 % of loss on a LAN cost more than two clean hops; on a link of 20 ms they do not', (t) => {
  const costOf = (rttMs: number, lossRatio: number): number =>
    linkCostUs({ ...lan, rttMs, lossRatio }, metric)
  for (const rttMs of [0.05, 0.3, 1]) t.ok(costOf(rttMs, 0.02) > 2 * costOf(rttMs, 0), `${rttMs} ms`)
  t.ok(costOf(20, 0.02) < 2 * costOf(20, 0))
  t.end()
})

t.test('a cost that rises by 20 ms or by loss is used at once, another rise after it has held', (t) => {
  const cost = new UsedCost({ ...lan, rttMs: 10 }, 0, metric)
  const at = (rttMs: number, lossRatio: number, nowMs: number): number => {
    cost.measure({ ...lan, rttMs, lossRatio }, nowMs)
    return cost.us
  }
  // A quarter of 10,500 is 2625.
  t.equal(at(12, 0, 60_000), 10_500)
  t.equal(at(16, 0, 61_000), 10_500)
  t.equal(at(14, 0, 62_499), 10_500)
  t.equal(at(15, 0, 62_500), 14_500, 'held for 1.5 s: the least of it')
  t.equal(at(25, 0, 67_499), 14_500)
  t.equal(at(14, 0, 67_500), 14_500, 'a moment of a busy host is forgotten')
  t.equal(at(25, 0, 68_000), 14_500)
  t.equal(at(34, 0, 68_001), 34_500)
  // 34,000 / 0.9² + 500 + 11,111, by loss.
  t.equal(at(34, 0.1, 68_002), 53_586)
  t.end()
})

t.test(
  'a lower cost is used after three calm seconds, and a link that loses now and then never gets it',
  (t) => {
    const lossy = { ...lan, lossRatio: 0.2 }
    const cost = new UsedCost(lan, 0, metric)
    t.ok(cost.measure(lossy, 100))
    for (let nowMs = 1000; nowMs <= 60_000; nowMs += 1000)
      t.notOk(cost.measure(nowMs % 3000 === 0 ? lossy : lan, nowMs), `${nowMs} ms`)
    t.notOk(cost.measure({ ...lan, lossRatio: 0.01 }, 60_500))
    t.notOk(cost.measure(lan, 63_499))
    t.ok(cost.measure(lan, 63_500))
    // The worst of the calm time: 500 + 1000 / 0.99² + 100,000 / 99.
    t.equal(cost.us, 2530)
    t.end()
  },
)

t.test('a cost that was guessed is replaced by the first measurement', (t) => {
  const cost = new UsedCost({ ...lan, rttMs: 50 }, -Infinity, metric)
  t.ok(cost.measure({ ...lan, rttMs: 49 }, 5))
  t.equal(cost.us, 49_500)
  cost.restart()
  t.notOk(cost.measure({ ...lan, rttMs: 49 }, 6))
  t.notOk(cost.measure({ ...lan, rttMs: 48 }, 7))
  t.end()
})

t.test('a hold lets the first run through and doubles the pauses of a burst', (t) => {
  const hold = new ExponentialHold(originationHold)
  const dueTimes: number[] = []
  let nowMs = 1000
  for (let i = 0; i < 8; i++) {
    hold.request(nowMs)
    hold.request(nowMs)
    dueTimes.push(hold.dueMs)
    nowMs = hold.dueMs
    hold.ran(nowMs)
    t.equal(hold.dueMs, Infinity)
  }
  // Pauses of 50, 100, 200, 400, 800, 1600 and, at most, 2000 ms.
  t.same(dueTimes, [1000, 1050, 1150, 1350, 1750, 2550, 4150, 6150])
  hold.request(6150 + 4001)
  t.equal(hold.dueMs, 10_151)
  t.end()
})

t.test('a lost link is told at once amid a burst, but one that flaps waits its turn', (t) => {
  const context: MeshContext = {
    self: idOf(1),
    parameters: defaultParameters,
    log: silentLog,
    counters: silentCounters,
    nowMs: 10_000,
    emit() {},
  }
  const sign = (body: Uint8Array): Uint8Array => cheapSignature(context.self, body)
  const origination = new Origination(context, { name: 'a', sign, wallMs: () => 0, firstSequence: 1 })
  for (let i = 0; i < 8; i++) {
    origination.request()
    context.nowMs = origination.dueMs()
    origination.next(new Map())
  }
  origination.request()
  t.equal(origination.dueMs() - context.nowMs, 2000, 'other news')
  context.nowMs += 100
  origination.requestNow()
  t.ok(origination.isDue(), 'a lost link')
  origination.next(new Map())
  context.nowMs += 100
  origination.requestNow()
  t.equal(origination.dueMs() - context.nowMs, 1900, 'lost again')
  t.end()
})

t.test('a node that returns tells nothing of itself until its links are up again, or for so long', (t) => {
  const returning = { neighbours: 2, forMs: 5000 }
  const up = (id: number): MeshEvent => ({ type: 'neighbour-up', id: idOf(id), measurement: lan })
  const all = lone({ returning })
  t.equal(all.states(up(1), 0).length, 0)
  const [told] = all.states(up(2), 800)
  t.equal(told?.neighbours.size, 2)
  const late = lone({ returning })
  t.equal(late.states(up(1), 0).length, 0)
  t.equal(late.states({ type: 'tick' }, 4980).length, 0)
  t.equal(late.states({ type: 'tick' }, 5000)[0]?.neighbours.size, 1)
  t.equal(lone({ returning: { neighbours: 0, forMs: 5000 } }).states(up(1), 0).length, 1)
  t.end()
})

t.test('a bucket gives its burst, then its rate', (t) => {
  const bucket = new TokenBucket(3, 2, 0)
  t.same([bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(0)], [true, true, true, false])
  t.equal(bucket.readyMs(0), 501)
  t.ok(bucket.take(500))
  t.notOk(bucket.take(400), 'time does not go back')
  t.ok(bucket.take(10_000, 3))
  bucket.fine(11_500, 9)
  t.notOk(bucket.take(11_500))
  t.equal(bucket.readyMs(20_000), 20_000)
  t.end()
})

t.test('the fourth breakdown in a row makes a link a last resort until its penalty has decayed', (t) => {
  const flaps = new FlapDamping(damping)
  for (let i = 0; i < 3; i++) flaps.wentDown(0)
  t.notOk(flaps.isSuppressed(0))
  t.equal(flaps.reuseMs(), Infinity)
  flaps.wentDown(0)
  t.ok(flaps.isSuppressed(0))
  // 4,000 to 1,000: two half-lives.
  t.equal(flaps.reuseMs(), 30_000)
  t.ok(flaps.isSuppressed(29_999))
  t.notOk(flaps.isSuppressed(30_000))
  t.notOk(flaps.isForgotten(30_000))
  t.ok(flaps.isForgotten(120_000))
  t.end()
})

const listedOf = (size: number, edges: readonly Edge[]): Map<NodeId, Map<NodeId, ListedLink>> => {
  const listed = new Map(
    Array.from({ length: size }, (_, i) => [idOf(i), new Map<NodeId, ListedLink>()] as const),
  )
  for (const [a, b, latencyMs = 1] of edges) {
    listed.get(idOf(a))!.set(idOf(b), { costUs: costOf(latencyMs), datagramBytes: 1000 + a })
    listed.get(idOf(b))!.set(idOf(a), { costUs: costOf(latencyMs), datagramBytes: 1000 + b })
  }
  return listed
}

t.test('shortest paths agree with Floyd and Warshall, also with different costs each way', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 14 }), fc.integer({ min: 0, max: 2 ** 31 }), (size, seed) => {
      const edges = randomGraph(String(seed), size, 3)
      const listed = listedOf(size, edges)
      const random = createSeededRandom(`costs ${seed}`)
      const cost = allPairs(size, []).map((row) => [...row])
      for (const [a, b] of edges)
        for (const [from, to] of [
          [a, b],
          [b, a],
        ] as const) {
          const costUs = 1 + random.integer(9)
          listed.get(idOf(from))!.set(idOf(to), { costUs, datagramBytes: 1000 + random.integer(400) })
          cost[from]![to] = costUs
        }
      for (let k = 0; k < size; k++)
        for (let i = 0; i < size; i++)
          for (let j = 0; j < size; j++) cost[i]![j] = Math.min(cost[i]![j]!, cost[i]![k]! + cost[k]![j]!)
      const graph = buildGraph(listed)
      const at = (index: number): number => graph.indexOf.get(idOf(index))!
      const tree = shortestPaths(graph, at(0))
      const routes = computeRoutes(graph, idOf(0), { candidates: 32 })
      for (let d = 1; d < size; d++) {
        t.equal(tree.costsUs[at(d)], cost[0]![d], `seed ${seed}`)
        const path = pathTo(tree, at(d))
        let [sum, least, from] = [0, Infinity, at(0)]
        for (const node of path) {
          sum += graph.costsUs[linkBetween(graph, from, node)]!
          least = Math.min(least, listed.get(graph.ids[from]!)!.get(graph.ids[node]!)!.datagramBytes)
          from = node
        }
        t.equal(sum, cost[0]![d])
        t.equal(routes.get(idOf(d))!.pathDatagramBytes, least)
      }
      // RFC 5286, checked on costs: the alternate's way to D must be strictly shorter than any by S, or by E.
      for (const { destination, alternate, nextHop } of routes.values()) {
        const number = (id: NodeId): number =>
          Array.from({ length: size }, (_, i) => i).find((i) => idOf(i) === id)!
        const [d, e] = [number(destination), number(nextHop)]
        const protects = Array.from({ length: size }, (_, n) => n).filter(
          (n) => n !== e && listed.get(idOf(0))!.has(idOf(n)) && cost[n]![d]! < cost[n]![0]! + cost[0]![d]!,
        )
        const byNode = protects.filter((n) => e !== d && cost[n]![d]! < cost[n]![e]! + cost[e]![d]!)
        const expected =
          byNode.length > 0 ? 'node-protecting' : protects.length > 0 ? 'link-protecting' : undefined
        t.equal(alternate?.kind, expected, `seed ${seed} to ${d}`)
        if (alternate !== undefined)
          t.ok(
            (byNode.length > 0 ? byNode : protects).includes(number(alternate.neighbour)),
            `seed ${seed} to ${d}`,
          )
      }
    }),
    { seed: 7, numRuns: 60 },
  )
  t.end()
})

t.test('a link that one end does not list is no link, nor one to an unknown node', (t) => {
  const listed = listedOf(3, [
    [0, 1],
    [1, 2],
  ])
  listed.get(idOf(2))!.delete(idOf(1))
  listed.get(idOf(0))!.set(idOf(9), { costUs: 1, datagramBytes: 1 })
  const graph = buildGraph(listed)
  t.equal(graph.offsets[3], 2)
  t.same([...computeRoutes(graph, idOf(0), { candidates: 32 }).keys()], [idOf(1)])
  t.equal(computeRoutes(graph, idOf(9), { candidates: 32 }).size, 0)
  t.equal(linkBetween(graph, graph.indexOf.get(idOf(1))!, graph.indexOf.get(idOf(2))!), -1)
  t.end()
})

t.test('a suspect is passed only on the way to those whom nothing else reaches', (t) => {
  const edges: Edge[] = [
    [0, 1, 1],
    [1, 2, 1],
    [0, 2, 9],
    [1, 3, 1],
  ]
  const routes = computeRoutes(buildGraph(listedOf(4, edges)), idOf(0), {
    candidates: 32,
    suspects: new Set([idOf(1), idOf(77)]),
  })
  t.equal(routes.get(idOf(2))!.nextHop, idOf(2))
  t.equal(routes.get(idOf(3))!.nextHop, idOf(1))
  t.equal(routes.get(idOf(1))!.nextHop, idOf(1))
  t.end()
})

const arbitraryId = fc.nat({ max: 500 }).map(idOf)
const arbitrarySequence = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const arbitraryCheck = fc.nat({ max: 2 ** 32 - 1 })
const arbitraryAddress = {
  destination: arbitraryId,
  hopLimit: fc.nat({ max: limits.hops }),
  plane: fc.constantFrom(...Object.values(planes)),
  remaining: fc.nat({ max: maxRemaining }),
}
const arbitraryTrace = {
  traceId: fc.string({ maxLength: 20 }),
  path: fc.array(arbitraryId, { maxLength: 32 }),
}
const arbitraryMessage: fc.Arbitrary<MeshMessage> = fc.oneof(
  fc.record({
    type: fc.constant('states' as const),
    envelopes: fc.array(
      fc.record({
        origin: arbitraryId,
        sequence: arbitrarySequence,
        ageMs: fc.nat(),
        body: fc.uint8Array({ minLength: 1, maxLength: 60 }),
        signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
      }),
      { maxLength: 5 },
    ),
  }),
  fc.record({
    type: fc.constant('summary' as const),
    entries: fc.array(
      fc.record({ origin: arbitraryId, sequence: arbitrarySequence, check: arbitraryCheck }),
      { maxLength: 9 },
    ),
  }),
  fc.record({ type: fc.constant('request' as const), origins: fc.array(arbitraryId, { maxLength: 9 }) }),
  fc.record({
    type: fc.constant('compare' as const),
    count: fc.nat({ max: limits.members }),
    check: arbitraryCheck,
  }),
  fc.record({
    type: fc.constant('routed' as const),
    source: arbitraryId,
    ...arbitraryAddress,
    payload: fc.uint8Array({ maxLength: 80 }),
  }),
  fc.record({
    type: fc.constant('trace' as const),
    source: arbitraryId,
    ...arbitraryAddress,
    ...arbitraryTrace,
  }),
  fc.record({
    type: fc.constant('traced' as const),
    ...arbitraryAddress,
    ...arbitraryTrace,
    reached: fc.boolean(),
  }),
)

t.test('every message survives its encoding', (t) => {
  fc.assert(
    fc.property(arbitraryMessage, (message) => {
      t.same(decodeMessage(encodeMessage(message)), message)
      t.same(decodeMessage(Buffer.from(encodeMessage(message))), message)
    }),
    { seed: 1, numRuns: 150 },
  )
  t.end()
})

/** Runs `decode` on damaged bytes: anything but a value or MESH_MESSAGE_MALFORMED is a failure. */
function survives(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'MESH_MESSAGE_MALFORMED'
  }
}

const arbitraryDamage = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { maxLength: 4 })

t.test('no bytes make the message decoder fail otherwise than by its code', (t) => {
  fc.assert(
    fc.property(arbitraryMessage, arbitraryDamage, fc.nat({ max: 400 }), (message, damage, cut) => {
      const bytes = encodeMessage(message)
      for (const [at, value] of damage) if (at < bytes.length) bytes[at] = value
      return survives(decodeMessage, bytes) && survives(decodeMessage, bytes.subarray(0, cut))
    }),
    { seed: 2, numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(decodeMessage, bytes)),
    { seed: 3, numRuns: 2000 },
  )
  t.end()
})

const aState: LinkState = {
  origin: idOf(1),
  sequence: 5,
  name: 'pi',
  addresses: ['192.0.2.1:4600'],
  features: ['udp'],
  neighbours: new Map(
    [idOf(2), idOf(3), idOf(4)]
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map((id) => [id, { costUs: 7, datagramBytes: 1400 }]),
  ),
  issuedAtMs: 1_700_000_000_000,
}

t.test('a link state survives its encoding, and damage is found or yields another valid one', (t) => {
  t.same(decodeLinkState(encodeLinkState(aState)), aState)
  fc.assert(
    fc.property(arbitraryDamage, fc.nat({ max: 400 }), (damage, cut) => {
      const bytes = encodeLinkState(aState)
      for (const [at, value] of damage) if (at < bytes.length) bytes[at] = value
      return survives(decodeLinkState, bytes) && survives(decodeLinkState, bytes.subarray(0, cut))
    }),
    { seed: 4, numRuns: 3000 },
  )
  t.end()
})

t.test('a link state out of form is refused', (t) => {
  const refused = { code: 'MESH_MESSAGE_MALFORMED' }
  const link = { costUs: 7, datagramBytes: 1400 }
  const bad: Record<string, Partial<LinkState>> = {
    'neighbours out of order': { neighbours: new Map([...aState.neighbours].toReversed()) },
    'itself as neighbour': { neighbours: new Map([[aState.origin, link]]) },
    'a cost of nothing': { neighbours: new Map([[idOf(2), { ...link, costUs: 0 }]]) },
    'too large a cost': { neighbours: new Map([[idOf(2), { ...link, costUs: limits.linkCostUs + 1 }]]) },
    'half a cost': { neighbours: new Map([[idOf(2), { ...link, costUs: 1.5 }]]) },
    'too long a name': { name: 'x'.repeat(65) },
    'too many addresses': { addresses: Array.from({ length: 17 }, String) },
    'too long a feature': { features: ['x'.repeat(65)] },
    'a sequence of 0': { sequence: 0 },
  }
  for (const [what, change] of Object.entries(bad))
    t.throws(() => decodeLinkState(encodeLinkState({ ...aState, ...change })), refused, what)
  const bytes = encodeLinkState(aState)
  // The version as a two-byte integer: the same value, not canonical.
  const at = Buffer.from(bytes).indexOf(Buffer.from([0x61, 0x76, 0x01]))
  const longer = Buffer.concat([bytes.subarray(0, at + 2), Buffer.from([0x18, 0x01]), bytes.subarray(at + 3)])
  t.throws(() => decodeLinkState(longer), refused)
  t.throws(() => decodeLinkState(new Uint8Array(limits.linkStateBytes + 1)), refused)
  t.throws(() => decodeMessage(Uint8Array.of(0x80)), refused)
  t.throws(
    () => encodeMessage({ type: 'request', origins: Array.from({ length: 4000 }, () => idOf(1)) }),
    RangeError,
  )
  t.end()
})

interface Lone {
  readonly mesh: Mesh
  /** Handles an event and what follows within 10 ms; returns the different link states sent, decoded. */
  readonly states: (event: MeshEvent, nowMs: number) => LinkState[]
}

/** One node without a network. */
function lone(options: Partial<Pick<MeshOptions, 'firstSequence' | 'returning'>> = {}): Lone {
  const self = idOf(0)
  const mesh = createMesh({
    self,
    name: 'lone',
    sign: (body) => cheapSignature(self, body),
    verify: () => 'ok',
    random: createSeededRandom('lone'),
    wallMs: () => 1_700_000_000_000,
    firstSequence: 1,
    log: silentLog,
    counters: silentCounters,
    ...options,
  })
  return {
    mesh,
    states: (event, nowMs) =>
      [
        ...new Set(
          [...mesh.handle(event, nowMs), ...mesh.handle({ type: 'tick' }, nowMs + 10)].flatMap((action) =>
            action.type === 'send' ? [action.bytes] : [],
          ),
        ),
      ]
        .map((bytes) => decodeMessage(bytes))
        .flatMap((message) => (message.type === 'states' ? message.envelopes : []))
        .map(({ body }) => decodeLinkState(body)),
  }
}

t.test('noise on a link is not flooded, a real change is', (t) => {
  const { states } = lone()
  const measured = (rttMs: number): MeshEvent => ({ type: 'neighbour-metric', id: idOf(1), ...lan, rttMs })
  t.equal(states({ type: 'neighbour-up', id: idOf(1), measurement: lan }, 0).length, 1)
  for (let nowMs = 6000; nowMs < 50_000; nowMs += 100)
    t.same(states(measured(1 + (nowMs % 300) / 1000), nowMs), [])
  const [state] = states(measured(29), 55_000)
  t.equal(state!.neighbours.get(idOf(1))!.costUs, 29_500)
  t.same(states({ type: 'neighbour-metric', id: idOf(5), ...lan }, 55_001), [], 'not a neighbour')
  const [smaller] = states({ ...measured(29), datagramBytes: 1232 } as MeshEvent, 55_200)
  t.equal(smaller!.neighbours.get(idOf(1))!.datagramBytes, 1232)
  t.end()
})

t.test('an unmeasured link gets a cautious cost, which the first measurement replaces at once', (t) => {
  const { states, mesh } = lone()
  const [guess] = states({ type: 'neighbour-up', id: idOf(1) }, 0)
  t.same(guess!.neighbours.get(idOf(1)), { costUs: 50_500, datagramBytes: 1232 })
  const [measured] = states({ type: 'neighbour-metric', id: idOf(1), ...lan }, 100)
  t.same(measured!.neighbours.get(idOf(1)), { costUs: 1500, datagramBytes: 1400 })
  t.match(mesh.neighbours(), [{ id: idOf(1), costUs: 1500, carrier: 'udp', suppressed: false }])
  t.end()
})

t.test('a flapping link becomes a last resort and is rehabilitated by time alone', (t) => {
  const { mesh, states } = lone()
  states({ type: 'neighbour-up', id: idOf(2), measurement: lan }, 0)
  let nowMs = 10_000
  for (let i = 0; i < 5; i++) {
    states({ type: 'neighbour-up', id: idOf(1), measurement: lan }, (nowMs += 10))
    states({ type: 'neighbour-down', id: idOf(1) }, (nowMs += 10))
    states({ type: 'neighbour-down', id: idOf(1) }, nowMs)
  }
  states({ type: 'neighbour-up', id: idOf(1), measurement: lan }, nowMs)
  t.ok(mesh.neighbours().find((one) => one.id === idOf(1))!.suppressed)
  const [suppressed] = states({ type: 'tick' }, nowMs + 3000)
  t.equal(suppressed!.neighbours.get(idOf(1))!.costUs, limits.linkCostUs)
  t.equal(suppressed!.neighbours.get(idOf(2))!.costUs, 1500)
  // 5,000 to 1,000 takes 2.32 half-lives of 15 s: nothing happens but ticks when the node asked for them.
  let wakeMs = nowMs + 3000
  const heard: LinkState[] = []
  while (wakeMs < nowMs + 40_000) {
    const actions = mesh.handle({ type: 'tick' }, wakeMs)
    for (const action of actions) {
      if (action.type === 'wake') {
        t.ok(action.atMs > wakeMs, 'no wish for a time that is past')
        wakeMs = Math.max(action.atMs, wakeMs + 1)
      }
      if (action.type !== 'send') continue
      const message = decodeMessage(action.bytes)
      if (message.type === 'states') heard.push(...message.envelopes.map(({ body }) => decodeLinkState(body)))
    }
  }
  t.equal(heard.at(-1)!.neighbours.get(idOf(1))!.costUs, 1500)
  t.end()
})

t.test('a node lists the cheapest 256 of its links', (t) => {
  const { states } = lone()
  let last: LinkState | undefined
  for (let i = 1; i <= 300; i++) {
    const measurement = { ...lan, rttMs: i }
    const sent = states({ type: 'neighbour-up', id: idOf(i), measurement }, i * 5000)
    last = sent.at(-1) ?? last
  }
  t.equal(last!.neighbours.size, 256)
  t.ok(last!.neighbours.has(idOf(1)))
  t.notOk(last!.neighbours.has(idOf(300)))
  t.end()
})

t.test('what a node says of itself is flooded when it changes, and bounded', (t) => {
  const { states, mesh } = lone()
  states({ type: 'neighbour-up', id: idOf(1), measurement: lan }, 0)
  const [state] = states({ type: 'self-changed', name: 'other', addresses: ['a:1'], features: ['f'] }, 9000)
  t.match(state, { name: 'other', addresses: ['a:1'], features: ['f'], sequence: 2 })
  const [same] = states({ type: 'self-changed', addresses: [] }, 20_000)
  t.match(same, { name: 'other', addresses: [] })
  t.throws(() => states({ type: 'self-changed', name: 'x'.repeat(65) }, 30_000), RangeError)
  t.throws(() => states({ type: 'neighbour-up', id: idOf(0) }, 30_000), RangeError)
  t.throws(() => lone({ firstSequence: 0 }), RangeError)
  t.equal(mesh.map().nodes[0]!.name, 'other')
  t.equal(mesh.map().self, idOf(0))
  t.equal(mesh.graph().ids.length, 1)
  states({ type: 'member-removed', id: idOf(0) }, 30_000)
  t.same(mesh.members(), [idOf(0)])
  t.end()
})
