import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sign, verify } from 'node:crypto'
import t from 'tap'
import { createIdentity, publicKeyFromRaw, rawPublicKey } from '@x0t/keys'
import {
  createAuthority,
  createBanList,
  issueSvid,
  openIdentityStore,
  parseJoinToken,
  svidSubjectOf,
} from '@x0t/identity'
import { silentLog as log, systemRandom as random, X0tError, type NodeId } from '@x0t/core'
import { createAuthorityDesk } from '../src/authority-desk.ts'
import { createMeshDriver, type MeshDriver } from '../src/mesh-driver.ts'
import { createMetrics } from '../src/metrics.ts'
import { ownName } from '../src/own-name.ts'
import { requestThroughMembers } from '../src/request-through-members.ts'
import { createSvidKeeper, type SvidKeeperOptions } from '../src/svid-keeper.ts'
import { manualClock } from './manual-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'x0t-authority-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const startMs = 1_800_000_000_000
const identity = createIdentity(random.bytes(32))

/** An authority with its desk, and a member with an SVID of an hour. */
async function makeDesk(clock: ReturnType<typeof manualClock>, name: string) {
  const store = await openIdentityStore(join(folder, name))
  t.teardown(() => store[Symbol.asyncDispose]())
  const authority = createAuthority({ meshName: 'desk', random, clock })
  const bans = createBanList(authority.bundle, store.banStore)
  const counters = createMetrics()
  const desk = createAuthorityDesk({
    authority,
    bundle: () => authority.bundle,
    store,
    bans,
    svidTtlMs: () => 3_600_000,
    clock,
    random,
    log,
    counters,
  })
  const { publicKeys, ...subject } = svidSubjectOf(identity)
  store.nodes.add({
    nodeId: identity.nodeId,
    name: 'n',
    publicKeys,
    enrolledAtMs: startMs,
    tokenId: undefined,
  })
  const svid = issueSvid(authority, { publicKeys, ...subject, ttlMs: 3_600_000, clock, random })
  return {
    store,
    authority,
    bans,
    desk,
    counters,
    membership: { chainDer: svid.chainDer, bundle: authority.bundle },
  }
}

function keeperOf(
  made: Awaited<ReturnType<typeof makeDesk>>,
  clock: ReturnType<typeof manualClock>,
  more: Partial<SvidKeeperOptions>,
) {
  const told: string[] = []
  const keeper = createSvidKeeper({
    identity,
    name: 'n',
    membership: made.membership,
    store: made.store,
    askAuthority: async (request) => made.desk.answer(request),
    onRenewed: () => void told.push('renewed'),
    onExpired: () => void told.push('expired'),
    clock,
    random,
    log,
    counters: made.counters,
    ...more,
  })
  return { keeper, told }
}

t.test('an SVID is renewed at half of its life, stored, and taken into use', async (t) => {
  const clock = manualClock(startMs)
  const made = await makeDesk(clock, 'renews')
  const { keeper, told } = keeperOf(made, clock, {})
  const { notAfterMs } = keeper.dates()
  keeper.start()
  await clock.settle(1_500_000)
  t.strictSame(told, [], 'not before half of its life')
  await clock.settle(400_000)
  t.strictSame(told, ['renewed'])
  t.ok(keeper.dates().notAfterMs > notAfterMs)
  t.strictSame(made.store.readMembership()?.chainDer, keeper.credentials().chainDer)
  keeper[Symbol.dispose]()
  await clock.settle(7_200_000)
  t.strictSame(told, ['renewed'], 'nothing goes on after the end')
})

t.test(
  'a renewal that fails is tried until the SVID ends and after, and a full disk does not stop it',
  async (t) => {
    const clock = manualClock(startMs)
    const made = await makeDesk(clock, 'fails')
    let isDown = true
    const store = {
      ...made.store,
      writeMembership() {
        throw new Error('database or disk is full')
      },
    }
    const { keeper, told } = keeperOf(made, clock, {
      store,
      async askAuthority(request) {
        if (isDown) throw isDown ? new X0tError('AUTHORITY_UNREACHABLE', 'no way') : new Error('no way')
        return made.desk.answer(request)
      },
    })
    const before = keeper.dates()
    keeper.start()
    await clock.settle(3_700_000)
    t.strictSame(told, ['expired'])
    t.ok(((await made.counters.totals())['svid_renewal_failures_total'] ?? 0) > 20)
    isDown = false
    await clock.settle(61_000)
    t.strictSame(told, ['expired', 'renewed'])
    t.ok(keeper.dates().notAfterMs > before.notAfterMs, 'in use although it could not be stored')
    keeper.wake()
    keeper[Symbol.dispose]()
  },
)

t.test('what comes back after the end of a keeper is dropped, and an empty chain is damage', async (t) => {
  for (const fails of [true, false]) {
    const clock = manualClock(startMs)
    const made = await makeDesk(clock, `late-${fails}`)
    const answer = Promise.withResolvers<void>()
    const { keeper, told } = keeperOf(made, clock, {
      async askAuthority(request) {
        await answer.promise
        if (fails) throw new Error('late')
        return made.desk.answer(request)
      },
    })
    keeper.start()
    await clock.settle(1_900_000)
    keeper[Symbol.dispose]()
    answer.resolve()
    await clock.settle(1000)
    t.strictSame(told, [])
    t.equal((await made.counters.totals())['svid_renewal_total'], undefined)
    t.throws(() => keeperOf({ ...made, membership: { ...made.membership, chainDer: [] } }, clock, {}), {
      code: 'STATE_DAMAGED',
    })
  }
})

t.test('the desk refuses in a signed answer, and says what a token cannot hold', async (t) => {
  const clock = manualClock(startMs)
  const { desk, bans, counters, store } = await makeDesk(clock, 'desk')
  t.ok(desk.answer(Uint8Array.of(1, 2, 3)).length > 3000)
  t.equal((await counters.totals())['enrolments_refused_total'], 1)
  const { token } = desk.invite({ addresses: ['192.0.2.1:7800'], ttlMs: 1000, name: 'pi' })
  t.match(parseJoinToken(token), { name: 'pi', expiresAtMs: startMs + 1000 })
  for (const bad of [
    { addresses: [], ttlMs: 1000 },
    { addresses: ['192.0.2.1:7800'], ttlMs: 0 },
    { addresses: ['192.0.2.1:7800'], ttlMs: 1000, name: 'two words' },
  ])
    t.throws(() => desk.invite(bad), { code: 'REQUEST_INVALID', exitCode: 2 })
  t.throws(() => desk.unban(identity.nodeId), { code: 'NODE_NOT_BANNED' })
  bans.merge(desk.ban(identity.nodeId, 'lost'))
  const lifted = desk.unban(identity.nodeId)
  t.ok(lifted.serial > (bans.find(identity.nodeId)?.serial ?? 0))
  clock.go(31 * 86_400_000)
  desk.invite({ addresses: ['192.0.2.1:7800'], ttlMs: 1000 })
  t.equal(store.tokens.list().length, 1, 'tokens that ended a month ago are forgotten')

  const config = { node: { name: 'host' } } as never
  const entry = (source: 'default' | 'flag') =>
    [{ key: 'node.name', value: 'host', origin: { source, at: '' } }] as const
  t.equal(ownName(identity.nodeId, { config, settings: undefined, store }), 'host')
  t.equal(ownName(identity.nodeId, { config, settings: entry('flag'), store }), 'host')
  t.equal(ownName(identity.nodeId, { config, settings: entry('default'), store }), 'n')
  t.equal(ownName('a'.repeat(52) as NodeId, { config, settings: entry('default'), store }), 'host')
})

t.test('a request goes to each address once, and what failed is told', async (t) => {
  const clock = manualClock(startMs)
  const { authority } = await makeDesk(clock, 'none')
  const address = { host: '127.0.0.1', port: 9 }
  const asking = requestThroughMembers({
    addresses: [address, address, { host: '127.0.0.2', port: 9 }],
    request: Uint8Array.of(1),
    bundle: authority.bundle,
    clock,
    isBanned: () => false,
  })
  const error: unknown = await asking.catch((failure: unknown) => failure)
  t.match(error, { code: 'AUTHORITY_UNREACHABLE' })
  t.equal(String(error).match(/ECONNREFUSED/g)?.length, 2)
})

/** Two drivers that are neighbours, with what each was asked to do. */
function driverPair(clock: ReturnType<typeof manualClock>) {
  const identities = [identity, createIdentity(random.bytes(32))]
  const drivers: MeshDriver[] = []
  const delivered: string[] = []
  const reserved: number[] = []
  const metrics = createMetrics()
  let isCut = false
  for (const [index, own] of identities.entries()) {
    const other = identities[1 - index]!
    drivers.push(
      createMeshDriver({
        self: own.nodeId,
        name: `n${index}`,
        features: ['relay'],
        sign: (body) => sign(null, body, own.ed25519.privateKey),
        verify: (origin, body, signature) =>
          verify(
            null,
            body,
            publicKeyFromRaw(
              'ed25519',
              rawPublicKey(identities.find(({ nodeId }) => nodeId === origin)!.ed25519.publicKey),
            ),
            signature,
          )
            ? 'ok'
            : 'bad',
        state: {
          linkStateSequence: () => 0,
          reserveLinkStateSequence: (sequence) => void reserved.push(sequence),
        },
        send: (_to, bytes) => {
          if (!isCut)
            clock.setTimer(1, () => drivers[1 - index]!.handle({ type: 'message', from: own.nodeId, bytes }))
        },
        deliver: (from, payload) => void delivered.push(`${from === other.nodeId} ${payload.join()}`),
        onRoutes() {},
        onTopology() {},
        clock,
        random,
        log,
        counters: metrics,
      }),
    )
  }
  for (const [index, driver] of drivers.entries())
    driver.handle({ type: 'neighbour-up', id: identities[1 - index]!.nodeId })
  clock.go(5000)
  return {
    a: drivers[0]!,
    b: drivers[1]!,
    ids: identities.map(({ nodeId }) => nodeId),
    delivered,
    reserved,
    metrics,
    cut: () => (isCut = true),
  }
}

t.test('the driver carries messages and traces, and ends a trace that nobody answers', async (t) => {
  const clock = manualClock(startMs)
  const { a, b, ids, delivered, reserved, metrics, cut } = driverPair(clock)
  const [, bob] = ids as [NodeId, NodeId]
  t.equal(reserved[0]! > startMs, true, 'sequence numbers begin above the time, and are reserved before use')
  t.strictSame([...a.routes().keys()], [bob])
  t.equal(a.neighbours().length, 1)
  a.handle({ type: 'send-routed', to: bob, payload: Uint8Array.of(4, 2) })
  clock.go(10)
  t.strictSame(delivered, ['true 4,2'])
  a.handle({ type: 'send-routed', to: 'a'.repeat(52) as NodeId, payload: Uint8Array.of(1) })
  t.equal((await metrics.totals())['routed_dropped_total'], 1)
  const answered = a.trace(bob)
  clock.go(10)
  t.match(await answered, { reached: true, hops: [{ id: bob }] })
  cut()
  const silent = a.trace(bob)
  let traces = 0
  try {
    for (; traces < 10_000; traces++) void a.trace(bob)
  } catch (error) {
    t.match(error, { code: 'TRACES_RUNNING' })
  }
  t.ok(traces < 10_000, 'not without end')
  clock.go(20_000)
  t.match(await silent, { reached: false })
  a[Symbol.dispose]()
  b[Symbol.dispose]()
})
