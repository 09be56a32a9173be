import t from 'tap'
import { readSvid } from '../src/index.ts'
import { clockOff, createLoopbackNet, until, type LoopbackNode } from './loopback-nodes.ts'

const net = createLoopbackNet()
t.teardown(() => net[Symbol.asyncDispose]())
t.setTimeout(60_000)

let authorityOffMs = 0
/** It issues for 10 s; where its clock is behind, what it issues ends earlier for the others. */
const a = net.node('a', { clock: clockOff(() => authorityOffMs), svidTtlMs: 10_000 })
const b = net.node('b')
const count = (node: LoopbackNode, event: string): number =>
  node.logged.filter((entry) => entry.event === event).length

await t.test(
  'the authority renews its own certificate at the start, where that ended while it was down',
  async (t) => {
    let offMs = -25 * 3_600_000
    const old = net.node('old', { clock: clockOff(() => offMs) })
    await old.init()
    t.ok((await readSvid(old.home)).notAfterMs < Date.now())
    offMs = 0
    await old.start()
    t.ok((await old.client.status()).svidNotAfterMs > Date.now())
    t.match(await old.client.health(), { status: 'ok' })
    await old.stop()
  },
)

await t.test('a certificate that ended while the node was down is renewed without a token', async (t) => {
  await a.init()
  authorityOffMs = -9000
  await a.start()
  await b.join((await a.client.invite({ addresses: [a.address] })).token)
  authorityOffMs = -3000
  const { notAfterMs } = await readSvid(b.home)
  await until('the certificate has ended', () => notAfterMs < Date.now())
  await b.start()
  await until('b is a neighbour again', async () => (await b.client.status()).peers === 1)
  t.ok((await b.client.status()).svidNotAfterMs > notAfterMs)
  t.equal(count(a, 'node-enrolled'), 1)
})

await t.test('renewals at half life do not break the connection', async (t) => {
  const first = await b.client.status()
  const { peers } = await b.client.peers()
  await until('the first certificate has ended', () => first.svidNotAfterMs < Date.now())
  t.equal((await b.client.peers()).peers[0]?.connectedSinceMs, peers[0]?.connectedSinceMs)
  t.equal(count(a, 'link-down'), 0)
  t.equal(count(b, 'link-down'), 0)
  t.match(await b.client.health(), { status: 'ok' })
  const text = await b.client.metrics()
  t.match(text, /^x0tta6bl4_spiffe_svid_renewal_total [2-9]/m)
  t.match(text, /^x0tta6bl4_mtls_certificate_expiry_seconds \d/m)
})
