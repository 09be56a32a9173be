// Run by kernel.test.ts in namespaces of its own.
import { existsSync, readdirSync } from 'node:fs'
import t from 'tap'
import { parseShape } from '@x0t/testbed'
import {
  calmBench,
  parseObjective,
  peers,
  soakBench,
  throughputBench,
  x0tSystem,
  type ThroughputOptions,
} from '../../src/index.ts'
import { datagramRun, startIperfServer } from '../../src/iperf.ts'
import { makeLab } from '../../src/lab.ts'
import { answers } from '../../src/ping.ts'
import { missingPrograms } from '../../src/programs.ts'
import { x0tRunner } from './x0t-runner.ts'

const runFolder = '/run/beds'
const env = { PATH: process.env['PATH'], HOME: '/run' }
const { signal } = new AbortController()
const path = process.env['PATH'] ?? ''

for (const peer of peers) {
  const missing = await missingPrograms(peer.programs, path)
  const skip = missing.length > 0 && `not installed: ${missing.map(({ program }) => program).join(', ')}`
  t.test(`${peer.name} carries a ping through a relay`, { skip }, async (t) => {
    await using lab = await makeLab({ relays: 1, runFolder, env, signal })
    const { target, daemons } = await peer.start(lab)
    await lab.until(`ping through ${peer.name}`, () => answers(lab, target), 60_000)
    t.ok(daemons.length >= 3, 'with a daemon on every host at least')
    t.match(await peer.version!(lab.bed.run), /^\d/, 'and a version')
  })
}

const options: ThroughputOptions = {
  against: [],
  relays: 0,
  lossRatio: 0,
  runs: 1,
  seconds: 1,
  datagrams: false,
  offloads: true,
  runFolder,
  objectives: [],
  command: 'test',
  versions: { x0t: '0' },
  env,
  signal,
}

t.test('a comparison measures every path and leaves out what is not installed', async (t) => {
  const told: string[] = []
  const report = await throughputBench({
    ...options,
    lossRatio: 0.01,
    offloads: false,
    against: ['nebula'],
    relays: 2,
    objectives: [parseObjective('tcp/veth>=0.1'), parseObjective('tcp/nebula>=0.1')],
    onProgress: (text) => told.push(text),
  })
  t.strictSame(told, ['round 1 of 1: veth'])
  const names = report.results.map(({ name }) => name)
  t.strictSame(names, [
    'rtt-idle/veth',
    'tcp/veth',
    'rtt-loaded/veth',
    'ping-loss-loaded/veth',
    'loss-injected/veth',
  ])
  t.match(report.skipped, [{ path: 'nebula' }], 'nebula has one relay at most')
  t.strictSame(
    report.objectives.map(({ met }) => met),
    [true, false],
  )
  t.strictSame(report.failed, [])
})

t.test('a path that fails is told and does not end the run', async (t) => {
  const report = await throughputBench({
    ...options,
    offloads: false,
    x0tRunner: { ...x0tRunner, command: ['false'] },
  })
  t.match(report.failed, [{ path: 'x0t', reason: /round 1/ }])
  t.ok(report.results.some(({ name }) => name === 'tcp/veth'))
})

t.test('x0t is measured by real nodes', { timeout: 100_000 }, async (t) => {
  const report = await throughputBench({ ...options, x0tRunner })
  t.strictSame(report.failed, [])
  const of = (name: string): number => report.results.find((one) => one.name === `${name}/x0t`)?.median ?? 0
  for (const name of ['tcp', 'rtt-idle', 'cpu', 'rss']) t.ok(of(name) > 0, `${name}: ${of(name)}`)
})

t.test('options outside their range are refused', async (t) => {
  for (const wrong of [{ relays: 9 }, { lossRatio: 0.95 }, { runs: 0 }, { seconds: 0 }])
    await t.rejects(throughputBench({ ...options, ...wrong }), { code: 'BENCH_OPTION_INVALID' })
  await t.rejects(throughputBench({ ...options, env: { PATH: '/nowhere' } }), { code: 'BENCH_TOOL_MISSING' })
})

t.test('datagrams are counted, and a tunnel that never comes up is told with its log', async (t) => {
  await using lab = await makeLab({ relays: 0, runFolder, env, signal })
  await startIperfServer(lab)
  const { receivedPerSecond, sentPerSecond } = await datagramRun(lab, lab.links[0]!.b.ipv4, 1, 1000)
  t.ok(sentPerSecond > 500 && receivedPerSecond > 500, `about 1000 a second: ${receivedPerSecond}`)
  await lab.daemon(lab.first, 'talker', ['sh', '-c', 'echo hello; sleep 1000'])
  await t.rejects(
    lab.until('the impossible', async () => false, 300),
    { code: 'BENCH_TUNNEL_DOWN', message: /n0 talker: hello/ },
  )
})

t.test('a soak hits a mesh of real nodes and sees it heal', { timeout: 120_000 }, async (t) => {
  const topology = parseShape('pair')
  const report = await soakBench({
    topology,
    shape: 'pair',
    runner: x0tRunner,
    runFolder,
    durationMs: 2000,
    pauseMs: 3000,
    seed: 2,
    objectives: [],
    command: 'test',
    versions: {},
    env,
    signal,
  })
  const of = (name: string): number | undefined => report.results.find((one) => one.name === name)?.median
  t.strictSame([of('faults'), of('crashes'), of('unhealed'), of('wrong-routes')], [1, 0, 0, 0])
  t.ok((of('converge') ?? 0) > 0)
  t.ok((of('availability') ?? 0) > 0, 'probes went over the overlay')
  t.ok((of('probes') ?? 0) >= 8, 'four a second, for two seconds at least')
  t.strictSame(report.failed, [])
})

t.test(
  'a mesh left alone is counted, and a hog that cannot run ends the run',
  { timeout: 120_000 },
  async (t) => {
    const calm = {
      systems: [x0tSystem({ runner: x0tRunner })],
      topology: parseShape('diamond'),
      shape: 'diamond',
      durationMs: 2000,
      hogs: 0,
      rateHz: 100,
      runFolder,
      objectives: [],
      command: 'test',
      versions: {},
      env,
      signal,
    }
    const { results } = await calmBench(calm)
    const of = (name: string): number | undefined => results.find((one) => one.name === `${name}/x0t`)?.median
    t.ok((of('sent') ?? 0) > 100, `sent ${of('sent')}`)
    t.not(of('false-failovers'), undefined, 'failovers are counted, however many')
    t.not(of('lost'), undefined)
    await t.rejects(calmBench({ ...calm, rateHz: 1 }), { code: 'BENCH_OPTION_INVALID' })
    await t.rejects(calmBench({ ...calm, hogs: 1, env: { PATH: '/nowhere' } }), {
      code: 'BENCH_TOOL_MISSING',
    })
  },
)

t.test('nothing of all this is left behind', async (t) => {
  t.equal(existsSync(runFolder), false)
  t.strictSame(existsSync('/run/netns') ? readdirSync('/run/netns') : [], [])
  t.equal(existsSync('/run/wireguard'), false)
})
