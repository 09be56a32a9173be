import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { createCodec, parseObject, readProgram } from '@x0t/bpf'
import { loadProgram } from '../support/loaded-program.ts'
import { networkNamespace, until } from '../support/network.ts'
import { openTcpPair } from '../support/tcp-pair.ts'

t.test(
  'a connection is timed, counted in its state, and told of when it stands and when it ends',
  async (t) => {
    using connections = await loadProgram('connections', {
      globals: { connections_netns: networkNamespace() },
    })
    connections.attach('x0t_connection', { kind: 'tracepoint' })
    const events: Record<string, unknown>[] = []
    const decode = await eventCodec()
    connections.listen('x0t_connection_events', (event) => events.push(decode(event)))
    const states = () => connections.values('x0t_tcp_sessions', 'state')
    {
      await using pair = await openTcpPair()
      t.same(await states(), { established: 2, listen: 1 })
      const [connect] = await connections.metric('x0t_tcp_connect_seconds')
      t.ok(connect !== undefined && 'histogram' in connect)
      if (connect !== undefined && 'histogram' in connect) {
        t.equal(connect.histogram.count, 1, 'the side that asked')
        t.equal(connect.histogram.buckets.at(-1)?.count, 1)
      }
      await until(() => events.length >= 2)
      const asked = events.find((event) => event['remote_port'] === pair.port)
      t.match(asked, { from: 2, to: 1, peer: { ip: [0, 0, 0xffff, 0x7f000001] } })
      t.match(
        events.find((event) => event['local_port'] === pair.port),
        { from: 3, to: 1, connect_us: 0n },
      )
    }
    await until(async () => Object.keys(await states()).length === 0)
    await until(() => events.filter((event) => event['to'] === 7).length === 2)
    t.equal(events.length, 4)
  },
)

t.test('peers of IPv6 are told by their address', async (t) => {
  using connections = await loadProgram('connections', { globals: { connections_netns: networkNamespace() } })
  connections.attach('x0t_connection', { kind: 'tracepoint' })
  const events: Record<string, unknown>[] = []
  const decode = await eventCodec()
  connections.listen('x0t_connection_events', (event) => events.push(decode(event)))
  await using pair = await openTcpPair('::1')
  await until(() => events.length >= 2)
  t.match(
    events.find((event) => event['remote_port'] === pair.port),
    { to: 1, peer: { ip: [0, 0, 0, 1] } },
  )
})

t.test('connections of other network namespaces are not counted', async (t) => {
  using connections = await loadProgram('connections', { globals: { connections_netns: 1 } })
  connections.attach('x0t_connection', { kind: 'tracepoint' })
  await using pair = await openTcpPair()
  t.ok(pair.port > 0)
  t.same(await connections.values('x0t_tcp_sessions', 'state'), {})
})

t.test('a connection that is refused is told of, and not timed', async (t) => {
  using connections = await loadProgram('connections', { globals: { connections_netns: networkNamespace() } })
  connections.attach('x0t_connection', { kind: 'tracepoint' })
  const events: Record<string, unknown>[] = []
  const decode = await eventCodec()
  connections.listen('x0t_connection_events', (event) => events.push(decode(event)))
  const [error] = (await once(
    connect(9, '127.0.0.1').on('connect', () => t.fail('connected')),
    'error',
  )) as [Error]
  t.match(error, { code: 'ECONNREFUSED' })
  await until(() => events.length > 0)
  t.match(events, [{ from: 2, to: 7, remote_port: 9, connect_us: 0n }])
  t.same(await connections.values('x0t_tcp_sessions', 'state'), {})
  t.same(connections.get('x0t_tcp_connect', 0)?.['count'], 0n)
})

/** Events are of the type that the manifest names. */
async function eventCodec(): Promise<(event: Uint8Array) => Record<string, unknown>> {
  const { btf } = parseObject(await readProgram('connections'))
  if (btf === undefined) throw new Error('no BTF')
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id)
    if (type.kind !== 'struct' || type.name !== 'connection_event') continue
    const codec = createCodec(btf, id)
    return (event) => codec.decode(event) as Record<string, unknown>
  }
  throw new Error('no type connection_event')
}
