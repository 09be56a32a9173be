import t from 'tap'
import { parseShape, planNetwork, type NetworkPlan, type Run } from '@x0t/testbed'
import { choosePeerSystem, peerFamilies } from '../src/index.ts'
import { inRealTime } from '../src/mttr/scheduling.ts'
import { babeldConfig } from '../src/mttr/systems/babeld-config.ts'
import { birdAlarms, birdConfig } from '../src/mttr/systems/bird-config.ts'
import { firstRouteChange } from '../src/mttr/systems/route-changes.ts'
import { linkCost, loopbackOf, vethLinks } from '../src/mttr/systems/routed-link.ts'
import { wallOffsetMs } from '../src/mttr/systems/wall-offset.ts'
import { tcpPairs } from '../src/mttr/systems/wholeness.ts'
import { tunnelEnds } from '../src/mttr/systems/wireguard-links.ts'
import { nebulaConfig } from '../src/overlays/nebula.ts'
import { numberedAddress } from '../src/overlays/prepared-hosts.ts'
import { tincConfig } from '../src/overlays/tinc.ts'
import { yggdrasilSettings } from '../src/overlays/yggdrasil.ts'

const planOf = (shape: string): NetworkPlan => planNetwork('test', parseShape(shape))
const diamond = planOf('diamond')

t.test('addresses of a network are numbered from its first to beyond 255 hosts', async (t) => {
  t.equal(numberedAddress('172.31', 0), '172.31.0.1')
  t.equal(numberedAddress('172.31', 254), '172.31.0.255')
  t.equal(numberedAddress('172.31', 299), '172.31.1.44')
  t.equal(loopbackOf(diamond, 'd'), '172.31.0.4')
})

t.test('one of two equal paths is a little cheaper, and the other stays feasible for Babel', async (t) => {
  t.strictSame(
    vethLinks(diamond, 's').map((link) => [link.neighbour, link.interface, link.cost]),
    [
      ['a', 'to-a', 96],
      ['b', 'to-b', 100],
    ],
  )
  // RFC 8966, 3.5.1: b's distance to d, 100, is less than that of s over a, 192.
  t.equal(linkCost(diamond, 'd', 'a'), 96)
  t.equal(linkCost(diamond, 'd', 'b'), 100)
  const ring = planOf('ring:6')
  t.strictSame(
    ring.links.map(({ a, b }) => linkCost(ring, a.host, b.host)),
    [96, 96, 96, 100, 100, 100],
    'n0 to n3, which is farthest',
  )
  t.equal(linkCost(planNetwork('test', { hosts: ['a', 'b'], links: [] }), 'a', 'b'), 100, 'no path at all')
})

t.test('babeld is told interfaces with costs, intervals in seconds, and what to announce', async (t) => {
  const settings = { helloMs: 20, updateMs: 1000, linkDetect: true, smoothingHalfLifeS: 0 }
  const own = { loopback: '172.31.0.1', stateFile: '/x/state' }
  t.equal(
    babeldConfig(own, vethLinks(diamond, 's'), settings),
    `random-id true
state-file /x/state
link-detect true
smoothing-half-life 0
default type wired hello-interval 0.02 update-interval 1
interface to-a rxcost 96
interface to-b rxcost 100
redistribute local ip 172.31.0.0/16 allow
redistribute local deny
install pref-src 172.31.0.1
`,
  )
})

t.test('BIRD gets a BGP session per link in systems of their own, watched by BFD', async (t) => {
  const text = birdConfig(
    { index: 0, loopback: '172.31.0.1', logFile: '/x/log' },
    vethLinks(diamond, 's'),
    (host) => diamond.hosts.findIndex(({ name }) => name === host),
    { intervalMs: 5, multiplier: 3 },
  )
  t.match(text, 'local as 4200000000;')
  t.match(text, 'neighbor 10.0.0.2 as 4200000001; source address 10.0.0.1;')
  t.match(text, 'neighbor 10.0.0.6 as 4200000002; source address 10.0.0.5;')
  t.match(text, 'interface "to-a", "to-b" {')
  t.match(text, 'min rx interval 5 ms; min tx interval 5 ms;')
  t.match(text, 'idle tx interval 5 ms; multiplier 3;')
  t.match(text, 'import filter { bgp_med = 96; accept; };')
  t.match(text, 'krt_prefsrc = 172.31.0.1;')
})

// Printed by BIRD 2.0.12.
const birdLog = `2026-01-02 03:04:05.397860 <TRACE> bfd1: Session to 10.0.0.6 added
2026-01-02 03:04:05.473366 <TRACE> bfd1: Session to 10.0.0.6 changed state from Down to Up
2026-01-02 03:04:06.388556 <TRACE> bfd1: Session to 10.0.0.2 changed state from Up to Down
2026-01-02 03:04:06.388700 <TRACE> link0: State changed to stop
2026-01-02 03:04:09.250001 <TRACE> link1: State changed to stop
`
const base = Date.UTC(2026, 0, 2, 3, 4, 0)

t.test('an alarm of BIRD is a lost session, of BFD or of BGP, after the fault', async (t) => {
  t.strictSame(birdAlarms(birdLog, base), [base + 6388.556, base + 6388.7, base + 9250.001])
  t.strictSame(birdAlarms(birdLog, base + 6388.6), [base + 6388.7, base + 9250.001])
  t.strictSame(birdAlarms(birdLog, base + 10_000), [])
})

t.test('the first change of a route counts only if the daemon made it', async (t) => {
  // Printed by ip of iproute2 6.1.
  const log = `[2026-01-02T03:04:01.000001] 10.0.0.0/30 dev to-a proto kernel scope link src 10.0.0.1
[2026-01-02T03:04:02.500002] 172.31.0.4 via 10.0.0.2 dev to-a proto babel src 172.31.0.1 onlink
[2026-01-02T03:04:03.000003] Deleted 172.31.0.4 via 10.0.0.2 dev to-a proto babel src 172.31.0.1 onlink
`
  t.equal(firstRouteChange(log, 'babel', base), base + 2500.002)
  t.equal(firstRouteChange(log, 'babel', base + 2600), base + 3000.003)
  t.equal(firstRouteChange(log, 'bird', base), undefined)
})

t.test('wall clock is monotonic clock plus the offset', async (t) => {
  const differenceMs = Date.now() - (wallOffsetMs() + Number(process.hrtime.bigint()) / 1e6)
  t.ok(Math.abs(differenceMs) < 10_000, `${differenceMs} ms`)
})

t.test('both ends of a tunnel agree on port and addresses, and no two tunnels share them', async (t) => {
  const [s] = tunnelEnds(diamond, 's')
  const [a] = tunnelEnds(diamond, 'a')
  t.match(s, { neighbour: 'a', interface: 'wg-a', ownIpv4: '172.30.0.1', otherIpv4: '172.30.0.2' })
  t.match(a, { neighbour: 's', interface: 'wg-s', ownIpv4: '172.30.0.2', otherIpv4: '172.30.0.1' })
  t.equal(s!.port, a!.port)
  t.equal(s!.endpointIpv4, '10.0.0.2', 'the address on the link below')
  const grid = planOf('grid:10x10')
  const ends = grid.hosts.flatMap(({ name }) => tunnelEnds(grid, name))
  t.equal(new Set(ends.map((end) => end.ownIpv4)).size, 360, '180 links with two ends')
  t.equal(new Set(ends.map((end) => end.linkLocalIpv6)).size, 360)
})

t.test('configurations of the mesh VPNs name neighbours, timers and relays', async (t) => {
  t.equal(
    tincConfig('s', ['a', 'b'], ['PingInterval = 1']),
    'Name = s\nMode = router\nInterface = tinc0\nAddressFamily = ipv4\nPingInterval = 1\nConnectTo = a\nConnectTo = b\n',
  )
  const neighbours = [['172.28.0.2', '10.0.0.2']] as const
  t.match(nebulaConfig({ neighbours, relays: ['172.28.0.2'], isRelay: false }), {
    static_host_map: { '172.28.0.2': ['10.0.0.2:4242'] },
    lighthouse: { am_lighthouse: false, hosts: ['172.28.0.2'] },
    relay: { am_relay: false, use_relays: true, relays: ['172.28.0.2'] },
  })
  t.match(nebulaConfig({ neighbours, relays: ['172.28.0.2'], isRelay: true }), {
    lighthouse: { am_lighthouse: true, hosts: [] },
    relay: { am_relay: true, use_relays: false, relays: [] },
  })
  t.match(yggdrasilSettings(['tcp://10.0.0.2:9001']), { Peers: ['tcp://10.0.0.2:9001'], AdminListen: 'none' })
})

t.test('every peer has a standard profile, and its settings are told', async (t) => {
  t.strictSame(
    peerFamilies.map(({ name }) => name),
    ['babeld', 'bird', 'wireguard-bird', 'wireguard-babel', 'tinc', 'nebula', 'yggdrasil'],
  )
  for (const { name } of peerFamilies) {
    const system = choosePeerSystem(name)
    t.equal(system.name, name)
    t.ok(system.setup.startsWith(`${name}: `), system.setup)
    t.ok(system.programs.length > 0)
  }
})

t.test('profiles choose the timers', async (t) => {
  const setupOf = (word: string): string => choosePeerSystem(word).setup
  t.match(setupOf('bird'), 'BFD 5 ms × 3')
  t.match(setupOf('bird@2ms'), 'BFD 2 ms × 3')
  t.match(setupOf('bird@default'), 'BFD 100 ms × 5')
  t.equal(choosePeerSystem('bird@2ms').name, 'bird@2ms')
  t.match(setupOf('wireguard-bird@10ms'), 'BFD 10 ms × 3')
  t.match(setupOf('babeld@10ms'), 'hello 10 ms, update 1000 ms, link-detect true')
  t.match(setupOf('wireguard-babel'), 'hello 20 ms')
  t.match(setupOf('babeld@default'), 'hello 4000 ms, update 16000 ms, link-detect false')
  t.match(setupOf('tinc'), 'PingInterval 1, PingTimeout 1, MaxTimeout 1')
  t.match(setupOf('tinc@default'), 'default timers')
  t.match(setupOf('nebula@2s'), 'connection_alive_interval 2 s')
  t.match(setupOf('nebula@default'), 'default timers')
})

t.test('peers and profiles that are not known are refused with what there is', async (t) => {
  const refused = (word: string, hint: RegExp): void => {
    t.throws(() => choosePeerSystem(word), { code: 'BENCH_PEER_UNKNOWN', exitCode: 2, hint }, word)
  }
  refused('batman', /babeld, bird/)
  refused('', /babeld, bird/)
  for (const word of ['bird@', 'bird@0ms', 'bird@1001ms', 'bird@5', 'bird@x']) refused(word, /1ms to 1000ms/)
  for (const word of ['babeld@5ms', 'babeld@15ms', 'babeld@20000ms']) refused(word, /steps of 10ms/)
  for (const word of ['tinc@0s', 'tinc@61s', 'tinc@500ms']) refused(word, /1s to 60s/)
  refused('yggdrasil@1s', /yggdrasil/)
})

t.test('all processes of a system get real-time priority, again after a restart', async (t) => {
  const commands: string[] = []
  let pid = 100
  const running = {
    addressOf: (host: string) => host,
    processesOf: async () => [{ pid, startTicks: 1 }],
    restart: async () => void pid++,
    isWhole: async () => true,
    reactions: async (sinceMs: number) => ({ detectedMs: sinceMs + 1 }),
    [Symbol.asyncDispose]: async () => void commands.push('disposed'),
  }
  const run: Run = async (argv) => {
    commands.push(argv.join(' '))
    return { stdout: '', stderr: '', exitCode: 0 }
  }
  {
    await using raised = await inRealTime(running, ['a'], run)
    await raised.restart('a')
    t.equal(raised.addressOf('b'), 'b')
    t.equal(await raised.isWhole!(), true)
    t.strictSame(await raised.reactions!(1), { detectedMs: 2 })
    t.strictSame(await raised.processesOf('a'), [{ pid: 101, startTicks: 1 }])
  }
  t.strictSame(commands, [
    'chrt --all-tasks --rr --pid 1 100',
    'chrt --all-tasks --rr --pid 1 101',
    'disposed',
  ])
  const { isWhole: _whole, reactions: _reactions, ...mute } = running
  const without = await inRealTime(mute, [], run)
  t.notOk('isWhole' in without, 'what a system cannot tell is not told')
  t.notOk('reactions' in without)
  const refuse: Run = () => Promise.reject(new Error('Operation not permitted'))
  await t.rejects(inRealTime(running, ['a'], refuse), { code: 'BENCH_SCHEDULING_REFUSED' })
})

t.test('connections of both families are read off the list of ss', async (t) => {
  const listed = `0      0      10.0.0.2:41508      10.0.0.1:9001
0      0      [::ffff:10.0.0.9]:9001 [::ffff:10.0.0.10]:33444
0      0      [fd00::1]:9001 [fd00::2]:5
`
  t.strictSame(tcpPairs(listed), ['10.0.0.2 10.0.0.1', '10.0.0.9 10.0.0.10'])
})
