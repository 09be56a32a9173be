// Run by kernel-mttr.test.ts in namespaces of its own.
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createBed, parseShape, plannedHost } from '@x0t/testbed'
import { mttrBench, parseObjective, x0tSystem, type MttrOptions, type MttrSystem } from '../../src/index.ts'
import { machineMs } from '../../src/mttr/machine-clock.ts'
import { measureStream } from '../../src/mttr/measure-stream.ts'
import { startStream } from '../../src/mttr/stream/stream.ts'
import { x0tRunner } from './x0t-runner.ts'

// As long as the tests below may take together.
t.setTimeout(400_000)

const runFolder = '/run/beds'
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(X0T_|NODE_OPTIONS|TAP)/.test(name)),
)
const { signal } = new AbortController()
const x0t = x0tSystem({ runner: x0tRunner })

/** Two static routes at the source and a program that changes over when it loses the carrier: no daemon at all. */
const standby: MttrSystem = {
  name: 'standby',
  programs: [],
  setup: 'standby: static routes, the second used when the carrier of the first is lost',
  forwards: 'kernel',
  settleMs: 500,
  async start(tools) {
    const { bed } = tools
    const run = (host: string, argv: readonly string[]) => tools.run(host, argv)
    for (const { name } of bed.plan.hosts) {
      await run(name, [
        'sysctl',
        '-q',
        '-w',
        'net.ipv4.ip_forward=1',
        'net.ipv4.conf.all.ignore_routes_with_linkdown=1',
      ])
      const links = bed.plan.links.flatMap(({ a, b }) => [a, b]).filter(({ host }) => host === name)
      for (const { interface: device } of links)
        await run(name, ['sysctl', '-q', '-w', `net.ipv4.conf.${device}.ignore_routes_with_linkdown=1`])
    }
    await run('s', ['ip', 'address', 'add', '172.16.0.1/32', 'dev', 'lo'])
    await run('d', ['ip', 'address', 'add', '172.16.0.2/32', 'dev', 'lo'])
    const of = (host: string, other: string): string => {
      const ends = bed.plan.links.flatMap(({ a, b }) => [a, b])
      return ends.find((end) => end.host === host && end.interface === `to-${other}`)!.ipv4
    }
    for (const [metric, relay] of [
      ['1', 'a'],
      ['2', 'b'],
    ] as const) {
      await run('s', ['ip', 'route', 'add', '172.16.0.2/32', 'via', of(relay, 's'), 'metric', metric])
      await run('d', ['ip', 'route', 'add', '172.16.0.1/32', 'via', of(relay, 'd'), 'metric', metric])
      await run(relay, ['ip', 'route', 'add', '172.16.0.2/32', 'via', of('d', relay)])
      await run(relay, ['ip', 'route', 'add', '172.16.0.1/32', 'via', of('s', relay)])
    }
    return {
      addressOf: (host) => (host === 's' ? '172.16.0.1' : '172.16.0.2'),
      processesOf: async () => [],
      restart: async () => {},
      async [Symbol.asyncDispose]() {},
    }
  },
}

const options: MttrOptions = {
  systems: [standby],
  faults: ['blackhole'],
  topology: parseShape('diamond'),
  shape: 'diamond',
  runs: 1,
  peerRuns: 1,
  rateHz: 1000,
  observeMs: 4000,
  seed: 3,
  scheduling: 'ordinary',
  runFolder,
  objectives: [],
  command: 'test',
  versions: {},
  env,
  signal,
}

t.test('the stream tells exactly what was lost, over IPv4 and IPv6', { timeout: 60_000 }, async (t) => {
  await using bed = await createBed({
    name: 'stream',
    topology: parseShape('pair'),
    runner: { kind: 'none' },
    runFolder,
    env,
    signal,
  })
  const { a, b } = bed.plan.links[0]!
  for (const [from, to] of [
    [a.ipv4, b.ipv4],
    [a.ipv6, b.ipv6],
  ] as const) {
    const ends = { source: 'a', destination: 'b', from, to }
    await using stream = await startStream(bed, { ...ends, intervalMs: 1, key: 42, mostMs: 60_000 })
    await delay(1200)
    const orderedMs = machineMs()
    // For the moment between two commands nothing passes.
    const { namespace } = plannedHost(bed.plan, 'b')
    const nft = ['nsenter', `--net=/run/netns/${namespace}`, 'nft', '-f', '-']
    await bed.run(nft, {
      input: `table netdev t { chain c { type filter hook ingress device "${b.interface}" priority 0; udp dport 47001 counter drop; }; }`,
    })
    const doneMs = machineMs()
    await delay(100)
    const { stdout } = await bed.run([
      'nsenter',
      `--net=/run/netns/${namespace}`,
      'nft',
      'list',
      'table',
      'netdev',
      't',
    ])
    await bed.run(nft, { input: 'delete table netdev t' })
    await delay(300)
    const log = await stream.end()
    const marks = {
      baselineMs: orderedMs - 1000,
      injectedMs: [orderedMs, doneMs],
      judgedUntilMs: Infinity,
    } as const
    const { lost, outageMs, gaps } = measureStream(log, marks)
    const counted = Number(/counter packets (\d+)/.exec(stdout)?.[1])
    // The rule went on for some milliseconds after its counter was read.
    t.ok(lost >= counted && lost <= counted + 200, `${lost} lost, ${counted} counted`)
    t.ok(outageMs >= lost && gaps.length >= 1, `outage ${outageMs} ms`)
  }
})

t.test('x0t heals round a blackhole, and every figure has its run', { timeout: 170_000 }, async (t) => {
  const told: string[] = []
  const report = await mttrBench({
    ...options,
    systems: [x0t],
    observeMs: 30_000,
    objectives: [parseObjective('outage/x0t/blackhole<=30000'), parseObjective('outage/x0t/crash<=1')],
    onProgress: (text) => told.push(text),
  })
  t.strictSame(report.failed, [], told.join('\n'))
  // A run in which the ends of the stream stalled is invalid, and made again.
  const run = report.runs.find(({ outcome }) => outcome !== 'invalid')
  t.match(run, {
    system: 'x0t',
    fault: 'blackhole',
    run: 1,
    outcome: 'recovered',
    action: 'blackhole',
    evidence: /dropped/,
  })
  t.match(run!.target, /^link:[sabd]-[sabd]$/)
  t.ok(run!.lost > 0 && run!.outageMs > 0 && run!.recoveryMs! > 0)
  t.notSame(run!.pathsAfter, run!.pathsBefore)
  const names = report.results.map(({ name }) => name)
  for (const name of ['outage', 'lost', 'duplicated', 'reordered', 'reroute', 'recovery'])
    t.ok(names.includes(`${name}/x0t/blackhole`), name)
  t.strictSame(
    report.objectives.map(({ met }) => met),
    [true, false],
    'what was not measured is not met',
  )
})

t.test(
  'static routes lose a carrier without harm and never mend a blackhole',
  { timeout: 60_000 },
  async (t) => {
    const report = await mttrBench({ ...options, faults: ['link-down', 'blackhole', 'svid-expiry'] })
    const of = (fault: string) => report.runs.find((run) => run.fault === fault)
    t.match(of('link-down')!.outcome, /^(recovered|undisturbed)$/)
    t.ok(of('link-down')!.outageMs < 100, `${of('link-down')!.outageMs} ms`)
    t.match(of('blackhole'), { outcome: 'not-recovered', received: 0 })
    t.match(report.failed, [{ path: 'standby/blackhole', reason: /not-recovered/ }])
    t.match(report.skipped, [{ path: 'standby/svid-expiry', reason: /no certificates/ }])
  },
)

t.test(
  'an injection that is disabled gives an error, not a fast recovery',
  { timeout: 60_000 },
  async (t) => {
    const nothing = async (): Promise<object> => ({})
    const report = await mttrBench({ ...options, port: { inject: nothing, clear: nothing, signal: nothing } })
    t.match(report.failed, [{ path: 'standby/blackhole', reason: /BENCH_NO_OUTAGE: no outage observed/ }])
    t.strictSame(report.results, [])
  },
)

t.test('options outside their range and missing programs are refused', async (t) => {
  for (const wrong of [{ runs: 0 }, { rateHz: 5 }, { observeMs: 1 }, { faults: [] }, { peerRuns: 0 }])
    await t.rejects(mttrBench({ ...options, ...wrong }), { code: 'BENCH_OPTION_INVALID' })
  await t.rejects(mttrBench({ ...options, env: { PATH: '/nowhere' } }), { code: 'BENCH_TOOL_MISSING' })
})

t.test('nothing of all this is left behind', async (t) => {
  t.equal(existsSync(runFolder), false)
  t.strictSame(existsSync('/run/netns') ? readdirSync('/run/netns') : [], [])
})
