import { once } from 'node:events'
import t from 'tap'
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { TestMesh, TestPlane } from './test-mesh.ts'

const mesh = new TestMesh()
const signal = AbortSignal.timeout(30_000)

t.test('a stream of another protocol runs on the connection that is there', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await Promise.all([a.up(b), b.up(a)])
  const { promise, resolve } = Promise.withResolvers<[string, Stream]>()
  const answering = await a.plane.streams.answer('/test/1', (nodeId, stream) => resolve([nodeId, stream]), {
    perNeighbour: 2,
  })
  const opened = await b.plane.streams.open(a.member.nodeId, '/test/1', { signal })
  await lpStream(opened).write(Buffer.from('hello'))
  const [from, stream] = await promise
  t.equal(from, b.member.nodeId)
  t.equal(Buffer.from((await lpStream(stream).read({ signal })).subarray()).toString(), 'hello')
  t.equal(b.plane.neighbours().length, 1)

  await answering[Symbol.asyncDispose]()
  await t.rejects(b.plane.streams.open(a.member.nodeId, '/test/1', { signal }), {
    code: 'CONTROL_PROTOCOL_UNKNOWN',
  })
})

t.test('to a node that is no neighbour there is no stream, and nothing is dialled', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(mesh.member())
  await a.plane.streams.answer('/test/1', () => {}, { perNeighbour: 2 })
  await t.rejects(b.plane.streams.open(a.member.nodeId, '/test/1', { signal }), {
    code: 'CONTROL_NOT_CONNECTED',
  })
  t.strictSame(a.plane.neighbours(), [])
})

t.test('a ban ends the streams with the connection', async (t) => {
  await using a = await TestPlane.start(mesh.member())
  await using b = await TestPlane.start(mesh.member(), { bootstrap: [a.address] })
  await Promise.all([a.up(b), b.up(a)])
  await a.plane.streams.answer('/test/1', () => {}, { perNeighbour: 2 })
  const stream = await b.plane.streams.open(a.member.nodeId, '/test/1', { signal })
  mesh.banned.add(b.member.nodeId)
  const closed = once(stream as unknown as EventTarget, 'close', { signal })
  a.plane.recheck()
  await closed
  t.not(stream.status, 'open')
})
