import fc from 'fast-check'
import t from 'tap'
import { cableBetween, cablesOf, maxCables, middleNamespace } from '../src/cables/cable-plan.ts'
import { dropRatios, dropsOf } from '../src/cables/drop-ratios.ts'
import { cableBytes, faultSwitch, switchWord } from '../src/cables/fault-switch.ts'
import { isFastPathOf } from '../src/remove-pins.ts'
import { namespacesOf, parseShape, planNetwork } from '../src/index.ts'

const plan = planNetwork('lab', parseShape('diamond'), { cables: 'bpf' })

t.test('the ends in the middle have the indexes that the program expects', async (t) => {
  const cables = cablesOf(plan)
  t.strictSame(
    cables.map(({ name }) => name),
    ['s-a', 's-b', 'a-d', 'b-d'],
  )
  for (const { number, sides } of cables) {
    t.strictSame(
      sides.map(({ index }) => index),
      [2 * number + 2, 2 * number + 3],
    )
    // Equal indexes at the two ends of a veth pair would have carrier loss reported late.
    for (const { host, index } of sides) t.not(host.index, index)
  }
  const names = cables.flatMap(({ sides }) => sides.map((side) => side.interface))
  t.equal(new Set(names).size, names.length)
  t.match(cableBetween(plan, 'd', 'b'), { cable: { name: 'b-d' }, side: 1 })
  t.match(cableBetween(plan, 'b', 'd'), { side: 0 })
  t.throws(() => cableBetween(plan, 's', 'd'), TypeError)
})

t.test('a plan with cables has a namespace more, whose name no host may have', async (t) => {
  t.equal(middleNamespace(plan), 'x0t-lab-cables')
  t.strictSame(namespacesOf(plan).slice(-1), ['x0t-lab-cables'])
  t.equal(namespacesOf(planNetwork('lab', parseShape('diamond'))).length, 4)
  const hosts = ['a', 'cables']
  const taken = { hosts, links: [{ a: 'a', b: 'cables' }] }
  t.throws(() => planNetwork('lab', taken, { cables: 'bpf' }), { code: 'TESTBED_TOPOLOGY_INVALID' })
  t.equal(planNetwork('lab', taken).hosts.length, 2, 'with plain veths it may')
  const many = Array.from({ length: 100 }, (_, at) => `n${at}`)
  const links = many.flatMap((a, at) => many.slice(at + 1).map((b) => ({ a, b })))
  t.ok(links.length > maxCables)
  t.throws(() => planNetwork('lab', { hosts: many, links }, { cables: 'bpf' }), {
    code: 'TESTBED_TOPOLOGY_INVALID',
    message: /4950 links/,
  })
})

t.test('the word of a switch holds side 0 in its low half, and only 1 is all', async (t) => {
  t.equal(switchWord([0, 0]), 0n)
  t.equal(switchWord([1, 0]), 0xffff_ffffn)
  t.equal(switchWord([0, 1]), 0xffff_ffff_0000_0000n)
  // 0.25 * 2^32
  t.equal(switchWord([0.25, 0]), 0x4000_0000n)
  t.equal(switchWord([1 - 2 ** -40, 0]), 0xffff_fffen, 'almost all is not all')
})

t.test('a switch touches its own cable only, and reads what the kernel counted', async (t) => {
  const memory = new ArrayBuffer(4 * cableBytes)
  const switches = faultSwitch(memory)
  const [first, , third] = cablesOf(plan)
  switches.set(third!, [1, 0.5])
  t.equal(switches.lossRatio(third!, 0), 1)
  t.equal(switches.lossRatio(third!, 1), 0.5)
  t.equal(switches.lossRatio(first!, 0), 0)
  const view = new DataView(memory)
  const words = [...Array(32).keys()].filter((at) => view.getBigUint64(at * 8, true) !== 0n)
  t.strictSame(words, [16], 'one word was stored')
  // struct fault_cable: drop, passed[2], dropped[2]
  for (const [word, value] of [
    [17, 5n],
    [18, 6n],
    [19, 7n],
    [20, 8n],
    [21, 600n],
    [22, 1200n],
  ] as const)
    view.setBigUint64(word * 8, value, true)
  t.strictSame(switches.counters(third!, 0), { passed: 5, dropped: 7, largeBytes: 600 })
  t.strictSame(switches.counters(third!, 1), { passed: 6, dropped: 8, largeBytes: 1200 })
})

t.test('any share survives in the switch to 2^-31', async (t) => {
  const switches = faultSwitch(new ArrayBuffer(cableBytes))
  const [cable] = cablesOf(plan)
  const ratio = fc.double({ min: 0, max: 1, noNaN: true })
  const survives = fc.property(ratio, ratio, (one, other) => {
    switches.set(cable!, [one, other])
    return ([one, other] as const).every(
      (set, side) => Math.abs(switches.lossRatio(cable!, side as 0 | 1) - set) <= 2 ** -31,
    )
  })
  t.doesNotThrow(() => fc.assert(survives))
})

t.test('faults drop where they say', async (t) => {
  const told = (target: string, kind: Parameters<typeof dropsOf>[1]['kind'], value?: number): unknown =>
    dropsOf(plan, { target, kind, ...(value === undefined ? {} : { value }) }).map(
      ({ cable, side, ratio }) => [cable.name, side, ratio],
    )
  t.strictSame(told('link:s-a', 'blackhole'), [
    ['s-a', 0, 1],
    ['s-a', 1, 1],
  ])
  t.strictSame(told('link:d-a', 'one-way'), [['a-d', 1, 1]])
  t.strictSame(told('link:a-d', 'one-way'), [['a-d', 0, 1]])
  t.strictSame(told('link:d-b', 'loss-from', 0.2), [['b-d', 1, 0.2]])
  t.strictSame(told('link:b-d', 'loss', 0.1), [
    ['b-d', 0, 0.1],
    ['b-d', 1, 0.1],
  ])
  t.strictSame(told('set:s+a', 'partition'), [
    ['s-b', 0, 1],
    ['s-b', 1, 1],
    ['a-d', 0, 1],
    ['a-d', 1, 1],
  ])
  for (const [target, kind] of [
    ['link:s-a', 'latency'],
    ['link:s-a', 'handshake-failure'],
    ['link:s-a', 'down'],
    ['node:a', 'crash'],
    ['node:a', 'byzantine'],
  ] as const)
    t.strictSame(told(target, kind), [], kind)
})

t.test('of several faults on a cable the greatest counts in each direction', async (t) => {
  const ratios = dropRatios(plan, [
    { target: 'link:s-a', kind: 'loss', value: 0.1 },
    { target: 'link:a-s', kind: 'loss-from', value: 0.3 },
    { target: 'link:b-d', kind: 'blackhole' },
    { target: 'node:a', kind: 'crash' },
  ])
  t.strictSame(
    ratios.map((one) => one.ratios),
    [
      [0.1, 0.3],
      [0, 0],
      [0, 0],
      [1, 1],
    ],
  )
})

t.test('what nodes pin is told from what others pin by the namespace in its name', async (t) => {
  const namespaces = new Set([4026532000])
  t.ok(isFastPathOf('fastpath-4026532000-0011223344556677', namespaces))
  t.notOk(isFastPathOf('fastpath-4026532001-0011223344556677', namespaces))
  t.notOk(isFastPathOf('flow', namespaces))
  t.notOk(isFastPathOf('fastpath-', namespaces))
})
