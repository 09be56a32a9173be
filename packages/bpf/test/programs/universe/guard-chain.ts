import t from 'tap'
import { loadProgram } from '../support/loaded-program.ts'
import { ethernet, etherTypes, ipv4, protocols, udp } from '../support/packets.ts'

const XDP_DROP = 1
const XDP_PASS = 2
const packet = ethernet(
  etherTypes.ipv4,
  ipv4({ source: '198.51.100.7', protocol: protocols.udp }, udp({ target: 7777 })),
)

t.test('guards in a chain run in order, as far as verdicts let them', async (t) => {
  using chain = await loadProgram('chain')
  const names = ['chain_programs', 'chain_slots', 'chain_heads', 'chain_place']
  const maps = Object.fromEntries(names.map((name) => [name, chain.map(name)]))
  using open = await loadProgram('guard', { maps, globals: { guard_source_rate: 0, guard_total_rate: 0 } })
  using closed = await loadProgram('guard', { maps, globals: { guard_allowed_only: true } })
  const run = () => chain.program('x0t_chain').testRun(packet).verdict

  t.equal(run(), XDP_PASS, 'an empty chain passes')
  const programs = chain.map('chain_programs')
  programs.setProgram(new Uint8Array(Uint32Array.of(0).buffer), open.program('x0t_guard'))
  programs.setProgram(new Uint8Array(Uint32Array.of(1).buffer), closed.program('x0t_guard'))
  chain.set('chain_slots', 0, { proceed_on: 1 << XDP_PASS })
  t.equal(run(), XDP_DROP, 'the second has the last word')
  t.same(await open.values('x0t_guard_packets_total', 'verdict'), { pass: 1 })
  t.same(await closed.values('x0t_guard_packets_total', 'verdict'), { deny: 1 })

  chain.set('chain_slots', 0, { proceed_on: 1 << XDP_DROP })
  t.equal(run(), XDP_PASS, 'the first has, where its verdict is not one to go on after')
  t.equal(
    open.program('x0t_guard').testRun(packet).verdict,
    XDP_PASS,
    'run by itself it stays out of the chain',
  )
  t.same(await closed.values('x0t_guard_packets_total', 'verdict'), { deny: 1 })
})
