import t from 'tap'
import { loadProgram, type LoadedProgram } from '../support/loaded-program.ts'
import { ip, run } from '../support/network.ts'

const address = { near: '192.0.2.1', far: '192.0.2.2' }

ip('netns add far')
ip('link add near type veth peer name eth0 netns far')
// No IPv6, whose multicast reports would be counted among the pings.
ip('link set near addrgenmode none up')
ip('-n far link set eth0 addrgenmode none up')
ip(`address add ${address.near}/24 dev near`)
ip(`-n far address add ${address.far}/24 dev eth0`)

/** Replies to pings from the far side: with port 0 the guard judges them as it judges handshakes. */
function repliesToStranger(count: number): number {
  try {
    const words = ['ping', '-n', '-c', `${count}`, '-i', '0.02', '-W', '1', address.near]
    return Number(/(\d+) received/.exec(run('ip', 'netns', 'exec', 'far', ...words))?.[1])
  } catch {
    return 0
  }
}

const verdicts = (guard: LoadedProgram) => guard.values('x0t_guard_packets_total', 'verdict')
const globals = { guard_source_rate: 1, guard_source_burst: 4, guard_total_rate: 0 }

t.test('a stranger on the link is limited, until it is on the allow-list', async (t) => {
  t.equal(repliesToStranger(1), 1, 'addresses are resolved')
  using guard = await loadProgram('guard', { globals })
  guard.attach('x0t_guard', { kind: 'xdp', interface: 'near' })
  // 200 ms of pings at one token a second: four and no more, unless the machine stalls for a second.
  const replies = repliesToStranger(10)
  const { pass = 0, limit_source: limited = 0 } = await verdicts(guard)
  t.equal(replies, pass)
  t.equal(pass + limited, 10)
  t.ok(pass >= 4 && limited > 0, `${pass} passed, ${limited} did not`)
  guard.set('x0t_guard_allow4', { prefix_bits: 32, ip: 0xc0000202 }, 0)
  t.equal(repliesToStranger(10), 10)
  t.equal((await verdicts(guard))['allow'], 10)
})

t.test('as a member of a chain on the link it does the same', async (t) => {
  using chain = await loadProgram('chain')
  const names = ['chain_programs', 'chain_slots', 'chain_heads', 'chain_place']
  const maps = Object.fromEntries(names.map((name) => [name, chain.map(name)]))
  using guard = await loadProgram('guard', { maps, globals: { guard_allowed_only: true } })
  chain.attach('x0t_chain', { kind: 'xdp', interface: 'near' })
  t.equal(repliesToStranger(3), 3, 'the chain is empty')
  chain.map('chain_programs').setProgram(new Uint8Array(4), guard.program('x0t_guard'))
  t.equal(repliesToStranger(2), 0)
  guard.set('x0t_guard_allow4', { prefix_bits: 24, ip: 0xc0000200 }, 0)
  t.equal(repliesToStranger(3), 3)
})
