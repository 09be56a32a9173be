import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { bedFolder, defaultRunFolder, listBeds, makeBedFolder } from '../src/bed-folder.ts'
import { chooseBed } from '../src/choose-bed.ts'
import { faultText, parseFault, parseFaultAction, parseFaultTarget } from '../src/fault-spec.ts'
import {
  errorCodes,
  linkBetween,
  linksOf,
  parseShape,
  parseTopology,
  plannedHost,
  planNetwork,
  topologyOf,
} from '../src/index.ts'
import type { Manifest } from '../src/manifest.ts'
import { parseProcessStat } from '../src/process-table.ts'
import { staticRoutes } from '../src/static-routes.ts'
import { breadthFirst, neighboursOf } from '../src/topology.ts'

const code = (name: string): { code: string } => ({ code: name })

t.test('named shapes', async (t) => {
  t.strictSame(parseShape('pair').links, [{ a: 'a', b: 'b' }])
  t.strictSame(parseShape('line:3').links, [
    { a: 'n0', b: 'n1' },
    { a: 'n1', b: 'n2' },
  ])
  t.equal(parseShape('ring:5').links.length, 5, 'a ring has as many links as hosts')
  // W*(H-1) + H*(W-1) = 4*2 + 3*3
  t.equal(parseShape('grid:4x3').links.length, 17, 'a grid of 4 by 3 has 17 links')
  const diamond = neighboursOf(parseShape('diamond'))
  t.strictSame(diamond.get('s'), ['a', 'b'], 'a diamond has two ways')
  for (const bad of [
    '',
    'star:3',
    'line:1',
    'ring:2',
    'line:501',
    'grid:1x1',
    'grid:30x30',
    'line:-1',
    'line:03x',
  ])
    t.throws(() => parseShape(bad), code('TESTBED_SHAPE_INVALID'), `${bad || 'nothing'} is no shape`)
})

t.test('a topology file is checked', async (t) => {
  const topology = parseTopology({ hosts: ['z'], links: [['a', 'b'], { a: 'b', b: 'z', mtuBytes: 9000 }] })
  t.strictSame(topology.hosts, ['z', 'a', 'b'], 'hosts named first come first')
  t.equal(planNetwork('bed', topology).links[1]!.mtuBytes, 9000)
  for (const [why, document] of [
    ['an unknown field', { links: [], extra: 1 }],
    ['no hosts', { links: [] }],
    ['a link to itself', { links: [['a', 'a']] }],
    [
      'two links between two hosts',
      {
        links: [
          ['a', 'b'],
          ['b', 'a'],
        ],
      },
    ],
    ['a name with a hyphen', { links: [['a-b', 'c']] }],
    ['a name that is a path', { links: [['../x', 'c']] }],
    ['a host twice', { hosts: ['a', 'a'], links: [] }],
  ] as const)
    t.throws(() => parseTopology(document), code('TESTBED_TOPOLOGY_INVALID'), why)
  fc.assert(
    fc.property(fc.jsonValue(), (document) => {
      try {
        parseTopology(document)
      } catch (error) {
        if ((error as { code?: string }).code !== 'TESTBED_TOPOLOGY_INVALID') throw error
      }
    }),
    { seed: 7, numRuns: 200 },
  )
})

t.test('hosts start outwards from the first, each through one that is up', async (t) => {
  const order = breadthFirst(
    parseTopology({
      links: [
        ['a', 'b'],
        ['b', 'c'],
        ['a', 'd'],
      ],
      hosts: ['a', 'alone'],
    }),
  )
  t.strictSame(order, [
    { host: 'a' },
    { host: 'b', via: 'a' },
    { host: 'd', via: 'a' },
    { host: 'c', via: 'b' },
    { host: 'alone' },
  ])
})

t.test('the plan of a network', async (t) => {
  const plan = planNetwork('lab', parseShape('grid:8x8'))
  const ends = plan.links.flatMap(({ a, b }) => [a, b])
  t.equal(new Set(ends.map(({ index }) => index)).size, ends.length, 'no two interfaces have the same index')
  t.equal(
    new Set(ends.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])).size,
    2 * ends.length,
    'nor the same address',
  )
  t.ok(
    ends.every((end) => end.interface.length <= 15),
    'interface names fit the kernel',
  )
  t.match(plan.links[0], {
    a: { ipv4: '10.0.0.1', ipv6: 'fd00:0:0:1::1', namespace: 'x0t-lab-n0', interface: 'to-n1' },
  })
  // Link 63 is 10.0.0.252/30, link 64 starts the next octet.
  t.equal(plan.links[64]!.b.ipv4, '10.0.1.2')
  t.strictSame(topologyOf(planNetwork('lab', parseShape('pair'))).hosts, ['a', 'b'])
  for (const bad of ['', 'a-b', 'UP', '../x', 'a'.repeat(17)])
    t.throws(
      () => planNetwork(bad, parseShape('pair')),
      code('TESTBED_NAME_INVALID'),
      `${bad} names no testbed`,
    )
  t.throws(() => plannedHost(plan, 'nobody'), code('TESTBED_HOST_UNKNOWN'))
  t.throws(() => linkBetween(plan, 'n0', 'n63'), code('TESTBED_LINK_UNKNOWN'))
  t.equal(linksOf(plan, 'n0').length, 2, 'the corner of a grid has two links')
})

t.test('static routes lead along shortest paths to every subnet that is not the own', async (t) => {
  const routes = staticRoutes(planNetwork('lab', parseShape('line:4')))
  t.strictSame(
    routes.filter(({ host }) => host === 'n0').map(({ ipv4Subnet, ipv4Via }) => `${ipv4Subnet} ${ipv4Via}`),
    ['10.0.0.4/30 10.0.0.2', '10.0.0.8/30 10.0.0.2'],
  )
  t.equal(routes.find(({ host }) => host === 'n3')!.ipv6Via, 'fd00:0:0:3::1')
})

t.test('faults are parsed against the testbed', async (t) => {
  const plan = planNetwork('lab', parseShape('diamond'))
  const link = parseFaultTarget('link:a-s', plan)
  t.equal(link.text, 'link:s-a', 'the two ends may come in any order')
  const node = parseFaultTarget('node:d', plan)
  t.strictSame(parseFaultAction('loss=12.5%', link), { kind: 'loss', value: 0.125 })
  t.strictSame(parseFaultAction('latency=50ms', link), { kind: 'latency', value: 50 })
  t.strictSame(parseFaultAction('latency=100ms±10.5ms', link), {
    kind: 'latency',
    value: 100,
    jitterMs: 10.5,
  })
  t.strictSame(parseFaultAction('latency=100ms+-10ms', link), { kind: 'latency', value: 100, jitterMs: 10 })
  t.strictSame(parseFaultAction('flap=500ms', link), { kind: 'flap', value: 500 })
  t.strictSame(parseFaultAction('freeze', node), { kind: 'freeze' })
  t.strictSame(parseFaultAction('byzantine=400B', node), { kind: 'byzantine', value: 400 })
  t.equal(parseFault('link:a-s', 'blackhole', plan).target.text, 'link:s-a')
  t.equal(parseFault('link:a-s', 'one-way', plan).target.text, 'link:a-s', 'a direction is kept')
  t.match(parseFault('bed', 'partition=d+s', plan), {
    target: { kind: 'set', text: 'set:s+d', hosts: ['s', 'd'] },
    action: { kind: 'partition' },
  })
  for (const text of [
    'down',
    'one-way',
    'loss=12.5%',
    'loss-from=0.0001%',
    'latency=0.5ms',
    'latency=9ms±1ms',
    'flap=20ms',
  ])
    t.equal(faultText(parseFaultAction(text, link)), text, `${text} is written as it was read`)
  t.equal(faultText(parseFaultAction('byzantine=1B', node)), 'byzantine=1B')
  t.strictSame(parseFaultAction('clock-jump=-3600s', node), { kind: 'clock-jump', value: -3600 })
  for (const text of ['clock-jump=+1s', 'clock-jump=-3600s', 'handshake-failure', 'svid-expiry'])
    t.equal(faultText(parseFaultAction(text, node)), text)
  for (const bad of ['clock-jump', 'clock-jump=5s', 'clock-jump=+0s', 'svid-expiry=1'])
    t.throws(() => parseFaultAction(bad, node), code('TESTBED_FAULT_INVALID'), `${bad} is no fault of a node`)
  t.throws(() => parseFaultAction('byzantine=0B', node), code('TESTBED_FAULT_INVALID'))
  for (const bad of ['set:s+a+b+d', 'set:', 'set:s+', 'bed'])
    t.throws(() => parseFaultTarget(bad, plan), code('TESTBED_FAULT_INVALID'), `${bad} is no target`)
  for (const bad of [
    'loss',
    'loss=0%',
    'loss=101%',
    'loss=5',
    'latency=0ms',
    'latency=5',
    'latency=5ms±6ms',
    'latency=5ms±',
    'flap',
    'flap=19ms',
    'one-way=5',
    'partition',
    'toString',
    'down=1',
    'crash',
    'Down',
    '',
  ])
    t.throws(() => parseFaultAction(bad, link), code('TESTBED_FAULT_INVALID'), `${bad} is no fault of a link`)
  t.throws(
    () => parseFaultAction('blackhole', node),
    code('TESTBED_FAULT_INVALID'),
    'a node has no blackhole',
  )
  for (const bad of ['a', 'link:s', 'node:', 'link:s-a-b'])
    t.throws(() => parseFaultTarget(bad, plan), code('TESTBED_FAULT_INVALID'), `${bad} is no target`)
  t.throws(() => parseFaultTarget('node:x', plan), code('TESTBED_HOST_UNKNOWN'))
  t.throws(() => parseFaultTarget('link:s-d', plan), code('TESTBED_LINK_UNKNOWN'))
})

t.test('a line of /proc/pid/stat is read past a name with parentheses', async (t) => {
  const line =
    '42 (evil) S (x) T 1 42 42 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 1 0 777 0 0 18446744073709551615 1 1 0 0 0'
  t.strictSame(parseProcessStat(line), { pid: 42, startTicks: 777, state: 'frozen', cpuSeconds: 3 })
})

t.test('records of testbeds', async (t) => {
  const runFolder = join(await mkdtemp(join(tmpdir(), 'x0t-testbed-')), 'run')
  t.teardown(() => rm(join(runFolder, '..'), { recursive: true, force: true }))
  const manifestOf = (bed: string): Manifest => {
    const plan = planNetwork(bed, parseShape('pair'))
    return {
      schema: 'x0t.testbed/1',
      createdAtMs: 1,
      owner: { pid: 1, startTicks: 1 },
      netnsFolder: 'mount',
      runner: { kind: 'none' },
      plan: { ...plan, hosts: [...plan.hosts], links: [...plan.links] },
    }
  }
  await t.rejects(chooseBed(runFolder, undefined), code('TESTBED_NOT_FOUND'), 'there is none at first')
  const folder = await makeBedFolder(runFolder, manifestOf('one'))
  t.strictSame(await folder.manifest(), manifestOf('one'))
  await t.rejects(makeBedFolder(runFolder, manifestOf('one')), code('TESTBED_EXISTS'))
  t.equal(await chooseBed(runFolder, undefined), 'one', 'the only testbed need not be named')
  await makeBedFolder(runFolder, manifestOf('two'))
  await t.rejects(chooseBed(runFolder, undefined), code('TESTBED_AMBIGUOUS'))
  t.equal(await chooseBed(runFolder, 'two'), 'two')
  t.strictSame(await listBeds(runFolder), ['one', 'two'])
  const fault = { target: 'link:a-b', kind: 'down', injectedAtMs: 1, undo: [] } as const
  t.equal(await folder.addFault({ ...fault, undo: [] }), true)
  t.equal(await folder.addFault({ ...fault, undo: [] }), false, 'a fault is recorded once')
  t.equal((await folder.faults()).length, 1)
  await folder.removeFault(fault)
  t.equal((await folder.faults()).length, 0)
  await writeFile(join(folder.path, 'manifest.json'), '{"schema": "x0t.testbed/1"}')
  await t.rejects(folder.manifest(), code('TESTBED_MANIFEST_BROKEN'))
  await folder.remove()
  await folder.remove()
  t.equal(await folder.exists(), false)
  await t.rejects(bedFolder(runFolder, 'none').manifest(), code('TESTBED_NOT_FOUND'))
  await mkdir(join(runFolder, '.two.1'), { recursive: true })
  t.strictSame(await listBeds(runFolder), ['two'], 'the draft of a killed run is no testbed')
  t.equal(defaultRunFolder(0, { XDG_RUNTIME_DIR: '/run/user/0' }), '/run/x0t-testbed')
  t.equal(defaultRunFolder(1000, { XDG_RUNTIME_DIR: '/run/user/1000' }), '/run/user/1000/x0t-testbed')
})

t.test('every error code says what it means', async (t) => {
  for (const [name, text] of Object.entries(errorCodes)) t.match(text, /^[A-Z].*[.:]?/, name)
})
