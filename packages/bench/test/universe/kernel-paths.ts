// Run by kernel-paths.test.ts in namespaces of its own: what the kernel watches and forwards, measured.
import { existsSync, readdirSync } from 'node:fs'
import t from 'tap'
import { defaultPinRoot } from '@x0t/bpf'
import { parseShape } from '@x0t/testbed'
import {
  bpfOverheadBench,
  mttrBench,
  relayBench,
  relayPaths,
  takeoverBench,
  x0tSystem,
} from '../../src/index.ts'
import { x0tRunner } from './x0t-runner.ts'

t.setTimeout(500_000)

const runFolder = '/run/beds'
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(X0T_|NODE_OPTIONS|TAP)/.test(name)),
)
const { signal } = new AbortController()
const common = { runFolder, env, signal, objectives: [], command: 'test', versions: {} }
const x0t = x0tSystem({ runner: x0tRunner, kernel: { probeIntervalMs: 1 } })

t.test('the kernel heals round faults in the cables', { timeout: 200_000 }, async (t) => {
  const told: string[] = []
  const report = await mttrBench({
    ...common,
    systems: [x0t],
    faults: ['blackhole', 'crash'],
    topology: parseShape('diamond'),
    shape: 'diamond',
    runs: 1,
    peerRuns: 1,
    rateHz: 2000,
    observeMs: 30_000,
    seed: 5,
    scheduling: 'ordinary',
    cables: 'bpf',
    onProgress: (text) => told.push(text),
  })
  t.strictSame(report.failed, [], told.join('\n'))
  for (const fault of ['blackhole', 'crash'] as const) {
    const runs = report.runs.filter((run) => run.fault === fault)
    const [run] = runs.filter(({ outcome }) => outcome !== 'invalid')
    t.match(
      run ?? runs[0],
      { outcome: 'recovered', injectionWindowMs: 0, evidence: /the cables of .* dropped by the fault/ },
      told.join('\n'),
    )
  }
})

t.test('a relay whose daemon is killed forwards on', { timeout: 150_000 }, async (t) => {
  const told: string[] = []
  const report = await takeoverBench({
    ...common,
    systems: [x0t],
    runs: 1,
    packets: 2000,
    rateHz: 500,
    cables: 'bpf',
    onProgress: (text) => told.push(text),
  })
  t.strictSame(report.failed, [], told.join('\n'))
  const of = (name: string): number => report.results.find((one) => one.name === name)!.median
  t.ok(of('lost/x0t') < 1000, `${of('lost/x0t')} of the 1000 after the kill were lost`)
  t.ok(of('restart/x0t') > 0)
})

t.test('a relay is measured on every path', { timeout: 200_000 }, async (t) => {
  const told: string[] = []
  const report = await relayBench({
    ...common,
    runs: 1,
    seconds: 0.3,
    datagramBytes: 200,
    onProgress: (text) => told.push(text),
  })
  t.strictSame(report.failed, [], told.join('\n'))
  for (const path of relayPaths)
    for (const quantity of ['pps', 'cpu', 'load'])
      t.ok(
        report.results.find(({ name }) => name === `${quantity}/${path}`)!.median > 0,
        `${quantity}/${path}`,
      )
})

for (const through of ['link', 'x0t'] as const)
  t.test(
    `what observing costs is measured through ${through}, with every program attached`,
    { timeout: 100_000 },
    async (t) => {
      const report = await bpfOverheadBench({
        ...common,
        runs: 1,
        seconds: 1,
        streams: 2,
        each: false,
        offloads: true,
        ...(through === 'x0t' ? { x0tRunner } : {}),
      })
      t.strictSame(report.skipped, [])
      const names = report.results.map(({ name }) => name)
      for (const name of ['tcp/none', 'tcp/all', 'overhead-throughput/all', 'overhead-cpu/all'])
        t.ok(names.includes(name), name)
      for (const program of ['x0t_flow_in', 'x0t_flow_out', 'x0t_rtt', 'x0t_switch'])
        t.ok(names.includes(`run-time/${program}`), `${program} ran`)
      // Nothing has to be dropped, sent again, or connected in a window: these are attached.
      for (const program of ['x0t_drop', 'x0t_retransmit', 'x0t_connection'])
        t.ok(names.includes(`runs/${program}`), `${program} is attached`)
    },
  )

t.test('nothing of all this is left behind', async (t) => {
  t.equal(existsSync(runFolder), false)
  t.strictSame(existsSync('/run/netns') ? readdirSync('/run/netns') : [], [])
  t.strictSame(existsSync(defaultPinRoot) ? readdirSync(defaultPinRoot) : [], [])
})
