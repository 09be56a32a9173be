import { createCipheriv } from 'node:crypto'
import t from 'tap'
import fc from 'fast-check'
import { openEvp } from '../src/aead.ts'
import { createArena } from '../src/arena.ts'
import { compileHopRoutines } from '../src/hop-routines.ts'
import { isPacketValid } from '../src/inner-packet.ts'
import { errno } from '../src/kernel.ts'
import { createFakeKernel } from './support/fake-kernel.ts'
import {
  addressOf,
  createFakeMesh,
  hash,
  hopKeyOf,
  labelOf,
  linkIdOf,
  packet,
  sessionOf,
  socketOf,
  spiOf,
  superPacket,
  type FakeMesh,
} from './support/fake-mesh.ts'

/** A seeded stream of bytes: the same in every run. */
const bytesOf = (seed: number, length: number): Buffer =>
  createCipheriv('aes-256-ctr', hash(`${seed}`), Buffer.alloc(16)).update(Buffer.alloc(length))
/** Linear congruential numbers in [0, 1). */
const seeded = (seed: number): (() => number) => {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

function pair(): FakeMesh {
  const mesh = createFakeMesh(['a', 'b'])
  mesh.link('a', 'b')
  mesh.routes('a', { b: ['b'] })
  mesh.routes('b', { a: ['a'] })
  mesh.session('a', 'b')
  mesh.pass(50)
  return mesh
}

/** a - r - b and a - s - b. */
function diamond(hitless = false, hitlessDscp: readonly number[] = []): FakeMesh {
  const mesh = createFakeMesh(['a', 'r', 's', 'b'], hitlessDscp)
  for (const middle of ['r', 's']) {
    mesh.link('a', middle)
    mesh.link(middle, 'b')
    // The cycle b - r - a - s in both directions: r is next on the red tree, s on the blue one.
    const to = (end: string, round: string) => {
      const direct = { neighbour: end, hops: 1 }
      const long = { neighbour: round, hops: 3 }
      return {
        nextHop: end,
        feasibleUs: 1,
        ...(middle === 'r' ? { red: direct, blue: long } : { red: long, blue: direct }),
      }
    }
    mesh.routes(middle, { a: to('a', 'b'), b: to('b', 'a') })
  }
  const trees = (hitless: boolean) => ({
    nextHop: 'r',
    feasibleUs: 2,
    alternate: { neighbour: 's', plane: 1, remaining: 2 } as const,
    red: { neighbour: 'r', hops: 2 },
    blue: { neighbour: 's', hops: 2 },
    hitless,
  })
  mesh.routes('a', { b: trees(hitless) })
  mesh.routes('b', { a: trees(hitless) })
  mesh.session('a', 'b')
  mesh.pass(50)
  return mesh
}

const sendFromA = (mesh: FakeMesh, ...packets: Buffer[]): Buffer[] => {
  mesh.node('a').kernel.tunIn.push(...packets)
  mesh.settle()
  return mesh.node('b').kernel.tunOut.splice(0)
}

t.test('packets of every size come out of the other TUN as they went in', async (t) => {
  const mesh = pair()
  t.equal(mesh.node('a').shared.linkAlive[0], 1, 'probes brought the link up')
  for (const size of [0, 1, 63, 1200, 1310, 1340, 1400, 2100, 9000, 40_000, 61_000]) {
    const sent = packet('a', 'b', bytesOf(size, size))
    t.strictSame(sendFromA(mesh, sent), [sent], `${size} bytes`)
  }
  t.equal(mesh.node('b').stats().unitsOpened, 11)
})

t.test('small packets that wait together share units and keep their order', async (t) => {
  const mesh = pair()
  const many = Array.from({ length: 300 }, (_, i) => packet('a', 'b', bytesOf(i, 100 + (i % 50))))
  t.strictSame(sendFromA(mesh, ...many), many)
  t.ok(mesh.node('a').stats().unitsSealed < 10, 'far fewer units than packets')
})

t.test('a large unit leaves as one burst of equal datagrams', async (t) => {
  const mesh = pair()
  mesh.node('a').kernel.bursts.length = 0
  const before = mesh.wire.length
  sendFromA(mesh, superPacket('a', 'b', bytesOf(1, 50_000), 1300))
  const sizes = mesh.wire.slice(before).map(({ bytes }) => bytes.length)
  t.strictSame(mesh.node('a').kernel.bursts, [sizes.length])
  t.ok(sizes.slice(0, -1).every((size) => size === 1472))
  t.ok(sizes.at(-1)! <= 1472)
})

t.test('without segmentation offload the datagrams go one by one', async (t) => {
  const mesh = pair()
  const { kernel } = mesh.node('a')
  for (const refusal of [errno.EINVAL, errno.EIO]) {
    kernel.sendError = (segments) => (segments > 1 ? -refusal : 0)
    const sent = superPacket('a', 'b', bytesOf(2, 20_000), 1300)
    t.strictSame(sendFromA(mesh, sent), [sent])
  }
  kernel.sendError = () => 0
  kernel.bursts.length = 0
  sendFromA(mesh, superPacket('a', 'b', bytesOf(3, 20_000), 1300))
  t.ok(
    kernel.bursts.every((segments) => segments === 1),
    'EIO is remembered',
  )
})

t.test('a relay forwards what it cannot read, one hop less, with its own link and counter', async (t) => {
  const mesh = diamond()
  const sent = superPacket('a', 'b', bytesOf(4, 30_000), 1300)
  const before = mesh.wire.length
  t.strictSame(sendFromA(mesh, sent), [sent])
  const data = mesh.wire.slice(before).filter(({ bytes }) => bytes[0] === 0x10)
  const first = data.find(({ from }) => from === 'a')!
  const second = data.find(({ from }) => from === 'r')!
  t.equal(first.bytes[1], 255)
  t.equal(second.bytes[1], 254)
  t.equal(second.bytes.readUInt16BE(2), linkIdOf('r', 'b'))
  t.ok(second.bytes.subarray(32).equals(first.bytes.subarray(32)), 'unit header and ciphertext untouched')
  t.equal(mesh.node('r').stats().unitsOpened, 0)
  t.ok(mesh.node('r').stats().datagramsForwarded >= 22)
})

t.test('a changed, replayed or cut datagram is dropped and counted', async (t) => {
  const mesh = pair()
  const b = mesh.node('b')
  const before = mesh.wire.length
  const sent = packet('a', 'b', bytesOf(5, 300))
  t.strictSame(sendFromA(mesh, sent), [sent])
  const { bytes } = mesh.wire[before]!
  const inject = (datagram: Buffer): void => {
    b.kernel.udpIn.push({ bytes: datagram, from: socketOf('a') })
    mesh.settle()
  }
  inject(bytes)
  t.equal(b.stats().droppedHopReplay, 1, 'replayed')
  for (let at = 0; at < 48; at++) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 0x40
    inject(changed)
  }
  const { droppedBadTag, droppedUnknownLink } = b.stats()
  t.equal(droppedBadTag + droppedUnknownLink, 48, 'every byte of both headers is covered')
  for (const length of [0, 1, 31, 47]) if (length > 0) inject(bytes.subarray(0, length))
  t.equal(b.stats().droppedTooShort, 3)
  t.strictSame(b.kernel.tunOut, [])
  // A replay or a forgery moves no window: the link still works.
  const again = packet('a', 'b', bytesOf(6, 300))
  t.strictSame(sendFromA(mesh, again), [again])
})

/** Seals as `from` would, with valid tags, so that only the checks behind them stand between it and the TUN. */
function craft(mesh: FakeMesh, from: string, to: string) {
  const arena = createArena(
    1 << 20,
    createFakeKernel(() => {}),
  )
  const routines = compileHopRoutines(arena.memory)
  const sa = sessionOf(from, to, 0)
  const aead = openEvp()({ arena, suite: sa.suite, key: sa.sendKey, salt: sa.sendSalt, direction: 'seal' })
  const at = arena.allocate(70_000)
  const keyAt = arena.allocate(16)
  let counter = 1_000_000
  const datagram = (
    header: Partial<
      Record<'hopLimit' | 'plane' | 'unitBytes' | 'fragmentBytes' | 'index' | 'parity' | 'sequence', number>
    >,
    piece: Uint8Array,
    options: { readonly label?: Buffer; readonly spi?: number } = {},
  ): Buffer => {
    const bytes = Buffer.alloc(48 + piece.length)
    bytes[0] = 0x10
    bytes[1] = header.hopLimit ?? 32
    bytes.writeUInt16BE(linkIdOf(from, to), 2)
    bytes[4] = (header.plane ?? 0) << 6
    bytes.writeBigUInt64BE(BigInt(counter++), 8)
    ;(options.label ?? labelOf(to)).copy(bytes, 16)
    bytes.writeUInt32BE(options.spi ?? sa.remoteSpi, 32)
    bytes.writeUIntBE(header.sequence ?? counter, 36, 6)
    bytes.writeUInt16BE(header.unitBytes ?? piece.length, 42)
    bytes.writeUInt16BE(header.fragmentBytes ?? piece.length, 44)
    bytes[46] = header.index ?? 0
    bytes[47] = header.parity ?? 0
    bytes.set(piece, 48)
    arena.bytes.set(bytes, at)
    arena.bytes.set(hopKeyOf(from, to), keyAt)
    routines.tag(keyAt, at)
    return Buffer.from(arena.bytes.slice(at, at + bytes.length))
  }
  const seal = (plain: Uint8Array, sequence: number): Buffer => {
    arena.bytes.set(plain, at)
    aead.seal(at, plain.length, sa.remoteSpi, sequence)
    return Buffer.from(arena.bytes.slice(at, at + plain.length + 16))
  }
  const inject = (...datagrams: Buffer[]): void => {
    for (const bytes of datagrams) mesh.node(to).kernel.udpIn.push({ bytes, from: socketOf(from) })
    mesh.settle()
  }
  return { datagram, seal, inject }
}

t.test('a peer gets nothing into the TUN but consistent packets from itself to this node', async (t) => {
  const mesh = pair()
  const { datagram, seal, inject } = craft(mesh, 'a', 'b')
  const b = mesh.node('b')
  const send = (plain: Uint8Array): void => {
    sequence++
    inject(datagram({ sequence }, seal(plain, sequence)))
  }
  let sequence = 10_000
  const good = packet('a', 'b', bytesOf(7, 40))
  send(good)
  t.equal(b.kernel.tunOut.length, 1)
  send(packet('c', 'b', bytesOf(7, 40)))
  send(packet('a', 'c', bytesOf(7, 40)))
  t.equal(b.stats().droppedInnerAddress, 2, 'someone else as source, someone else as destination')
  const cases: readonly (readonly [string, (bytes: Buffer) => void])[] = [
    ['IPv4', (bytes) => (bytes[10] = 0x45)],
    ['a wrong length', (bytes) => bytes.writeUInt16BE(41, 14)],
    ['unknown flags', (bytes) => (bytes[0] = 2)],
    ['GSO without checksum', (bytes) => (bytes[1] = 4)],
    ['a checksum before the payload', (bytes) => ((bytes[0] = 1), bytes.writeUInt16LE(8, 6))],
    [
      'a checksum past the end',
      (bytes) => ((bytes[0] = 1), bytes.writeUInt16LE(40, 6), bytes.writeUInt16LE(39, 8)),
    ],
    [
      'GSO of an unknown type',
      (bytes) => ((bytes[0] = 1), (bytes[1] = 1), bytes.writeUInt16LE(40, 6), bytes.writeUInt16LE(100, 4)),
    ],
    ['GSO without segment size', (bytes) => ((bytes[0] = 1), (bytes[1] = 4), bytes.writeUInt16LE(40, 6))],
  ]
  for (const [what, change] of cases) {
    const bytes = Buffer.from(good)
    change(bytes)
    send(bytes)
    t.equal(b.kernel.tunOut.length, 1, what)
  }
  const invalid = b.stats().droppedInnerInvalid
  send(Buffer.alloc(0))
  send(Buffer.from([0x81, 0, 200, 1]))
  send(Buffer.from([0x80, 1, 2]))
  send(Buffer.from([0x7f]))
  t.equal(b.stats().droppedInnerInvalid, invalid + 4, 'empty, a pack past its end, a short report, rubbish')
  const forged = seal(good, ++sequence)
  forged[20]! ^= 1
  inject(datagram({ sequence }, forged))
  t.equal(b.stats().droppedUnitForged, 1)
  inject(datagram({ sequence }, seal(good, sequence)))
  t.equal(b.kernel.tunOut.length, 2, 'the forgery did not use up its number')
  inject(datagram({ sequence }, seal(good, sequence)))
  t.equal(b.stats().droppedUnitReplay, 1)
  inject(datagram({}, forged, { spi: 1 }))
  t.equal(b.stats().droppedNoSession, 1)
  inject(datagram({}, forged, { label: labelOf('elsewhere') }))
  t.equal(b.stats().droppedNoRoute, 1, 'never an open relay')
  inject(datagram({ hopLimit: 1 }, forged, { label: labelOf('elsewhere') }))
  t.equal(b.stats().droppedHopLimit, 1)
  for (const header of [
    { unitBytes: 5000, fragmentBytes: 0 },
    { unitBytes: 5000, fragmentBytes: 60_000 },
    { unitBytes: 100, fragmentBytes: 200 },
    { unitBytes: 65_535, fragmentBytes: 100 },
    { unitBytes: 5000, fragmentBytes: 1000, index: 5 },
    { unitBytes: 5000, fragmentBytes: 1000, parity: 6 },
    { unitBytes: 65_000, fragmentBytes: 8000, parity: 5 },
    { unitBytes: 5000, fragmentBytes: 1000, index: 1 },
  ]) {
    const before = b.stats().droppedUnitInvalid
    inject(datagram(header, Buffer.alloc(999)))
    t.equal(b.stats().droppedUnitInvalid, before + 1, JSON.stringify(header))
  }
})

t.test('whatever an authenticated peer seals, only valid packets reach the TUN', async () => {
  const mesh = pair()
  const { datagram, seal, inject } = craft(mesh, 'a', 'b')
  const b = mesh.node('b')
  let sequence = 20_000
  const arena = createArena(
    1 << 17,
    createFakeKernel(() => {}),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.tuple(fc.nat(70), fc.nat(255), fc.nat(300)).map(([at, value, size]) => {
          const bytes = superPacket('a', 'b', bytesOf(size, size), 100)
          bytes[at] = value
          return bytes
        }),
      ),
      (plain) => {
        sequence++
        inject(datagram({ sequence }, seal(plain, sequence)))
        for (const written of b.kernel.tunOut.splice(0)) {
          arena.bytes.set(written, 64)
          if (!isPacketValid(arena, 64, written.length)) return false
          if (
            !written.subarray(18, 34).equals(addressOf('a')) ||
            !written.subarray(34, 50).equals(addressOf('b'))
          )
            return false
        }
        return true
      },
    ),
    { seed: 78, numRuns: 400 },
  )
})

t.test('rubbish on the wire, with or without a valid tag, never stops the loops', async (t) => {
  const mesh = pair()
  const { datagram, inject } = craft(mesh, 'a', 'b')
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.record({
        unitBytes: fc.nat(65_535),
        fragmentBytes: fc.nat(2000),
        index: fc.nat(255),
        parity: fc.nat(255),
        sequence: fc.nat(500),
      }),
      (bytes, header) => {
        inject(Buffer.from(bytes), datagram(header, bytes))
      },
    ),
    { seed: 79, numRuns: 400 },
  )
  // The rubbish had valid tags and high numbers: a new link and a new association start afresh.
  for (const name of ['a', 'b']) mesh.node(name).tell({ kind: 'unlink', slot: 0 })
  mesh.link('a', 'b')
  mesh.pass(200)
  const sent = packet('a', 'b', bytesOf(8, 5000))
  mesh.session('a', 'b', 1)
  t.strictSame(sendFromA(mesh, sent), [sent])
})

for (const [ratio, least] of [
  [0.005, 0.97],
  [0.03, 0.9],
  [0.12, 0.55],
] as const) {
  t.test(`at ${ratio * 100} % loss units are repaired and arrive unchanged`, async (t) => {
    const mesh = pair()
    const random = seeded(42)
    mesh.filter = (_from, _to, bytes) => (random() < ratio ? undefined : bytes)
    const segment = 1300
    const stream: Buffer[] = []
    let sequence = 0
    /** Sends units of a stream; the share of its bytes that arrived, each slice being what was sent there. */
    const run = (count: number): number => {
      let arrived = 0
      for (let i = 0; i < count; i++) {
        const payload = bytesOf(sequence, 20 * segment)
        stream.push(payload)
        for (const slice of sendFromA(mesh, superPacket('a', 'b', payload, segment, sequence))) {
          const offset = slice.readUInt32BE(54)
          const part = slice.subarray(70)
          // A slice lies within one payload, perhaps an older one that was repaired late.
          const from = offset % payload.length
          const sent = stream[Math.floor(offset / payload.length)]!
          if (!part.equals(sent.subarray(from, from + part.length))) t.fail('a slice has changed')
          arrived += part.length
        }
        sequence += payload.length
        mesh.pass(10)
      }
      return arrived / (count * 20 * segment)
    }
    run(300)
    const level = mesh.node('a').shared.lossLevel[1]!
    t.ok(level >= 2, `the sender protects its units (level ${level})`)
    const share = run(150)
    t.ok(share >= least, `${(share * 100).toFixed(1)} % arrived`)
    t.ok(mesh.node('b').stats().unitsRepaired > 0)
    mesh.filter = (_from, _to, bytes) => bytes
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 250; j++) sendFromA(mesh, superPacket('a', 'b', bytesOf(j, 20 * segment), segment))
      mesh.pass(2100, 100)
    }
    t.ok(mesh.node('a').shared.lossLevel[1]! < level, 'and relaxes when the path is clean')
  })
}

t.test('a lost last fragment is repaired when the next unit or the timer comes', async (t) => {
  const mesh = pair()
  mesh.node('a').shared.lossLevel[1] = 1
  const unit = (n: number): Buffer => superPacket('a', 'b', bytesOf(n, 13_000), 1300)
  let dropping = true
  mesh.filter = (from, _to, bytes) => {
    const last =
      from === 'a' &&
      bytes[0] === 0x10 &&
      bytes[46] === Math.ceil(bytes.readUInt16BE(42) / bytes.readUInt16BE(44)) - 1
    return last && dropping ? undefined : bytes
  }
  t.strictSame(sendFromA(mesh, unit(1)), [])
  dropping = false
  t.strictSame(sendFromA(mesh, unit(2)), [unit(1), unit(2)], 'the older one first')
  dropping = true
  t.strictSame(sendFromA(mesh, unit(3)), [])
  mesh.pass(100)
  t.strictSame(mesh.node('b').kernel.tunOut, [unit(3)])
  mesh.filter = (_from, _to, bytes) => (bytes[0] === 0x10 && bytes[46]! < 2 ? undefined : bytes)
  mesh.node('b').kernel.tunOut.length = 0
  // The reports of these losses have raised the level.
  mesh.node('a').shared.lossLevel[1] = 1
  t.strictSame(sendFromA(mesh, unit(4)), [])
  mesh.pass(100)
  t.equal(mesh.node('b').stats().unitsLost, 1, 'two losses in one class are too many')
})

t.test('a peer whose totals start anew does not look like a flood of losses', async (t) => {
  const mesh = pair()
  const { datagram, seal, inject } = craft(mesh, 'b', 'a')
  const level = (): number => mesh.node('a').shared.lossLevel[1]!
  let sequence = 50_000
  const reportTotals = (received: number, lost: number): void => {
    const plain = Buffer.alloc(9, 0x80)
    plain.writeUInt32BE(received, 1)
    plain.writeUInt32BE(lost, 5)
    inject(datagram({ sequence: ++sequence }, seal(plain, sequence)))
  }
  reportTotals(1_000_000, 5)
  t.equal(level(), 0)
  reportTotals(10, 0)
  t.equal(level(), 0, 'the totals went back')
  reportTotals(1010, 100)
  t.ok(level() > 2, 'a tenth lost since then')
})

t.test('when the next hop falls silent the alternate takes over, and the next hop takes back', async (t) => {
  const mesh = diamond()
  const sent = packet('a', 'b', bytesOf(9, 500))
  mesh.filter = (from, to, bytes) => (from === 'r' || to === 'r' ? undefined : bytes)
  t.strictSame(sendFromA(mesh, sent), [], 'lost in the hole')
  mesh.pass(320)
  t.ok(mesh.node('a').reports.some(({ kind }) => kind === 'link-down'))
  t.strictSame(sendFromA(mesh, sent), [sent], 'over s, before any owner has said a word')
  mesh.filter = (_from, _to, bytes) => bytes
  mesh.pass(600)
  const before = mesh.wire.length
  t.strictSame(sendFromA(mesh, sent), [sent])
  t.ok(
    mesh.wire.slice(before).some(({ from, bytes }) => from === 'r' && bytes[0] === 0x10),
    'over r again',
  )
})

t.test(
  'a relay whose next hop died uses its alternate, but never sends back where a datagram came from',
  async (t) => {
    const mesh = diamond()
    mesh.link('r', 's')
    mesh.routes('r', { b: ['b', 's'], a: ['a'] })
    mesh.pass(100)
    const cut = (x: string, y: string) => (from: string, to: string, bytes: Buffer) =>
      (from === x && to === y) || (from === y && to === x) ? undefined : bytes
    mesh.filter = cut('r', 'b')
    mesh.pass(400)
    const sent = packet('a', 'b', bytesOf(10, 500))
    t.strictSame(sendFromA(mesh, sent), [sent], 'a - r - s - b')
    mesh.routes('r', { b: ['a', 'b'], a: ['a'] })
    // Until the trees of before are forgotten.
    mesh.pass(2100, 100)
    t.strictSame(sendFromA(mesh, sent), [])
    t.equal(mesh.node('r').stats().droppedLoop, 1)
  },
)

t.test('on both trees not one packet is lost when a path dies silently', async (t) => {
  const mesh = diamond(true)
  const arrived: Buffer[] = []
  const sent = Array.from({ length: 60 }, (_, i) => packet('a', 'b', bytesOf(i, 3000)))
  for (const [i, bytes] of sent.entries()) {
    if (i === 20) mesh.filter = (from, to, datagram) => (from === 'r' || to === 'r' ? undefined : datagram)
    if (i === 40) mesh.filter = (_from, _to, datagram) => datagram
    arrived.push(...sendFromA(mesh, bytes))
    mesh.pass(20)
  }
  t.strictSame(arrived, sent, 'each exactly once')
})

t.test('the second copy of a hitless unit is a duplicate, the third one a replay', async (t) => {
  const mesh = diamond(true)
  for (const size of [300, 3000, 60_000]) {
    const sent = packet('a', 'b', bytesOf(size, size))
    t.strictSame(sendFromA(mesh, sent), [sent], `${size} bytes`)
  }
  const { droppedDuplicate, droppedUnitReplay, unitsOpened } = mesh.node('b').stats()
  // ceil((size + 50 + 16) / 1424) datagrams on the other tree: 1, 3, 43.
  t.strictSame([droppedDuplicate, droppedUnitReplay, unitsOpened], [47, 0, 3])
  const { datagram, seal, inject } = craft(mesh, 'r', 'b')
  const sa = sessionOf('a', 'b', 0)
  const copy = (plane: number): Buffer =>
    datagram({ sequence: 1, plane }, seal(bytesOf(1, 316), 1), { spi: sa.remoteSpi })
  inject(copy(2))
  t.match(mesh.node('b').stats(), { droppedDuplicate: 47, droppedUnitReplay: 1 }, 'both copies have come')
  t.equal(mesh.node('a').stats().unitsDuplicated, 3)
})

t.test('a class of traffic goes on both trees, the rest beside it on the best way', async (t) => {
  const mesh = diamond(false, [46])
  const of = (dscp: number, size: number): Buffer => {
    const bytes = packet('a', 'b', bytesOf(size, size))
    // Version 6, then the traffic class: 6 bits of DSCP, 2 of ECN.
    bytes.writeUInt16BE(0x6000 | (dscp << 6), 10)
    return bytes
  }
  const sent = [of(46, 200), of(46, 201), of(0, 202), of(46, 5000), of(45, 5001)]
  t.strictSame(sendFromA(mesh, ...sent), sent, 'in their order')
  // Small ones of one class share a unit; it and the first long one go twice.
  t.match(mesh.node('a').stats(), { unitsSealed: 4, unitsDuplicated: 2 })
  t.equal(mesh.node('b').stats().droppedUnitReplay, 0)
})

t.test('hitless packets that waited for their session go on both trees, too', async (t) => {
  const mesh = diamond(false, [46])
  mesh.node('a').tell({ kind: 'forget', localSpi: spiOf('b', 'a') })
  const sent = packet('a', 'b', bytesOf(1, 100))
  sent.writeUInt16BE(0x6000 | (46 << 6), 10)
  t.strictSame(sendFromA(mesh, sent, sent), [])
  mesh.session('a', 'b', 1)
  mesh.settle()
  t.strictSame(mesh.node('b').kernel.tunOut.splice(0), [sent, sent])
  t.equal(mesh.node('a').stats().unitsDuplicated, 1)
})

t.test('fragments of one unit may come over either tree', async (t) => {
  const mesh = diamond(true)
  const random = seeded(7)
  // Of every fragment one copy is lost, on either tree.
  const lost = new Map<string, string>()
  mesh.filter = (from, to, bytes) => {
    if (to !== 'b' || bytes[0] !== 0x10) return bytes
    const key = bytes.toString('hex', 36, 47)
    const loser = lost.get(key) ?? (random() < 0.5 ? 'r' : 's')
    lost.set(key, loser)
    return from === loser ? undefined : bytes
  }
  for (let i = 0; i < 50; i++) {
    const sent = superPacket('a', 'b', bytesOf(i, 40_000), 1300)
    t.strictSame(sendFromA(mesh, sent), [sent], `unit ${i}`)
    mesh.pass(5)
  }
  t.equal(mesh.node('b').stats().droppedUnitReplay, 0)
})

t.test('packets for a member without session wait, ask once, and leave when it is there', async (t) => {
  const mesh = createFakeMesh(['a', 'b'])
  mesh.link('a', 'b')
  mesh.routes('a', { b: ['b'] })
  mesh.routes('b', { a: ['a'] })
  mesh.pass(50)
  const sent = Array.from({ length: 5 }, (_, i) => packet('a', 'b', bytesOf(i, 3000)))
  t.strictSame(sendFromA(mesh, ...sent), [])
  t.equal(mesh.node('a').reports.filter(({ kind }) => kind === 'need-session').length, 1)
  mesh.session('a', 'b')
  mesh.settle()
  t.strictSame(mesh.node('b').kernel.tunOut.splice(0), sent)
  t.ok(mesh.node('b').reports.some(({ kind }) => kind === 'session-used'))
  mesh.node('a').tell({ kind: 'forget', localSpi: spiOf('b', 'a') })
  sendFromA(mesh, ...Array.from({ length: 100 }, (_, i) => packet('a', 'b', bytesOf(i, 3000))))
  t.ok(mesh.node('a').stats().droppedNoSession > 0, 'only so many wait')
})

t.test('while keys are renewed the old association still receives', async (t) => {
  const mesh = pair()
  const old = packet('a', 'b', bytesOf(11, 500))
  mesh.node('a').tell(sessionOf('a', 'b', 1, 1))
  mesh.node('b').tell(sessionOf('b', 'a', 0, 1))
  t.strictSame(sendFromA(mesh, old), [old])
  mesh.node('a').tell({ kind: 'use', localSpi: spiOf('b', 'a', 1) })
  t.strictSame(sendFromA(mesh, old), [old], 'under the new one, ChaCha20-Poly1305')
  mesh.node('b').tell({ kind: 'forget', localSpi: spiOf('a', 'b', 0) })
  t.strictSame(sendFromA(mesh, old), [old])
  mesh.node('a').tell({ kind: 'forget', localSpi: spiOf('b', 'a', 1) })
  mesh.node('a').tell({ kind: 'forget', localSpi: 1 })
  mesh.node('a').tell({ kind: 'use', localSpi: 1 })
  t.strictSame(sendFromA(mesh, old), [])
})

t.test('from the TUN only IPv6 of this node for known members is taken', async (t) => {
  const mesh = pair()
  sendFromA(
    mesh,
    packet('b', 'b', bytesOf(1, 9)),
    packet('a', 'c', bytesOf(1, 9)),
    Buffer.alloc(30),
    superPacket('a', 'b', bytesOf(1, 65_500), 1300),
  )
  const stats = mesh.node('a').stats()
  t.match(stats, { droppedInnerAddress: 1, droppedNoRoute: 1, droppedInnerInvalid: 1, droppedTooLong: 1 })
})

t.test('under the tls carrier datagrams go through the owner, and UDP is tried beside it', async (t) => {
  const mesh = createFakeMesh(['a', 'b'])
  mesh.filter = () => undefined
  mesh.link('a', 'b', 'tls')
  mesh.routes('a', { b: ['b'] })
  mesh.routes('b', { a: ['a'] })
  mesh.session('a', 'b')
  const carry = (): void => {
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      for (const report of mesh.node(from).reports.splice(0)) {
        if (report.kind === 'frames')
          mesh.node(to).receive.apply({ kind: 'frames', neighbour: from, bytes: report.bytes })
        else kept.push(`${from} ${report.kind}`)
      }
    }
  }
  const kept: string[] = []
  const run = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 10) {
      mesh.pass(10, 10)
      carry()
      carry()
    }
  }
  run(100)
  t.ok(kept.includes('a link-up'))
  const sent = superPacket('a', 'b', bytesOf(12, 30_000), 1300)
  mesh.node('a').kernel.tunIn.push(sent)
  mesh.settle()
  carry()
  t.strictSame(mesh.node('b').kernel.tunOut, [sent])
  run(2500)
  t.notOk(kept.includes('a udp-works'))
  mesh.filter = (_from, _to, bytes) => bytes
  run(2500)
  t.ok(kept.includes('a udp-works'))
  mesh.node('b').receive.apply({ kind: 'frames', neighbour: 'a', bytes: Buffer.from([0, 9, 1]) })
})

t.test('a neighbour that comes from elsewhere is answered there, once its tag is checked', async (t) => {
  const mesh = pair()
  const b = mesh.node('b')
  const probe = mesh.wire.findLast(({ from, bytes }) => from === 'a' && bytes[0] === 0x11)!
  b.kernel.udpIn.push({ bytes: probe.bytes, from: socketOf('z') })
  mesh.settle()
  t.notOk(
    b.reports.some(({ kind }) => kind === 'endpoint'),
    'not for a replay',
  )
  mesh.filter = (from, to, bytes) => {
    if (from === 'a' && bytes[0] === 0x11) {
      b.kernel.udpIn.push({ bytes, from: socketOf('z') })
      return undefined
    }
    return to === 'b' ? bytes : bytes
  }
  mesh.pass(120)
  const moved = b.reports.find((report) => report.kind === 'endpoint')
  t.ok(moved !== undefined && socketOf('z').equals(moved.endpoint))
  b.tell({ kind: 'endpoint', slot: 0, endpoint: socketOf('a') })
  b.tell({ kind: 'endpoint', slot: 99, endpoint: socketOf('a') })
})

t.test('the longest datagram of a link is found and reported, with round trip and loss', async (t) => {
  const mesh = pair()
  mesh.filter = (_from, _to, bytes) => (bytes.length > 1452 ? undefined : bytes)
  mesh.node('a').tell({ kind: 'unlink', slot: 0 })
  mesh.node('b').tell({ kind: 'unlink', slot: 0 })
  mesh.node('a').tell({ kind: 'unlink', slot: 0 })
  for (const name of ['a', 'b']) mesh.node(name).reports.length = 0
  mesh.link('a', 'b')
  mesh.node('a').kernel.mtu = 4096
  mesh.pass(3000)
  const metrics = mesh.node('a').reports.filter((report) => report.kind === 'metric')
  t.equal(metrics.at(-1)!.mtuBytes, 1452)
  t.equal(metrics.at(-1)!.rttMs, 0, 'the wires of this test take no time')
  t.ok(metrics.length >= 2 && metrics.length < 12)
  mesh.filter = (_from, _to, bytes) => (bytes.length > 1232 ? undefined : bytes)
  mesh.pass(32_000, 20)
  t.equal(
    mesh.node('a').reports.findLast((report) => report.kind === 'metric')!.mtuBytes,
    1232,
    'it shrinks too',
  )
  t.equal(mesh.node('a').stats().droppedTooLong, 0, 'a probe that is too long is no loss')
  mesh.node('a').kernel.mtu = 1000
  sendFromA(mesh, packet('a', 'b', bytesOf(1, 4000)))
  t.ok(mesh.node('a').stats().droppedTooLong > 0)
})

t.test('errors of the socket and of the TUN are counted, not thrown', async (t) => {
  const mesh = pair()
  mesh.node('a').kernel.sendError = () => -errno.EPERM
  sendFromA(mesh, packet('a', 'b', bytesOf(1, 40)))
  t.equal(mesh.node('a').stats().droppedSendError, 1)
  let interrupted = 0
  mesh.node('a').kernel.sendError = () => (interrupted++ === 0 ? -errno.EINTR : 0)
  mesh.node('b').kernel.write = () => -errno.EIO
  sendFromA(mesh, packet('a', 'b', bytesOf(1, 40)))
  t.equal(mesh.node('b').stats().tunWriteErrors, 1)
  mesh.node('a').tell({ kind: 'unlink', slot: 0 })
  sendFromA(mesh, packet('a', 'b', bytesOf(1, 40)))
  t.equal(mesh.node('a').stats().droppedNextHopDown, 1)
})

t.test('what is missed while a link is down is not its loss afterwards', async (t) => {
  const mesh = pair()
  mesh.pass(5000)
  mesh.filter = () => undefined
  mesh.pass(3000)
  mesh.filter = (_from, _to, bytes) => bytes
  mesh.node('a').reports.length = 0
  mesh.pass(8000)
  const metrics = mesh.node('a').reports.filter((report) => report.kind === 'metric')
  t.ok(metrics.length >= 5)
  t.ok(metrics.every(({ lossRatio, deadlineMs }) => lossRatio === 0 && deadlineMs < 320))
})
