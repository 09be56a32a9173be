import t from 'tap'
import fc from 'fast-check'
import { createArena } from '../src/arena.ts'
import { createCarrierWatch } from '../src/carrier-watch.ts'
import { errno, type Kernel } from '../src/kernel.ts'
import { openLibc } from '../src/libc.ts'
import type { Link } from '../src/links.ts'
import { decodeNetlink, encodeLinkDump, encodeRouteQuery } from '../src/netlink.ts'
import { encodeSocketAddress } from '../src/socket-address.ts'

const [upFlags, downFlags] = [0x1_0043, 0x1003] // UP, BROADCAST, RUNNING, LOWER_UP; UP, BROADCAST, MULTICAST
const [newLink, delLink, delRoute, newRoute, nlError] = [16, 17, 25, 24, 2]

function message(type: number, sequence: number, body: Buffer): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(16 + body.length, 0)
  header.writeUInt16LE(type, 4)
  header.writeUInt32LE(sequence, 8)
  return Buffer.concat([header, body, Buffer.alloc(-body.length & 3)])
}
function linkMessage(type: number, index: number, flags: number): Buffer {
  const body = Buffer.alloc(16)
  body.writeInt32LE(index, 4)
  body.writeUInt32LE(flags, 8)
  return message(type, 0, body)
}
function routeMessage(sequence: number, index: number): Buffer {
  const body = Buffer.alloc(12 + 8 + 8)
  body.writeUInt16LE(5, 12) // An attribute that is not looked at, with padding.
  body.writeUInt16LE(1, 14)
  body.writeUInt16LE(8, 20)
  body.writeUInt16LE(4, 22)
  body.writeInt32LE(index, 24)
  return message(newRoute, sequence, body)
}
function errorMessage(sequence: number, number: number): Buffer {
  const body = Buffer.alloc(20)
  body.writeInt32LE(-number, 0)
  return message(nlError, sequence, body)
}

/** A kernel with one route per last byte of the address. */
function createFakeRoutes() {
  const libc = openLibc()
  const state = {
    /** By last byte of the address: interface, or negative error. */
    ways: new Map<number, number>(),
    events: [] as (Buffer | number)[],
    answers: [] as Buffer[],
    queries: 0,
    links: [] as [index: number, flags: number][],
  }
  let memory: { readonly base: bigint; readonly bytes: Uint8Array }
  const at = (address: bigint, length: number): Buffer =>
    Buffer.from(memory.bytes.buffer as ArrayBuffer, Number(address - memory.base), length)
  const kernel: Pick<Kernel, 'addressOf' | 'read' | 'write'> = {
    addressOf(buffer) {
      memory = { base: libc.addressOf(buffer), bytes: new Uint8Array(buffer) }
      return memory.base
    },
    read(fd, address, length) {
      const next = fd === 1 ? state.events.shift() : state.answers.shift()
      if (next === undefined) return -errno.EAGAIN
      if (typeof next === 'number') return next
      next.copy(at(address, length))
      return next.length
    },
    write(_fd, address, length) {
      const bytes = Buffer.from(at(address, length))
      for (let from = 0; from < bytes.length;) {
        const size = bytes.readUInt32LE(from)
        const one = bytes.subarray(from, from + size)
        from += size
        const sequence = one.readUInt32LE(8)
        if (one.readUInt16LE(4) === 18) {
          state.answers.push(
            Buffer.concat(state.links.map(([index, flags]) => linkMessage(newLink, index, flags))),
          )
          continue
        }
        state.queries++
        const addressBytes = one.readUInt8(16) === 2 ? 4 : 16
        const way = state.ways.get(one[32 + addressBytes - 1]!) ?? -errno.ENETUNREACH
        state.answers.push(way < 0 ? errorMessage(sequence, -way) : routeMessage(sequence, way))
      }
      return length
    },
  }
  const arena = createArena(1 << 20, kernel)
  const link = (host: string, more: Partial<Link> = {}): Link => {
    const socketAddressAt = arena.allocate(28)
    arena.bytes.set(encodeSocketAddress({ host, port: 7800 }), socketAddressAt)
    return { neighbour: host, carrier: 'udp', hasEndpoint: true, socketAddressAt, ...more } as Link
  }
  const open = () =>
    createCarrierWatch({ arena, kernel: kernel as Kernel, monitorFd: 1, queryFd: 2, sourcePort: 7800 })
  return { state, link, open }
}
const names = (links: readonly Link[]): string[] => links.map(({ neighbour }) => neighbour)

t.test('when an interface loses its carrier the links through it are cut, and no others', async (t) => {
  const { state, link, open } = createFakeRoutes()
  state.links = [
    [2, upFlags],
    [3, upFlags],
  ]
  const watch = open()
  state.ways = new Map([
    [1, 2],
    [2, 3],
    [3, 2],
  ])
  const links = [
    link('10.0.0.1'),
    link('10.0.0.2'),
    link('fd00::3'),
    link('10.0.0.1', { carrier: 'tls' }),
    link('10.0.0.1', { hasEndpoint: false }),
  ]
  t.equal(watch.read(0), false, 'nothing was told')
  t.equal(watch.nextAtMs(), Infinity)
  state.events.push(linkMessage(newLink, 2, upFlags))
  t.equal(watch.read(0), false, 'that it carries is no loss')
  state.events.push(linkMessage(newLink, 2, downFlags))
  t.equal(watch.read(1), true)
  t.strictSame(names(watch.cut(links, 1)), ['10.0.0.1', 'fd00::3'])
  t.strictSame(names(watch.cut(links, 2)), [], 'told once: a link that lives all the same is let live')
  state.events.push(linkMessage(newLink, 2, downFlags))
  t.equal(watch.read(3), false, 'no news')
  state.events.push(linkMessage(newLink, 2, upFlags), linkMessage(delLink, 2, upFlags))
  t.equal(watch.read(4), true)
  state.ways.set(1, 3)
  t.strictSame(names(watch.cut(links, 4)), ['fd00::3'], 'the other has another way by now')
})

t.test('a link without a route is cut; other errors say nothing', async (t) => {
  const { state, link, open } = createFakeRoutes()
  const watch = open()
  const links = Array.from({ length: 40 }, (_, i) => link(`10.0.0.${i + 1}`))
  for (let i = 1; i <= 40; i++) state.ways.set(i, 2)
  state.ways.set(5, -errno.ENETUNREACH)
  state.ways.set(6, -errno.EHOSTUNREACH)
  state.ways.set(7, -errno.EINVAL)
  state.ways.set(40, -errno.EACCES)
  state.events.push(message(delRoute, 0, Buffer.alloc(12)))
  t.equal(watch.read(0), true)
  t.strictSame(names(watch.cut(links, 0)), ['10.0.0.5', '10.0.0.6', '10.0.0.40'])
  t.equal(state.queries, 40)
})

t.test('routes that change in masses are looked at every 20 ms', async (t) => {
  const { state, open } = createFakeRoutes()
  const watch = open()
  const gone = message(delRoute, 0, Buffer.alloc(12))
  state.events.push(gone)
  t.equal(watch.read(100), true)
  watch.cut([], 100)
  state.events.push(gone, -errno.EINTR, gone)
  t.equal(watch.read(105), false)
  t.equal(watch.nextAtMs(), 120)
  state.events.push(linkMessage(newLink, 9, downFlags))
  t.equal(watch.read(106), true, 'but a lost carrier at once')
})

t.test('after messages were lost the interfaces are read anew', async (t) => {
  const { state, link, open } = createFakeRoutes()
  state.links = [[2, upFlags]]
  const watch = open()
  state.ways.set(1, 2)
  state.links = [[2, downFlags]]
  state.events.push(-errno.ENOBUFS)
  t.equal(watch.read(0), true)
  t.strictSame(names(watch.cut([link('10.0.0.1')], 0)), ['10.0.0.1'])
})

t.test(
  'a route query names address, protocol and ports, and the interface of a link-local address',
  async (t) => {
    const v4 = Buffer.from(encodeRouteQuery(encodeSocketAddress({ host: '10.1.2.3', port: 258 }), 7800, 9))
    t.equal(v4.readUInt32LE(0), v4.length)
    t.equal(v4.readUInt32LE(8), 9)
    t.strictSame([...v4.subarray(16, 18)], [2, 32])
    t.strictSame([...v4.subarray(28, 36)], [8, 0, 1, 0, 10, 1, 2, 3])
    t.strictSame([...v4.subarray(36, 41)], [5, 0, 27, 0, 17])
    t.strictSame([...v4.subarray(44, 50)], [6, 0, 28, 0, 0x1e, 0x78])
    t.strictSame([...v4.subarray(52, 58)], [6, 0, 29, 0, 1, 2])
    const v6 = Buffer.from(encodeRouteQuery(encodeSocketAddress({ host: 'fe80::1%7', port: 1 }), 1, 1))
    t.strictSame([...v6.subarray(16, 18)], [10, 128])
    t.strictSame([...v6.subarray(-8)], [8, 0, 4, 0, 7, 0, 0, 0])
    t.equal(encodeLinkDump(3).length, 32)
  },
)

t.test('what is cut short, empty or unknown is left out, and nothing loops', async (t) => {
  t.strictSame(decodeNetlink(new Uint8Array(0)), [])
  t.strictSame(decodeNetlink(new Uint8Array(16)), [], 'a length of 0')
  t.strictSame(decodeNetlink(linkMessage(newLink, 1, upFlags).subarray(0, 20)), [])
  t.strictSame(decodeNetlink(message(newLink, 0, Buffer.alloc(8))), [])
  t.strictSame(decodeNetlink(message(nlError, 0, Buffer.alloc(0))), [])
  t.strictSame(decodeNetlink(message(newRoute, 0, Buffer.alloc(8))), [])
  t.strictSame(decodeNetlink(message(99, 0, Buffer.alloc(8))), [])
  t.match(decodeNetlink(message(newRoute, 4, Buffer.alloc(20))), [{ sequence: 4, index: undefined }])
  const good = [linkMessage(newLink, 1, upFlags), routeMessage(7, 3), errorMessage(8, 0)]
  t.strictSame(decodeNetlink(Buffer.concat(good)), [
    { kind: 'link', index: 1, carries: true },
    { kind: 'route', sequence: 7, index: 3 },
    { kind: 'error', sequence: 8, errno: 0 },
  ])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => decodeNetlink(bytes).length <= 25),
    { seed: 3, numRuns: 500 },
  )
  const whole = Buffer.concat(good)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }))), (changes) => {
      const changed = Buffer.from(whole)
      for (const [at, value] of changes) changed[at] = value
      return decodeNetlink(changed).length <= whole.length / 16
    }),
    { seed: 4, numRuns: 500 },
  )
})
