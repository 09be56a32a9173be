import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { loadProgram } from '../support/loaded-program.ts'
import { networkNamespace, until } from '../support/network.ts'
import { openTcpPair } from '../support/tcp-pair.ts'

/** On the way in: TCP is told of what is dropped on the way out, and holds it back. */
const arrival = { kind: 'tcx', interface: 'lo', direction: 'ingress' } as const

t.test('segments that get lost are sent again, and counted by peer and cause', async (t) => {
  using retransmits = await loadProgram('retransmits', { globals: { retransmits_netns: networkNamespace() } })
  retransmits.attach('x0t_retransmit', { kind: 'tracepoint' })
  using fault = await loadProgram('fault')
  fault.attach('x0t_fault_tc', arrival)
  await using pair = await openTcpPair()
  t.same(await retransmits.metric('x0t_peer_tcp_retransmits_total'), [])

  fault.set('fault_injectors', 0, { mode: 1 })
  pair.client.write('lost')
  const causes = () => retransmits.values('x0t_peer_tcp_retransmits_total', 'cause')
  await until(async () => ((await causes())['timeout'] ?? 0) >= 2)
  fault.set('fault_injectors', 0, { mode: 0 })
  const [bytes] = (await once(pair.server, 'data')) as [Buffer]
  t.equal(bytes.toString(), 'lost', 'it got there in the end')

  t.same(Object.keys(await retransmits.values('x0t_peer_tcp_retransmits_total', 'peer')), ['127.0.0.1'])
  const calls = Object.values(await causes()).reduce((sum, value) => sum + value, 0)
  const [all] = await retransmits.metric('x0tta6bl4_ebpf_retransmissions_total')
  t.same(all, { labels: {}, value: calls }, 'each of one segment')
})

t.test('retransmissions of other network namespaces are not counted', async (t) => {
  using elsewhere = await loadProgram('retransmits', { globals: { retransmits_netns: 1 } })
  elsewhere.attach('x0t_retransmit', { kind: 'tracepoint' })
  using here = await loadProgram('retransmits', { globals: { retransmits_netns: networkNamespace() } })
  here.attach('x0t_retransmit', { kind: 'tracepoint' })
  using fault = await loadProgram('fault')
  fault.attach('x0t_fault_tc', arrival)
  await using pair = await openTcpPair('::1')
  fault.set('fault_injectors', 0, { mode: 1 })
  pair.client.write('lost')
  const peers = () => here.values('x0t_peer_tcp_retransmits_total', 'peer')
  await until(async () => ((await peers())['::1'] ?? 0) > 0)
  t.same(await elsewhere.metric('x0t_peer_tcp_retransmits_total'), [])
  fault.set('fault_injectors', 0, { mode: 0 })
  await once(pair.server, 'data')
})

t.test('a SYN that is sent again is one of its own kind', async (t) => {
  using retransmits = await loadProgram('retransmits', { globals: { retransmits_netns: networkNamespace() } })
  retransmits.attach('x0t_retransmit', { kind: 'tracepoint' })
  using fault = await loadProgram('fault')
  fault.attach('x0t_fault_tc', arrival)
  fault.set('fault_injectors', 0, { mode: 1 })
  const socket = connect(9, '127.0.0.1').on('error', () => undefined)
  // Sockets of the tests before may still have something to say.
  const connects = async (unit: string) =>
    (await retransmits.values(`x0t_peer_tcp_${unit}_total`, 'cause'))['connect'] ?? 0
  await until(async () => (await connects('retransmits')) > 0)
  socket.destroy()
  t.equal(await connects('retransmits'), await connects('retransmitted_segments'))
})
