import t from 'tap'
import { channels, maxPayloadBytes } from '../src/index.ts'
import { TestMesh, TestPlane } from './test-mesh.ts'

t.test('two members exchange hellos, frames both ways, and the same keying material', async (t) => {
  const mesh = new TestMesh()
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  const [atA, atB] = await Promise.all([a.up(), b.up()])
  t.equal(Buffer.from(atA.hello).toString(), `hello of ${b.member.nodeId}`)
  t.equal(Buffer.from(atB.hello).toString(), `hello of ${a.member.nodeId}`)
  t.equal(atA.direction, 'inbound')
  t.match(atB, { direction: 'outbound', address: '127.0.0.1', port: a.address.port })
  t.same(atA.exporter('EXPORTER-x0t-hop-v1', 32), atB.exporter('EXPORTER-x0t-hop-v1', 32))
  t.notSame(atA.exporter('EXPORTER-x0t-hop-v1', 32), atA.exporter('EXPORTER-x0t-other', 32))

  const large = new Uint8Array(maxPayloadBytes).fill(7)
  t.ok(a.plane.send(b.member.nodeId, channels.mesh, Uint8Array.of(1, 2, 3)))
  t.ok(b.plane.send(a.member.nodeId, channels.carrier, large))
  t.match(await b.event('frame'), {
    from: a.member.nodeId,
    channel: channels.mesh,
    payload: Uint8Array.of(1, 2, 3),
  })
  t.same(Buffer.from((await a.event('frame')).payload), Buffer.from(large))
  t.match(a.plane.neighbours(), [{ nodeId: b.member.nodeId, isConfigured: false, direction: 'inbound' }])
  t.match(b.plane.neighbours(), [{ nodeId: a.member.nodeId, isConfigured: true, direction: 'outbound' }])
  const rttMs = await b.plane.ping(a.member.nodeId, { signal: AbortSignal.timeout(5_000) })
  t.ok(rttMs >= 0)
  t.notOk(a.plane.send(a.member.nodeId, channels.mesh, large), 'nothing is sent to who is no neighbour')
})
