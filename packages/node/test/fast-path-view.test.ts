import t from 'tap'
import { labelOfNodeId, nodeIdFromBytes, X0tError } from '@x0t/core'
import type { FastPathStatus, KernelLink } from '@x0t/tunnel'
import { loadConfig, type NodeConfig } from '../src/config/index.ts'
import { fastPathOf, fastPathView, kernelLinkView } from '../src/fast-path-view.ts'
import { registerFastPathGauges } from '../src/fast-path-gauges.ts'
import { createMetrics } from '../src/metrics.ts'
import type { Runtime } from '../src/runtime.ts'

const id = nodeIdFromBytes(new Uint8Array(32).fill(7))
const configOf = async (flags: Record<string, string>): Promise<NodeConfig> =>
  (await loadConfig({ home: '/h', flags, readFile: async () => undefined })).config

const link: KernelLink = {
  state: 'up',
  isWatched: true,
  rttMs: 0.5,
  intervalMs: 1,
  deadlineMs: 3,
  downs: 2,
  stalls: 4,
  txBytes: 0,
  txDatagrams: 0,
  rxBytes: 0,
  rxDatagrams: 0,
}

t.test('the settings say whether the data plane is to try, and how often the kernel probes', async (t) => {
  t.strictSame(fastPathOf(await configOf({})), {})
  const { fastPath } = fastPathOf(
    await configOf({ 'fast_path.mode': 'auto', 'probe.kernel_interval': '0.25' }),
  )
  t.match(fastPath, { mode: 'auto', interval: 0.25 })
  t.strictSame(fastPath!.labelOf(id), labelOfNodeId(id))
})

t.test('who asks is told which path is in use, and why not the other', async (t) => {
  const config = await configOf({ 'fast_path.mode': 'auto' })
  const view = (status: FastPathStatus) => fastPathView({ fastPath: () => status }, config)
  const problem = new X0tError('FAST_PATH_XDP_TAKEN', 'eth0 has an XDP program', { hint: 'look' })
  t.strictSame(view({ path: 'userspace', problem }), {
    path: 'userspace',
    code: 'FAST_PATH_XDP_TAKEN',
    reason: 'eth0 has an XDP program',
    hint: 'look',
  })
  t.match(view({ path: 'userspace', problem: undefined }), {
    code: null,
    reason: 'fast_path.mode is auto',
    hint: null,
  })
  t.match(view({ path: 'userspace', problem: new X0tError('FAST_PATH_FAILED', 'x') }), { hint: null })
  const interfaces = [
    { name: 'eth0', mode: 'native', problem: undefined },
    { name: 'eth1', mode: undefined, problem },
  ] as const
  t.strictSame(view({ path: 'kernel', interfaces, takenOver: true }), {
    path: 'kernel',
    takenOver: true,
    interfaces: [
      { name: 'eth0', mode: 'native', problem: null },
      {
        name: 'eth1',
        mode: null,
        problem: { code: 'FAST_PATH_XDP_TAKEN', reason: 'eth0 has an XDP program' },
      },
    ],
  })
})

t.test('a link that the kernel carries is shown as it sees it', async (t) => {
  t.equal(kernelLinkView({ kernelLink: () => undefined }, id), null)
  t.strictSame(kernelLinkView({ kernelLink: () => ({ ...link, rttMs: undefined }) }, id), {
    state: 'up',
    isWatched: true,
    rttMs: null,
    intervalMs: 1,
    deadlineMs: 3,
    downs: 2,
    stalls: 4,
  })
})

/** The lines of the metrics that begin with this. */
async function scrape(
  dataPlane: Partial<Runtime['dataPlane']>,
  nodeIds = [id],
): Promise<(prefix: string) => string[]> {
  const metrics = createMetrics()
  registerFastPathGauges({
    metrics,
    links: { list: () => nodeIds.map((nodeId) => ({ nodeId })) },
    dataPlane,
  } as unknown as Runtime)
  const lines = (await metrics.text()).split('\n')
  return (prefix) =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.replace(/peer="[^"]*"/, 'peer'))
}

t.test('metrics tell what the kernel forwards and finds', async (t) => {
  const lines = await scrape({
    fastPath: () => ({ path: 'kernel', interfaces: [], takenOver: false }),
    stats: () => ({ datagramsForwarded: 110 }) as never,
    kernelPacing: () => ({ ticks: 5000, lateTicks: 2, longestGapMs: 12, tokensLost: 1 }),
    kernelCounters: () => ({ forwarded: 100, toRepair: 5, toTree: 3, droppedReplay: 9 }) as never,
    kernelLink: () => link,
  })
  t.strictSame(lines('x0t_fast_path '), ['x0t_fast_path 1'])
  t.strictSame(lines('x0t_fwd_packets_total'), [
    'x0t_fwd_packets_total{by="userspace",path="any"} 10',
    'x0t_fwd_packets_total{by="kernel",path="primary"} 92',
    'x0t_fwd_packets_total{by="kernel",path="repair"} 5',
    'x0t_fwd_packets_total{by="kernel",path="tree"} 3',
  ])
  t.ok(
    lines('x0t_fast_path_packets_total').includes('x0t_fast_path_packets_total{counter="droppedReplay"} 9'),
  )
  t.strictSame(lines('x0t_fast_path_ticks_total{'), [
    'x0t_fast_path_ticks_total{kind="all"} 5000',
    'x0t_fast_path_ticks_total{kind="late"} 2',
    'x0t_fast_path_ticks_total{kind="lost"} 1',
  ])
  t.strictSame(lines('x0t_fast_path_longest_gap_seconds '), ['x0t_fast_path_longest_gap_seconds 0.012'])
  t.strictSame(
    ['up', 'rtt_seconds', 'probe_interval_seconds', 'downs_total', 'self_stalls_total'].map((name) =>
      lines(`x0t_nbr_${name}{`),
    ),
    [
      ['x0t_nbr_up{peer} 1'],
      ['x0t_nbr_rtt_seconds{peer} 0.0005'],
      ['x0t_nbr_probe_interval_seconds{peer} 0.001'],
      ['x0t_nbr_downs_total{peer} 2'],
      ['x0t_nbr_self_stalls_total{peer} 4'],
    ],
  )
})

t.test('without a program in the kernel there is nothing to tell of it', async (t) => {
  const lines = await scrape({
    fastPath: () => ({ path: 'userspace', problem: undefined }),
    stats: () => ({ datagramsForwarded: 7 }) as never,
    kernelPacing: () => undefined,
    kernelCounters: () => undefined,
    kernelLink: () => undefined,
  })
  t.strictSame(lines('x0t_fast_path '), ['x0t_fast_path 0'])
  t.strictSame(lines('x0t_fwd_packets_total'), ['x0t_fwd_packets_total{by="userspace",path="any"} 7'])
  t.strictSame(lines('x0t_nbr_up{'), [])
  const unheard = await scrape({
    fastPath: () => ({ path: 'kernel', interfaces: [], takenOver: false }),
    stats: () => ({ datagramsForwarded: 0 }) as never,
    kernelPacing: () => undefined,
    kernelCounters: () => undefined,
    kernelLink: () => ({ ...link, state: 'unknown', rttMs: undefined }),
  })
  t.strictSame([...unheard('x0t_nbr_up{'), ...unheard('x0t_nbr_rtt')], [])
})
