import t from 'tap'
import fc from 'fast-check'
import { openUnit, sealUnit } from '@x0t/session'
import { openEvp } from '../src/aead.ts'
import { createArena } from '../src/arena.ts'
import type { Command, Report, SessionCommand } from '../src/commands.ts'
import { compileHopRoutines } from '../src/hop-routines.ts'
import { errnoName } from '../src/kernel.ts'
import { maxPeers, maxSessions } from '../src/limits.ts'
import { createLinks } from '../src/links.ts'
import { adaptToLoss, initialLossState, protections } from '../src/loss-adaptation.ts'
import { createPathMtu, mtuCandidates } from '../src/path-mtu.ts'
import { createPeers } from '../src/peers.ts'
import { createReplayWindow } from '../src/replay-window.ts'
import { allocateSharedBuffers, viewSharedState } from '../src/shared-state.ts'
import { sipHash24 } from '../src/siphash.ts'
import { decodeSocketAddress, encodeSocketAddress } from '../src/socket-address.ts'
import { sliceTcp } from '../src/tcp-slices.ts'
import { createUnitAssembler } from '../src/unit-assembler.ts'
import { runWorker } from '../src/worker-loop.ts'
import { createFakeKernel, fds } from './support/fake-kernel.ts'
import {
  addressOf,
  hash,
  labelOf,
  packet,
  pseudoSum,
  sessionOf,
  socketOf,
  superPacket,
} from './support/fake-mesh.ts'

const newArena = (bytes = 1 << 20) =>
  createArena(
    bytes,
    createFakeKernel(() => {}),
  )

t.test('SipHash-2-4 gives the tags of the paper and of its reference vectors', async (t) => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i)
  const message = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i)
  // Aumasson, Bernstein: "SipHash", appendix A (15 bytes), and vectors.h of the reference code (others).
  for (const [length, tag] of [
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [8, '6224939a79f5f593'],
    [15, 'e545be4961ca29a1'],
    [63, '724506eb4c328a95'],
  ] as const) {
    t.equal(Buffer.from(sipHash24(key, message(length))).toString('hex'), tag, `${length} bytes`)
  }
  t.throws(() => sipHash24(key.subarray(1), key), RangeError)
})

t.test('the WebAssembly routines agree with their definitions', async () => {
  const arena = newArena()
  const routines = compileHopRoutines(arena.memory)
  const [keyAt, at, from] = [arena.allocate(16), arena.allocate(4096), arena.allocate(4096)]
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  fc.assert(
    fc.property(bytes(16), bytes(48), (key, datagram) => {
      arena.bytes.set(key, keyAt)
      arena.bytes.set(datagram, at)
      routines.tag(keyAt, at)
      const expected = sipHash24(key, Buffer.concat([datagram.subarray(0, 24), datagram.subarray(32)]))
      const isEqual = Buffer.from(expected).equals(arena.bytes.subarray(at + 24, at + 32))
      const good = routines.check(keyAt, at)
      arena.bytes[at + 24]! ^= 1
      return isEqual && good === 1 && routines.check(keyAt, at) === 0
    }),
    { seed: 1 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (data, shift) => {
      arena.bytes.set(data, at + shift)
      for (let i = 0; i < 110; i++) arena.bytes[from + i] = i * 5
      routines.xor(at + shift, from, data.length)
      return data.every((byte, i) => arena.bytes[at + shift + i] === (byte ^ ((i * 5) & 0xff)))
    }),
    { seed: 2 },
  )
})

t.test('an arena hands out aligned room and refuses more than it has', async (t) => {
  const arena = newArena(100_000)
  t.equal(arena.allocate(10) % 64, 0)
  t.equal(Number(arena.pointer(64)) - arena.base, 64)
  t.throws(() => arena.allocate(200_000), RangeError)
})

t.test('a replay window accepts each number once, and none that is too old', async (t) => {
  t.throws(() => createReplayWindow(100), RangeError)
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(400), fc.integer({ min: 2 ** 31 - 200, max: 2 ** 31 + 200 })), {
        maxLength: 300,
      }),
      (numbers) => {
        const window = createReplayWindow(64)
        const seen = new Set<number>()
        let top = 0
        return numbers.every((number) => {
          const expected = number > 0 && number > top - 64 && !seen.has(number)
          const agrees = window.isNew(number) === expected && window.accept(number) === expected
          if (expected) seen.add(number)
          top = Math.max(top, expected ? number : 0)
          return agrees && window.highest() === top
        })
      },
    ),
    { seed: 3, numRuns: 300 },
  )
  const window = createReplayWindow(64)
  t.equal(window.accept(2 ** 53), false, 'past what a number holds')
  t.ok(window.accept(2 ** 53 - 1))
})

t.test('the AEAD seals and opens what the reference of @x0t/session opens and seals', async (t) => {
  const arena = newArena()
  const open = openEvp()
  for (const generation of [0, 1]) {
    const sa = sessionOf('a', 'b', 0, generation)
    const mirrored = sessionOf('b', 'a', 0, generation)
    const options = { arena, suite: sa.suite }
    const sealing = open({ ...options, key: sa.sendKey, salt: sa.sendSalt, direction: 'seal' })
    const opening = open({
      ...options,
      key: mirrored.receiveKey,
      salt: mirrored.receiveSalt,
      direction: 'open',
    })
    const at = arena.allocate(70_000)
    for (const [length, sequence] of [
      [0, 1],
      [1, 2 ** 32 - 1],
      [1500, 2 ** 32],
      [65_000, 2 ** 47 + 5],
    ] as const) {
      const plain = Buffer.alloc(length, length)
      arena.bytes.set(plain, at)
      sealing.seal(at, length, sa.remoteSpi, sequence)
      const sealed = Buffer.from(arena.bytes.slice(at, at + length + 16))
      t.strictSame(
        openUnit(owned(mirrored), BigInt(sequence), sealed),
        plain,
        `${sa.suite} ${length}: theirs opens ours`,
      )
      arena.bytes.set(sealUnit(owned(sa), BigInt(sequence), plain), at)
      t.ok(opening.open(at, length + 16, sa.remoteSpi, sequence), 'ours opens theirs')
      t.strictSame(Buffer.from(arena.bytes.slice(at, at + length)), plain)
      arena.bytes.set(sealed, at)
      t.notOk(opening.open(at, length + 16, sa.remoteSpi, sequence + 1), 'not under another number')
      arena.bytes.set(sealed, at)
      t.notOk(opening.open(at, length + 16, sa.remoteSpi + 1, sequence), 'nor under another SPI')
    }
    t.notOk(opening.open(at, 15, 1, 1), 'shorter than a tag')
    for (const aead of [sealing, opening]) {
      aead.close()
      aead.close()
    }
  }
  t.throws(
    () =>
      open({
        arena,
        suite: 'aes-256-gcm',
        key: hash('k').subarray(1),
        salt: hash('s').subarray(0, 4),
        direction: 'seal',
      }),
    RangeError,
  )
})

t.test('socket addresses survive the way into the kernel and back', async (t) => {
  for (const host of [
    '10.1.2.3',
    '::',
    'fd78::1',
    '2001:db8:0:1::ffff',
    'fe80::1%3',
    '2001:db8:1:2:3:4:5:6',
  ]) {
    t.strictSame(decodeSocketAddress(encodeSocketAddress({ host, port: 51_820 })), { host, port: 51_820 })
  }
  t.equal(decodeSocketAddress(encodeSocketAddress({ host: '::ffff:10.1.2.3', port: 1 })).host, '10.1.2.3')
  t.throws(() => encodeSocketAddress({ host: 'example.net', port: 1 }), TypeError)
  t.equal(errnoName(90), 'EMSGSIZE')
  t.equal(errnoName(7), 'errno 7')
})

/** The same keys in buffers of their own, as @x0t/session has them. */
const owned = (sa: SessionCommand) => ({
  ...sa,
  sendKey: Uint8Array.from(sa.sendKey),
  sendSalt: Uint8Array.from(sa.sendSalt),
  receiveKey: Uint8Array.from(sa.receiveKey),
  receiveSalt: Uint8Array.from(sa.receiveSalt),
})

t.test('the path MTU is the largest size answered in a round', async (t) => {
  const mtu = createPathMtu(0)
  t.strictSame(mtu.due(0), mtuCandidates)
  mtu.answered(1424)
  mtu.answered(1333)
  t.equal(mtu.bytes, 1424)
  t.strictSame(mtu.due(10), [])
  t.strictSame(mtu.due(150)[0], 1444)
  mtu.due(300)
  mtu.due(450)
  t.equal(mtu.bytes, 1424)
  t.equal(mtu.nextAtMs(), 1450, 'it is confirmed within a second')
  for (const at of [30_450, 30_600, 30_750, 30_900]) mtu.due(at)
  t.equal(mtu.bytes, 1232, 'nothing answered: the least that IPv6 promises')
})

t.test('a path that becomes narrower is noticed by confirmations that are not answered', async (t) => {
  const mtu = createPathMtu(0)
  mtu.due(0)
  mtu.answered(1472)
  for (const at of [150, 300, 450]) mtu.due(at)
  t.strictSame(mtu.due(1449), [])
  t.strictSame(mtu.due(1450), [1472])
  mtu.answered(1472)
  t.equal(mtu.nextAtMs(), 2450)
  for (const at of [2450, 2600, 2750]) t.strictSame(mtu.due(at), [1472])
  mtu.answered(1472)
  t.equal(mtu.nextAtMs(), 3750, 'three lost in a row are an accident')
  for (const at of [3750, 3900, 4050, 4200]) t.strictSame(mtu.due(at), [1472])
  t.equal(mtu.bytes, 1472)
  t.strictSame(mtu.due(4350), mtuCandidates, 'a fourth is not: the search begins anew')
  t.equal(mtu.bytes, 1232)
  mtu.answered(1372)
  t.equal(mtu.bytes, 1372, 'and what is answered is used at once')
})

t.test('protection grows at once with loss and shrinks slowly', async (t) => {
  let state = adaptToLoss(initialLossState, 0, 0, 0)
  t.equal(state.level, 0)
  state = adaptToLoss(state, 4000, 0, 0)
  t.equal(state.level, 0)
  state = adaptToLoss(state, 4000, 40, 10)
  t.equal(state.level, 2, '0.5 % after one sample of weight one half')
  for (let i = 0; i < 10; i++) state = adaptToLoss(state, 8000, 2000, 20)
  t.equal(state.level, protections.length - 1)
  state = adaptToLoss(state, 100_000, 0, 100)
  t.equal(state.level, protections.length - 1, 'not within two seconds')
  for (let i = 1; i <= 20; i++) state = adaptToLoss(state, 100_000, 0, 2100 * i)
  t.equal(state.level, 0)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(10_000), fc.nat(10_000), fc.nat(5000))), (samples) => {
      let walk = initialLossState
      let nowMs = 0
      return samples.every(([received, lost, waitMs]) => {
        walk = adaptToLoss(walk, received, lost, (nowMs += waitMs))
        return protections[walk.level] !== undefined && walk.lossRatio >= 0 && walk.lossRatio <= 1
      })
    }),
    { seed: 4 },
  )
})

t.test('slices of a TCP super-packet carry its bytes, flags and partial checksums', async (t) => {
  const arena = newArena()
  const [at, to] = [arena.allocate(70_000), arena.allocate(70_000)]
  for (const [size, sliceBytes] of [
    [13_000, 1400],
    [13_001, 4000],
    [900, 100],
  ] as const) {
    const payload = Buffer.alloc(size, 'abcdefg')
    const whole = superPacket('a', 'b', payload, 1300, 0xffff_f000)
    arena.bytes.set(whole, at)
    const slices: Buffer[] = []
    sliceTcp(arena, at, whole.length, sliceBytes, to, (length) =>
      slices.push(Buffer.from(arena.bytes.slice(to, to + length))),
    )
    t.ok(Buffer.concat(slices.map((slice) => slice.subarray(70))).equals(payload))
    let sequence = 0xffff_f000
    for (const [i, slice] of slices.entries()) {
      t.equal(slice.readUInt32BE(54), sequence >>> 0)
      sequence += slice.length - 70
      t.equal(slice.readUInt16BE(14), slice.length - 50)
      t.equal(slice.readUInt16BE(66), pseudoSum(slice))
      t.equal(slice[1], slice.length - 70 > 1300 ? 4 : 0)
      const last = i === slices.length - 1
      t.equal(slice[63], 0x10 | (last ? 0x09 : 0) | (i === 0 ? 0x80 : 0))
    }
  }
})

t.test('reassembly stays within its memory, whatever comes, and closes cleanly', async (t) => {
  const arena = newArena(16 << 20)
  let delivered = 0
  let lost = 0
  const assembler = createUnitAssembler({
    arena,
    routines: compileHopRoutines(arena.memory),
    deliver: () => void delivered++,
    countRepaired: () => {},
    countLost: () => void lost++,
  })
  const counted = { received: 0, lost: 0 }
  const reception = {
    received: (count: number) => void (counted.received += count),
    lost: (count: number) => void (counted.lost += count),
  }
  const sessions = Array.from({ length: 8 }, () => assembler.open(reception))
  const at = arena.allocate(2048)
  const fragment = (session: number, sequence: number, index: number): string => {
    arena.view.setUint16(at + 36, 0)
    arena.view.setUint32(at + 38, sequence)
    arena.view.setUint16(at + 42, 5000)
    arena.view.setUint16(at + 44, 1000)
    arena.view.setUint8(at + 46, index)
    arena.view.setUint8(at + 47, 1)
    return assembler.add(sessions[session]!, at, 1048, 0)
  }
  for (let session = 0; session < 8; session++)
    for (let sequence = 1; sequence < 30; sequence++) fragment(session, sequence, 0)
  t.equal(assembler.waiting(), 96)
  t.equal(lost, 8 * 29 - 96)
  t.equal(fragment(7, 29, 0), 'repeated')
  t.equal(fragment(7, 29 + 128, 0), 'kept', 'a newer unit takes the place of the older')
  t.equal(fragment(7, 29, 1), 'repeated')
  for (let index = 1; index < 5; index++) fragment(7, 157, index)
  t.equal(delivered, 1)
  assembler.close(sessions[7]!)
  assembler.expire(100, 50)
  t.equal(assembler.waiting(), 0)
  // Every unit has five pieces and a parity: what was not received was lost.
  t.equal((counted.received + counted.lost) % 6, 0)
})

t.test('links are found by id and neighbour; of two living ones the newer sends', async (t) => {
  const alive = new Int32Array(512)
  const links = createLinks(newArena(), alive)
  const command = (slot: number, localLinkId: number) => ({
    kind: 'link' as const,
    slot,
    neighbour: 'b',
    localLinkId,
    remoteLinkId: 9,
    sendKey: hash('s').subarray(0, 16),
    receiveKey: hash('r').subarray(0, 16),
    endpoint: undefined,
    carrier: 'udp' as const,
  })
  links.set(command(0, 10))
  links.set(command(1, 11))
  t.equal(links.alive('b'), undefined)
  alive[0] = 1
  t.equal(links.alive('b')?.slot, 0, 'the old one until the new one lives')
  alive[1] = 1
  t.equal(links.alive('b')?.slot, 1)
  t.equal(links.alive(undefined), undefined)
  t.equal(links.alive('c'), undefined)
  t.equal(links.byLocalId(10)?.hasEndpoint, false)
  links.setEndpoint(0, socketOf('b'))
  t.equal(links.bySlot(0)?.hasEndpoint, true)
  links.remove(1)
  links.remove(1)
  t.equal(links.alive('b')?.slot, 0)
  links.remove(0)
  t.equal(links.byLocalId(10), undefined)
})

t.test('numbers of members are reused when neither route nor session needs them', async (t) => {
  const peers = createPeers()
  const label = (n: number): Buffer => hash(`peer ${n}`).subarray(0, 8)
  const indices = Array.from({ length: maxPeers }, (_, n) => peers.indexOf(label(n)))
  t.strictSame([indices[0], indices.at(-1), new Set(indices).size], [0, maxPeers - 1, maxPeers])
  peers.setRouted(Array.from({ length: maxPeers - 1 }, (_, n) => n))
  peers.addSession(5, label(maxPeers - 1))
  t.throws(() => peers.indexOf(label(-1)), { code: 'DATA_PLANE_FULL' })
  peers.removeSession(5)
  t.equal(peers.indexOf(label(-1)), maxPeers - 1)
  peers.labelOf(maxPeers - 1, (found) => t.ok(label(-1).equals(found)))
  peers.labelOf(maxPeers, () => t.fail('nobody has this number'))
  for (let spi = 0; spi < maxSessions; spi++) peers.addSession(spi, label(1))
  t.throws(() => peers.addSession(maxSessions, label(1)), { code: 'DATA_PLANE_FULL' })
  t.equal(peers.addSession(0, label(1)), 1, 'an SA that is replaced takes no room')
})

t.test('a worker takes commands when woken, serves its descriptor, and stops when told', async (t) => {
  for (const role of ['send', 'receive'] as const) {
    const kernel = createFakeKernel(() => {})
    const commands: Command[] = [
      {
        kind: 'routes',
        routes: [
          {
            label: labelOf('b'),
            address: addressOf('b'),
            peer: 0,
            nextHop: 'b',
            feasibleUs: 1,
            alternate: undefined,
            red: undefined,
            blue: undefined,
            hitless: false,
            pathDatagramBytes: 1472,
          },
        ],
      },
    ]
    const reports: Report[] = []
    const shared = allocateSharedBuffers()
    kernel.tunIn.push(packet('a', 'b', Buffer.from('hello')))
    kernel.udpIn.push({ bytes: Buffer.alloc(60), from: socketOf('b') })
    let polls = 0
    const timeouts: number[] = []
    kernel.onPoll = (timeoutMs) => {
      timeouts.push(timeoutMs)
      if (++polls === 3) commands.push({ kind: 'stop' })
    }
    runWorker({
      options: {
        role,
        shared,
        ...fds,
        selfLabel: labelOf('a'),
        selfAddress: addressOf('a'),
        hitlessDscp: [],
        probeInterval: 10,
        probeMisses: 3,
      },
      kernel,
      openAead: openEvp(),
      nowMs: () => polls * 100,
      post: (report) => void reports.push(report),
      nextCommand: () => commands.shift(),
    })
    t.equal(polls, 3)
    t.ok(
      timeouts.every((timeout) => timeout >= 0 && timeout <= 1000),
      'never sleeps for long',
    )
    const state = viewSharedState(shared)
    if (role === 'send') t.match(reports, [{ kind: 'need-session', peer: 0 }])
    else
      t.equal(
        state.receiveStats.reduce((sum, value) => sum + value),
        1,
        'the rubbish was counted',
      )
  }
})
