import t from 'tap'
import { silentLog } from '@x0t/core'
import type { Carrier, Command, RouteEntry } from '../src/commands.ts'
import {
  kernelState,
  layoutNumber,
  linkBytes,
  linkField,
  linkFlag,
  maxProbed,
  neighbourBytes,
  noIndex,
  routeField,
  selfField,
} from '../src/fast-path-layout.ts'
import { readInherited } from '../src/fast-path-maps.ts'
import { kernelPace, smoothed, suitableKernelIntervalMs } from '../src/fast-path-pace.ts'
import { createFastPathTables } from '../src/fast-path-tables.ts'
import { encodeSocketAddress } from '../src/socket-address.ts'
import { fakeMaps } from './support/fake-maps.ts'
import { addressOf, hopKeyOf, labelOf } from './support/fake-mesh.ts'

type Fake = ReturnType<typeof fakeMaps>

const tablesOn = (fake: Fake, interval: number | 'auto' = 'auto') =>
  createFastPathTables({
    maps: fake.maps,
    labelOf,
    inherited: readInherited(fake.maps, 7800),
    interval,
    misses: 3,
    log: silentLog,
  })

const link = (
  slot: number,
  neighbour: string,
  more: { carrier?: Carrier; endpoint?: Uint8Array | undefined; id?: number } = {},
) =>
  ({
    kind: 'link',
    slot,
    neighbour,
    localLinkId: more.id ?? 100 + slot,
    remoteLinkId: 200 + slot,
    sendKey: hopKeyOf('self', neighbour),
    receiveKey: hopKeyOf(neighbour, 'self'),
    endpoint: 'endpoint' in more ? more.endpoint : encodeSocketAddress({ host: '10.0.0.7', port: 7801 }),
    carrier: more.carrier ?? 'udp',
  }) as const satisfies Command

const route = (to: string, more: Pick<RouteEntry, 'nextHop'> & Partial<RouteEntry>): RouteEntry => ({
  label: labelOf(to),
  address: addressOf(to),
  peer: to.charCodeAt(0),
  feasibleUs: 1500,
  alternate: undefined,
  red: undefined,
  blue: undefined,
  hitless: false,
  pathDatagramBytes: 1472,
  ...more,
})

const flagsOf = (fake: Fake, slot: number): number => fake.links.getUint32(slot * linkBytes, true)
const slotsAt = (fake: Fake, index: number): number[] =>
  [8, 10].map((at) => fake.neighbours.getUint16(index * neighbourBytes + at, true))
const indexOfSlot = (fake: Fake, slot: number): number =>
  fake.links.getUint16(slot * linkBytes + linkField.neighbour, true)
const probed = (fake: Fake): number[] =>
  Array.from({ length: fake.self.getUint16(selfField.probedCount, true) }, (_, i) =>
    fake.self.getUint16(selfField.probed + 2 * i, true),
  )
const routeTo = (fake: Fake, to: string): DataView | undefined => {
  const bytes = fake.routes.content.get(labelOf(to).toString('hex'))
  return bytes && new DataView(bytes.buffer, bytes.byteOffset)
}

t.test(
  'a link is written with its keys as they are, its address mapped, its port as on the wire',
  async (t) => {
    const fake = fakeMaps()
    tablesOn(fake, 2).apply(link(5, 'b'), 0)
    const at = 5 * linkBytes
    t.equal(flagsOf(fake, 5), linkFlag.used | linkFlag.probed)
    t.equal(fake.links.getUint16(at + linkField.remoteLinkId, true), 205)
    t.equal(fake.links.getUint16(at + linkField.remotePort), 7801)
    const bytes = Buffer.from(fake.links.buffer, at, linkBytes)
    t.equal(bytes.toString('hex', 8, 24), '00000000000000000000ffff0a000007')
    t.ok(bytes.subarray(24, 40).equals(hopKeyOf('self', 'b')))
    t.ok(bytes.subarray(40, 56).equals(hopKeyOf('b', 'self')))
    t.equal(fake.links.getBigUint64(at + linkField.intervalNs, true), 2_000_000n)
    t.equal(fake.links.getBigUint64(at + linkField.deadlineNs, true), 6_000_000n)
    t.equal(fake.links.getUint32(at + linkField.misses, true), 3)
    t.strictSame([...fake.linkIds.content], [['69000000', Uint8Array.of(5, 0, 0, 0)]])
    t.equal(fake.windows.content.size, 2)
    t.strictSame(slotsAt(fake, indexOfSlot(fake, 5)), [5, noIndex])
    t.strictSame(probed(fake), [5])
  },
)

t.test('while keys are renewed a neighbour has two links, the newest first', async (t) => {
  const fake = fakeMaps()
  const tables = tablesOn(fake)
  for (const slot of [0, 1, 2]) tables.apply(link(slot, 'b'), 0)
  const index = indexOfSlot(fake, 0)
  t.equal(indexOfSlot(fake, 2), index)
  t.strictSame(slotsAt(fake, index), [2, 1])
  tables.apply({ kind: 'unlink', slot: 2 }, 0)
  t.strictSame(slotsAt(fake, index), [1, 0])
  t.equal(flagsOf(fake, 2), 0)
  t.ok(
    Buffer.from(fake.links.buffer, 2 * linkBytes, linkBytes).every((byte) => byte === 0),
    'with its keys',
  )
  t.equal(fake.linkIds.content.size, 2)
})

t.test('a neighbour that nothing mentions any more gives its index back', async (t) => {
  const fake = fakeMaps()
  const tables = tablesOn(fake)
  tables.apply(link(0, 'b'), 0)
  tables.apply({ kind: 'routes', routes: [route('d', { nextHop: 'b' })] }, 0)
  tables.apply({ kind: 'unlink', slot: 0 }, 0)
  t.not(fake.neighbours.getBigUint64(0, true), 0n, 'a route still does')
  tables.apply({ kind: 'routes', routes: [] }, 0)
  t.equal(fake.neighbours.getBigUint64(0, true), 0n)
})

t.test('a link without an address is not probed until the daemon has learnt it', async (t) => {
  const fake = fakeMaps()
  const tables = tablesOn(fake)
  tables.apply(link(3, 'b', { endpoint: undefined }), 0)
  t.equal(flagsOf(fake, 3), linkFlag.used)
  t.strictSame(probed(fake), [])
  const endpoint = encodeSocketAddress({ host: '2001:db8::7', port: 9 })
  tables.apply({ kind: 'endpoint', slot: 3, endpoint }, 0)
  t.strictSame(probed(fake), [3])
  fake.links.setUint32(3 * linkBytes + linkField.ifindex, 77, true)
  tables.apply({ kind: 'endpoint', slot: 3, endpoint }, 0)
  t.equal(fake.links.getUint32(3 * linkBytes + linkField.ifindex, true), 77, 'the same again changes nothing')
  tables.apply({ kind: 'endpoint', slot: 3, endpoint: encodeSocketAddress({ host: '::1', port: 9 }) }, 0)
  t.equal(
    fake.links.getUint32(3 * linkBytes + linkField.ifindex, true),
    0,
    'elsewhere it is to be found anew',
  )
  tables.apply({ kind: 'endpoint', slot: 99, endpoint }, 0)
  t.equal(flagsOf(fake, 99), 0)
})

t.test(
  'a link that TLS carries is not the kernel’s, and keeps its numbers until UDP carries it again',
  async (t) => {
    const fake = fakeMaps()
    const tables = tablesOn(fake)
    tables.apply(link(0, 'b'), 0)
    tables.apply({ kind: 'routes', routes: [route('d', { nextHop: 'b' }), route('e', { nextHop: 'c' })] }, 0)
    t.ok(routeTo(fake, 'd'))
    fake.links.setBigUint64(linkField.counter, 555n, true)
    fake.windows.content.clear()
    tables.apply(link(0, 'b', { carrier: 'tls' }), 0)
    t.equal(flagsOf(fake, 0), 0)
    t.equal(fake.linkIds.content.size, 0)
    t.equal(routeTo(fake, 'd'), undefined, 'who cannot see whether a link lives must not choose')
    t.ok(routeTo(fake, 'e'))
    t.equal(tables.linkOf('b'), undefined)
    tables.apply(link(0, 'b'), 0)
    t.equal(
      fake.links.getBigUint64(linkField.counter, true),
      555n,
      'or the neighbour would take all for replays',
    )
    t.equal(fake.windows.content.size, 0, 'nor do replays pass')
    t.ok(routeTo(fake, 'd'))
  },
)

t.test('no more links are probed than there is room for, one of each neighbour first', async (t) => {
  const fake = fakeMaps()
  const tables = tablesOn(fake)
  for (let i = 0; i < maxProbed; i++) tables.apply(link(i, `n${i}`), 0)
  tables.apply(link(100, 'n5'), 0)
  t.equal(probed(fake).length, maxProbed)
  t.ok(probed(fake).includes(100))
  t.notOk(probed(fake).includes(5), 'the older link of the same neighbour')
  t.equal(flagsOf(fake, 5), linkFlag.used)
  tables.apply({ kind: 'unlink', slot: 7 }, 0)
  t.ok(probed(fake).includes(5))
  t.equal(flagsOf(fake, 5), linkFlag.used | linkFlag.probed)
})

t.test('a route has indexes, distances, and former trees while they are held', async (t) => {
  const fake = fakeMaps()
  const tables = tablesOn(fake)
  for (const [slot, id] of ['b', 'c'].entries()) tables.apply(link(slot, id), 0)
  const [b, c] = [indexOfSlot(fake, 0), indexOfSlot(fake, 1)]
  const first = route('d', {
    nextHop: 'b',
    alternate: { neighbour: 'c', plane: 1, remaining: 70_000 },
    red: { neighbour: 'b', hops: 2 },
  })
  tables.apply({ kind: 'routes', routes: [first] }, 1000)
  const before = routeTo(fake, 'd')!
  t.equal(before.getUint16(routeField.nextHop, true), b)
  t.equal(before.getUint16(routeField.alternate, true), c)
  t.equal(before.getUint32(routeField.feasibleUs, true), 1500)
  t.equal(before.getUint32(routeField.alternateRemaining, true), 70_000)
  t.equal(before.getUint8(routeField.alternatePlane), 1)
  t.equal(before.getUint8(routeField.hasFormer), 0)
  t.strictSame([before.getUint16(16, true), before.getUint16(18, true)], [b, 2])
  t.equal(before.getUint16(routeField.blue, true), noIndex)
  const { alternate: _, ...rest } = first
  tables.apply(
    { kind: 'routes', routes: [{ ...rest, alternate: undefined, red: { neighbour: 'c', hops: 4 } }] },
    2000,
  )
  const held = (): number[] => {
    const now = routeTo(fake, 'd')!
    return [now.getUint8(routeField.hasFormer), now.getUint8(routeField.formerIsHeld)]
  }
  t.strictSame(held(), [1, 1])
  t.equal(routeTo(fake, 'd')!.getUint16(routeField.alternate, true), noIndex)
  t.strictSame(
    [routeTo(fake, 'd')!.getUint16(routeField.formerRed, true), routeTo(fake, 'd')!.getUint16(16, true)],
    [b, c],
  )
  tables.tick(2999)
  t.strictSame(held(), [1, 1])
  tables.tick(3000)
  t.strictSame(held(), [1, 0], 'sources have let go of the former trees')
  tables.tick(4000)
  t.strictSame(held(), [0, 0])
  tables.apply({ kind: 'routes', routes: [] }, 5000)
  t.equal(fake.routes.content.size, 0)
})

/** Maps as a daemon on port 7800 that was killed leaves them: a link to b, one to c, routes to d and e. */
function killed(): Fake {
  const fake = fakeMaps()
  fake.self.setUint32(selfField.layout, layoutNumber, true)
  fake.self.setUint16(selfField.port, 7800)
  fake.self.setUint32(selfField.generation, 4, true)
  const old = createFastPathTables({
    maps: fake.maps,
    labelOf,
    inherited: undefined,
    interval: 'auto',
    misses: 3,
    log: silentLog,
  })
  old.apply(link(0, 'b'), 0)
  old.apply(link(1, 'c'), 0)
  old.apply({ kind: 'routes', routes: [route('d', { nextHop: 'b' }), route('e', { nextHop: 'c' })] }, 0)
  for (const slot of [0, 1])
    fake.links.setUint32(slot * linkBytes, flagsOf(fake, slot) | linkFlag.userAlive, true)
  return fake
}

t.test('maps of another layout or port are not taken over', async (t) => {
  const fake = killed()
  t.match(readInherited(fake.maps, 7800), { neighbours: 2, generation: 4 })
  t.equal(readInherited(fake.maps, 7801), undefined)
  fake.self.setUint32(selfField.layout, layoutNumber + 1, true)
  t.equal(readInherited(fake.maps, 7800), undefined)
})

t.test('after a takeover old links, neighbours and routes serve until they are let go', async (t) => {
  const fake = killed()
  const b = indexOfSlot(fake, 0)
  const tables = tablesOn(fake)
  tables.apply(link(7, 'b', { id: 999 }), 0)
  t.equal(indexOfSlot(fake, 7), b, 'a neighbour keeps its index')
  t.strictSame(slotsAt(fake, b), [7, 0], 'the old link is the second choice')
  t.equal(fake.linkIds.content.size, 3)
  t.strictSame(probed(fake), [7, 0, 1])
  tables.apply({ kind: 'routes', routes: [] }, 0)
  t.ok(routeTo(fake, 'd'), 'there is no better one yet')
  tables.apply({ kind: 'routes', routes: [route('d', { nextHop: 'b', feasibleUs: 9 })] }, 0)
  t.equal(routeTo(fake, 'd')!.getUint32(routeField.feasibleUs, true), 9)
  t.ok(routeTo(fake, 'e'))
  tables.releaseHeld()
  t.equal(routeTo(fake, 'e'), undefined)
  t.ok(routeTo(fake, 'd'))
  t.strictSame(slotsAt(fake, b), [7, noIndex])
  t.strictSame([flagsOf(fake, 0), flagsOf(fake, 1)], [0, 0])
  t.equal(fake.linkIds.content.size, 1)
  t.strictSame(probed(fake), [7])
  t.equal(fake.neighbours.getBigUint64(1 * neighbourBytes, true), 0n, 'c did not come back')
  tables.releaseHeld()
})

t.test('a link that is replaced twice in a row leaves the one that works in its place', async (t) => {
  const fake = killed()
  const b = indexOfSlot(fake, 0)
  fake.links.setUint32(linkField.ifindex, 3, true)
  const tables = tablesOn(fake)
  tables.apply(link(7, 'b', { id: 998 }), 0)
  tables.apply(link(8, 'b', { id: 999 }), 0)
  t.strictSame(slotsAt(fake, b), [8, 0], 'neither new one was answered yet')
  const at = 7 * linkBytes
  fake.links.setUint32(at + linkField.flags, flagsOf(fake, 7) | linkFlag.userAlive, true)
  fake.links.setUint32(at + linkField.ifindex, 3, true)
  tables.apply(link(9, 'b', { id: 1000 }), 0)
  t.strictSame(slotsAt(fake, b), [9, 7], 'the newest that works')
})

t.test('for a while the distance counts at which an earlier daemon reached a member', async (t) => {
  const fake = killed()
  const former = routeTo(fake, 'd')!.getUint32(routeField.feasibleUs, true)
  const tables = tablesOn(fake)
  const distance = (): number => routeTo(fake, 'd')!.getUint32(routeField.feasibleUs, true)
  tables.apply(link(7, 'b', { id: 999 }), 0)
  tables.apply({ kind: 'routes', routes: [route('d', { nextHop: 'b', feasibleUs: 50_000 })] }, 0)
  t.equal(distance(), former, 'neighbours that send with less remaining are not taken for a circle')
  tables.apply(link(8, 'c', { id: 998 }), 0)
  tables.apply({ kind: 'routes', routes: [route('d', { nextHop: 'c', feasibleUs: 60_000 })] }, 0)
  t.equal(distance(), 60_000, 'another way is as long as it is')
  tables.apply({ kind: 'routes', routes: [route('d', { nextHop: 'b', feasibleUs: 50_000 })] }, 0)
  tables.releaseHeld()
  t.equal(distance(), 50_000)
})

t.test('routes of an earlier process make room for those of this one', async (t) => {
  const fake = fakeMaps({ routes: 2 })
  fake.self.setUint32(selfField.layout, layoutNumber, true)
  fake.self.setUint16(selfField.port, 7800)
  for (const to of ['x', 'y']) fake.routes.set(labelOf(to), new Uint8Array(32))
  const tables = tablesOn(fake)
  tables.apply({ kind: 'routes', routes: ['d', 'e', 'f'].map((to) => route(to, { nextHop: 'b' })) }, 0)
  t.ok(routeTo(fake, 'd') && routeTo(fake, 'e'))
  t.equal(routeTo(fake, 'f'), undefined, 'left to the daemon')
})

t.test('what the kernel knows of a link is told in milliseconds', async (t) => {
  const fake = fakeMaps()
  const tables = tablesOn(fake)
  t.equal(tables.link(0), undefined)
  tables.apply(link(0, 'b'), 0)
  t.match(tables.link(0), {
    state: 'unknown',
    isWatched: true,
    rttMs: undefined,
    intervalMs: 10,
    deadlineMs: 30,
  })
  fake.links.setUint32(linkField.state, kernelState.up, true)
  fake.links.setBigUint64(linkField.rttNs, 80_000n, true)
  fake.links.setBigUint64(linkField.rxBytes, 4800n, true)
  for (let i = 0; i < 20; i++) tables.tick(i * 250)
  t.match(tables.linkOf('b'), { state: 'up', rttMs: 0.08, intervalMs: 1, deadlineMs: 3, rxBytes: 4800 })
  tables.lossSeen(0, 0.1)
  tables.tick(9999)
  // 0.1^8 is the accident that may be: eight in a row.
  t.equal(tables.link(0)?.deadlineMs, 8)
  fake.links.setUint32(0, flagsOf(fake, 0) | linkFlag.unwatched, true)
  t.equal(tables.link(0)?.isWatched, false)
  // Two processors: index and 1000 × index.
  t.match(tables.counters(), { forwarded: 0, toRepair: 1001, redirectFailed: 12_012 })
})

t.test('the pace follows round trip, its deviation and loss', async (t) => {
  const at = (rttMs: number, deviationMs: number): number =>
    suitableKernelIntervalMs({ rttMs, deviationMs, lossRatio: 0 })
  t.strictSame(
    [
      at(0, 0),
      at(0.1, 0.02),
      at(1.9, 0.4),
      at(2, 0.1),
      at(0.5, 0.6),
      at(25, 1),
      at(200, 5),
      at(30, 8),
      at(9999, 9),
    ],
    [10, 1, 1, 3, 3, 10, 20, 32, 1000],
  )
  t.strictSame(kernelPace(0.25, 3, { rttMs: 0.05, deviationMs: 0.01, lossRatio: 0 }), {
    intervalMs: 0.25,
    deadlineMs: 0.75,
    misses: 3,
  })
  // 40 ms on the way: 4 probes are always unanswered.
  t.strictSame(kernelPace('auto', 3, { rttMs: 40, deviationMs: 0, lossRatio: 0 }), {
    intervalMs: 10,
    deadlineMs: 30,
    misses: 7,
  })
  t.equal(kernelPace(1, 3, { rttMs: 40, deviationMs: 2, lossRatio: 0 }).deadlineMs, 9)
  t.equal(kernelPace(1, 3, { rttMs: 0.1, deviationMs: 2, lossRatio: 0 }).deadlineMs, 3)
  t.equal(kernelPace('auto', 3, { rttMs: 0.1, deviationMs: 0.4, lossRatio: 0 }).deadlineMs, 3)
  t.equal(kernelPace('auto', 3, { rttMs: 1, deviationMs: 3, lossRatio: 0 }).deadlineMs, 36)
  t.equal(kernelPace(1, 3, { rttMs: 0, deviationMs: 0, lossRatio: 1 }).misses, 24)
  t.strictSame(smoothed(undefined, 8), { rttMs: 8, deviationMs: 4 })
  // 8 + (16-8)/8, 4 + (8-4)/4.
  t.strictSame(smoothed({ rttMs: 8, deviationMs: 4 }, 16), { rttMs: 9, deviationMs: 5 })
})
