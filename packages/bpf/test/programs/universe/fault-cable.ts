import t from 'tap'
import { loadProgram } from '../support/loaded-program.ts'
import { ifindexOf, ip, run } from '../support/network.ts'

/** Side 0 of cable 1 has index 4, side 1 has 5 (fault.h). */
function joinTwoHosts(): void {
  for (const [host, index, address] of [
    ['left', 4, 1],
    ['right', 5, 2],
  ] as const) {
    ip(`netns add ${host}`)
    ip(`link add ${host} index ${index} type veth peer name eth0 netns ${host}`)
    ip(`link set ${host} up`)
    ip(`-n ${host} link set eth0 up`)
    ip(`-n ${host} address add 192.0.2.${address}/24 dev eth0`)
    ip(`-n ${host} address add 2001:db8::${address}/64 dev eth0 nodad`)
  }
}

/** Echo replies that come back of `count` requests. */
function ping(address: string, count: number): number {
  try {
    const output = run(
      'ip',
      'netns',
      'exec',
      'left',
      'ping',
      '-n',
      '-c',
      `${count}`,
      '-i',
      '0.02',
      '-W',
      '1',
      address,
    )
    return Number(/(\d+) received/.exec(output)?.[1])
  } catch {
    return 0
  }
}

joinTwoHosts()

t.test('a cable carries ARP, IPv4 and IPv6, is cut by one store, and mended by another', async (t) => {
  using fault = await loadProgram('fault')
  fault.attach('x0t_fault_cable', { kind: 'tcx', interface: 'left', direction: 'ingress' })
  fault.attach('x0t_fault_cable', { kind: 'tcx', interface: 'right', direction: 'ingress' })
  t.equal(ifindexOf('left') ^ 1, ifindexOf('right'))
  t.equal(ping('192.0.2.2', 5), 5)
  t.equal(ping('2001:db8::2', 5), 5)

  const memory = new DataView(fault.map('fault_switch').memory())
  const drop = 1 * 64
  memory.setBigUint64(drop, 0xffffffffffffffffn, true)
  t.equal(ping('192.0.2.2', 2), 0, 'cut in both directions')
  const { passed, dropped } = fault.get('fault_switch', 1) as { passed: bigint[]; dropped: bigint[] }
  t.ok(passed[0]! >= 10n && passed[1]! >= 10n, `passed ${passed.join(', ')}`)
  t.ok(dropped[0]! >= 2n, 'requests were dropped on the side they came in on')
  memory.setBigUint64(drop, 0n, true)
  t.equal(ping('192.0.2.2', 5), 5)
})

t.test('an injector before a cable is a fault of one direction', async (t) => {
  using fault = await loadProgram('fault')
  fault.attach('x0t_fault_cable', { kind: 'tcx', interface: 'left', direction: 'ingress' })
  fault.attach('x0t_fault_cable', { kind: 'tcx', interface: 'right', direction: 'ingress' })
  fault.attach('x0t_fault_tc', {
    kind: 'tcx',
    interface: 'right',
    direction: 'ingress',
    before: fault.program('x0t_fault_cable').id,
  })
  t.equal(ping('192.0.2.2', 3), 3)
  fault.set('fault_injectors', 0, { mode: 1 })
  t.equal(ping('192.0.2.2', 2), 0)
  const { dropped } = fault.get('fault_injectors', 0)!
  t.ok((dropped as bigint) >= 2n, 'replies were dropped')
})

t.test('an injector with an interface to lead to is half a cable by itself', async (t) => {
  using toRight = await loadProgram('fault')
  using toLeft = await loadProgram('fault')
  toRight.attach('x0t_fault_tc', { kind: 'tcx', interface: 'left', direction: 'ingress' })
  toLeft.attach('x0t_fault_tc', { kind: 'tcx', interface: 'right', direction: 'ingress' })
  toRight.set('fault_injectors', 0, { redirect_ifindex: ifindexOf('right') })
  toLeft.set('fault_injectors', 0, { redirect_ifindex: ifindexOf('left') })
  t.equal(ping('192.0.2.2', 3), 3)
  t.equal(ping('2001:db8::2', 3), 3)
})

t.test('an injector of XDP takes packets before the cable sees them', async (t) => {
  using fault = await loadProgram('fault')
  fault.attach('x0t_fault_cable', { kind: 'tcx', interface: 'left', direction: 'ingress' })
  fault.attach('x0t_fault_cable', { kind: 'tcx', interface: 'right', direction: 'ingress' })
  fault.attach('x0t_fault_xdp', { kind: 'xdp', interface: 'left' })
  t.equal(ping('192.0.2.2', 3), 3)
  const before = fault.get('fault_switch', 1)?.['passed'] as readonly bigint[]
  fault.set('fault_injectors', 0, { mode: 1 })
  t.equal(ping('192.0.2.2', 2), 0)
  t.same(fault.get('fault_switch', 1)?.['dropped'], [0n, 0n], 'the cable is whole')
  const passed = fault.get('fault_switch', 1)?.['passed'] as readonly bigint[]
  t.equal(passed[0], before[0], 'what came in on the left is gone before')
})
