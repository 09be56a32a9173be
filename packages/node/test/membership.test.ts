import { decode, encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import t from 'tap'
import { nodeIdFromBytes, silentLog, X0tError, type NodeId } from '@x0t/core'
import {
  createMembership,
  decodeRecordsMessage,
  maxMembers,
  maxRecordsMessageBytes,
  type BanEntry,
  type Member,
  type Membership,
} from '../src/membership.ts'

const id = (n: number): NodeId =>
  nodeIdFromBytes(
    new Uint8Array(32)
      .fill(0)
      .with(0, n & 255)
      .with(1, n >> 8),
  )
const memberRecord = (n: number, notAfterMs: number): Uint8Array => encode({ n, notAfterMs, good: true })
const banRecord = (n: number, serial: number, lifted = false): Uint8Array => encode({ n, serial, lifted })

interface Host {
  readonly id: NodeId
  readonly membership: Membership
  readonly gone: string[]
  readonly seen: Member[]
  readonly banned: BanEntry[]
  readonly counted: string[]
  sent: number
}

/** Hosts in a line or any other shape, with messages delivered from one queue. */
function createNet(
  edges: readonly (readonly [number, number])[],
  count: number,
): { hosts: Host[]; run(): void; up(): void } {
  const queue: { to: NodeId; from: NodeId; message: Uint8Array }[] = []
  const hosts = Array.from({ length: count }, (_, n): Host => {
    const host: Host = {
      id: id(n),
      gone: [],
      seen: [],
      banned: [],
      counted: [],
      sent: 0,
      membership: createMembership({
        self: id(n),
        verifyMember(record) {
          const body = decode<{ n: number; notAfterMs: number; good: boolean }>(record)
          if (!body.good) throw new X0tError('SVID_WRONG_AUTHORITY', 'not ours')
          const nodeId = id(body.n)
          if (host.banned.some((ban) => ban.nodeId === nodeId && !ban.lifted))
            throw new X0tError('SVID_BANNED', 'banned')
          return {
            nodeId,
            name: `n${body.n}`,
            notAfterMs: body.notAfterMs,
            ed25519PublicRaw: new Uint8Array(32),
            record,
          }
        },
        verifyBan(record) {
          const body = decode<{ n: number; serial: number; lifted: boolean }>(record)
          return { nodeId: id(body.n), serial: body.serial, lifted: body.lifted, record }
        },
        isBanned: (node) => host.banned.findLast((ban) => ban.nodeId === node)?.lifted === false,
        send(to, message) {
          host.sent++
          queue.push({ to, from: id(n), message })
        },
        onMember: (member) => void host.seen.push(member),
        onMemberGone: (node, reason) => void host.gone.push(`${node.slice(0, 2)} ${reason}`),
        onBan: (ban) => void host.banned.push(ban),
        log: silentLog,
        counters: { count: (name, labels) => void host.counted.push(`${name} ${labels?.['reason'] ?? ''}`) },
      }),
    }
    return host
  })
  return {
    hosts,
    up() {
      for (const [a, b] of edges) {
        hosts[a]!.membership.neighbourUp(id(b))
        hosts[b]!.membership.neighbourUp(id(a))
      }
    },
    run() {
      for (let steps = 0; queue.length > 0; steps++) {
        if (steps > 10_000) throw new Error('messages never end')
        const { to, from, message } = queue.shift()!
        hosts.find((host) => host.id === to)!.membership.receive(from, message)
      }
    },
  }
}

t.test('records known before a meeting reach everyone along a line', (t) => {
  const net = createNet(
    [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
    4,
  )
  for (const [n, host] of net.hosts.entries()) host.membership.addMember(memberRecord(n, 1000))
  net.up()
  net.run()
  for (const host of net.hosts) t.equal(host.membership.members().length, 4)
  t.equal(net.hosts[0]!.membership.member(id(3))!.name, 'n3')
  t.end()
})

t.test('a renewed record replaces the old one, an older one changes nothing and is not passed on', (t) => {
  const net = createNet(
    [
      [0, 1],
      [1, 2],
    ],
    3,
  )
  net.up()
  net.hosts[0]!.membership.addMember(memberRecord(0, 1000))
  net.run()
  net.hosts[0]!.membership.addMember(memberRecord(0, 2000))
  net.run()
  t.equal(net.hosts[2]!.membership.member(id(0))!.notAfterMs, 2000)
  const before = net.hosts[1]!.sent
  net.hosts[1]!.membership.receive(id(0), encode({ t: 'member', r: memberRecord(0, 1500) }))
  t.equal(net.hosts[1]!.sent, before)
  t.equal(net.hosts[1]!.membership.member(id(0))!.notAfterMs, 2000)
  t.end()
})

t.test('a ban removes the member everywhere and keeps it out', (t) => {
  const net = createNet(
    [
      [0, 1],
      [1, 2],
    ],
    3,
  )
  net.up()
  net.hosts[2]!.membership.addMember(memberRecord(9, 1000))
  net.run()
  net.hosts[0]!.membership.addBan(banRecord(9, 1))
  net.run()
  for (const host of net.hosts) {
    t.equal(host.membership.member(id(9)), undefined)
    t.equal(host.gone.length, 1)
    t.equal(host.membership.bans().length, 1)
  }
  net.hosts[2]!.membership.receive(id(1), encode({ t: 'member', r: memberRecord(9, 5000) }))
  t.equal(net.hosts[2]!.membership.member(id(9)), undefined)
  t.same(net.hosts[2]!.counted, ['records_refused_total SVID_BANNED'])
  t.end()
})

t.test('a lifted ban lets the member back in; an older ban does not return', (t) => {
  const net = createNet([[0, 1]], 2)
  net.up()
  net.hosts[0]!.membership.addBan(banRecord(9, 1))
  net.hosts[0]!.membership.addBan(banRecord(9, 2, true))
  net.run()
  net.hosts[1]!.membership.receive(id(0), encode({ t: 'ban', r: banRecord(9, 1) }))
  net.hosts[1]!.banned.length = 0
  net.hosts[1]!.membership.addMember(memberRecord(9, 5000))
  t.equal(net.hosts[1]!.membership.members().length, 1)
  t.end()
})

t.test('a node that was away learns bans and members when it meets a neighbour again', (t) => {
  const net = createNet([[0, 1]], 2)
  net.hosts[0]!.membership.addMember(memberRecord(9, 1000))
  net.hosts[1]!.membership.addMember(memberRecord(9, 1000))
  net.hosts[0]!.membership.addBan(banRecord(9, 1))
  net.hosts[0]!.membership.addMember(memberRecord(0, 1000))
  net.up()
  net.run()
  t.equal(net.hosts[1]!.membership.member(id(9)), undefined)
  t.ok(net.hosts[1]!.membership.member(id(0)))
  net.hosts[0]!.membership.neighbourDown(id(1))
  const before = net.hosts[0]!.sent
  net.hosts[0]!.membership.addMember(memberRecord(5, 1000))
  t.equal(net.hosts[0]!.sent, before, 'nothing is sent to a neighbour that is down')
  t.end()
})

t.test('expired members leave', (t) => {
  const net = createNet([], 1)
  net.hosts[0]!.membership.addMember(memberRecord(1, 1000))
  net.hosts[0]!.membership.addMember(memberRecord(2, 3000))
  net.hosts[0]!.membership.expire(2000)
  t.equal(net.hosts[0]!.membership.members().length, 1)
  t.match(net.hosts[0]!.gone, [/expired/])
  t.end()
})

t.test('a member sending forged records is refused by code, and counted', (t) => {
  const net = createNet([[0, 1]], 2)
  net.hosts[0]!.membership.receive(
    id(1),
    encode({ t: 'member', r: encode({ n: 1, notAfterMs: 9, good: false }) }),
  )
  net.hosts[0]!.membership.receive(id(1), Uint8Array.of(0xff))
  t.same(net.hosts[0]!.counted, [
    'records_refused_total SVID_WRONG_AUTHORITY',
    'records_refused_total RECORD_MALFORMED',
  ])
  t.end()
})

t.test('memory is bounded: one member more than the limit is refused', (t) => {
  const net = createNet([], 1)
  const { membership, counted } = net.hosts[0]!
  for (let n = 0; n <= maxMembers; n++) membership.addMember(memberRecord(n, 1000))
  for (let n = 0; n <= maxMembers; n++) membership.addBan(banRecord(n, 1, true))
  t.equal(membership.members().length, maxMembers)
  t.equal(membership.bans().length, maxMembers)
  t.same(counted, ['records_refused_total too-many-members', 'records_refused_total too-many-bans'])
  t.end()
})

t.test('a summary of all members fits the message limit', (t) => {
  const sizes: number[] = []
  const membership = createMembership({
    self: id(0),
    verifyMember: (record) => ({
      nodeId: id(decode<{ n: number }>(record).n),
      name: '',
      notAfterMs: 2 ** 50,
      ed25519PublicRaw: new Uint8Array(32),
      record,
    }),
    verifyBan: () => t.fail('no ban here') as never,
    isBanned: () => false,
    send: (_to, message) => void sizes.push(message.length),
    onMember() {},
    onMemberGone() {},
    onBan() {},
    log: silentLog,
    counters: { count() {} },
  })
  for (let n = 0; n < 1200; n++) membership.addMember(memberRecord(n, 1))
  membership.neighbourUp(id(1))
  t.equal(sizes.length, 3)
  t.ok(sizes.every((size) => size <= maxRecordsMessageBytes))
  t.end()
})

t.test('the decoder refuses whatever is no message, and never throws anything but an error', (t) => {
  const bad: unknown[] = [
    1,
    null,
    {},
    { t: 'member' },
    { t: 'member', r: 'text' },
    { t: 'have', m: [], b: 3 },
    { t: 'have', m: [[new Uint8Array(31), 1]], b: [] },
    { t: 'have', m: [[new Uint8Array(32), -1]], b: [] },
    { t: 'have', m: [[new Uint8Array(32), 0.5]], b: [] },
    { t: 'have', m: [[new Uint8Array(32)]], b: [] },
    { t: 'want', m: [1], b: [] },
    { t: 'want', m: Array.from({ length: 501 }, () => new Uint8Array(32)), b: [] },
    { t: 'other' },
  ]
  for (const value of bad) t.throws(() => decodeRecordsMessage(encode(value)), { code: 'RECORD_MALFORMED' })
  t.throws(() => decodeRecordsMessage(new Uint8Array(maxRecordsMessageBytes + 1)), {
    code: 'RECORD_MALFORMED',
  })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeRecordsMessage(bytes)
      } catch (error) {
        return error instanceof Error
      }
      return true
    }),
    { seed: 7, numRuns: 2000 },
  )
  t.end()
})
