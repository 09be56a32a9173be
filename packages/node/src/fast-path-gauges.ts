import { shortNodeId } from '@x0t/core'
import type { KernelLink } from '@x0t/tunnel'
import type { LabelledValue } from './metrics.ts'
import type { Runtime } from './runtime.ts'

/** Registers what the program in the kernel counts. */
export function registerFastPathGauges({ metrics, links, dataPlane }: Runtime): void {
  const perPeer = (read: (link: KernelLink) => number | undefined) => (): readonly LabelledValue[] =>
    links.list().flatMap(({ nodeId }) => {
      const link = dataPlane.kernelLink(nodeId)
      const value = link && read(link)
      return value === undefined ? [] : [{ labels: { peer: shortNodeId(nodeId) }, value }]
    })
  const labels = ['peer']
  metrics.addGauge({
    name: 'x0t_fast_path',
    help: '1 where the kernel probes and forwards, 0 where this process does',
    read: () => Number(dataPlane.fastPath().path === 'kernel'),
  })
  metrics.addTotal({
    name: 'x0t_fwd_packets_total',
    help: 'Datagrams of others that this node passed on, by the kernel (on the first way, repaired, on a tree) or by this process',
    labels: ['by', 'path'],
    read() {
      const all = dataPlane.stats().datagramsForwarded
      const kernel = dataPlane.kernelCounters()
      const value = (by: string, path: string, value: number): LabelledValue => ({
        labels: { by, path },
        value,
      })
      if (kernel === undefined) return [value('userspace', 'any', all)]
      const { forwarded, toRepair, toTree } = kernel
      return [
        value('userspace', 'any', Math.max(0, all - forwarded)),
        value('kernel', 'primary', Math.max(0, forwarded - toRepair - toTree)),
        value('kernel', 'repair', toRepair),
        value('kernel', 'tree', toTree),
      ]
    },
  })
  metrics.addTotal({
    name: 'x0t_fast_path_packets_total',
    help: 'What the program in the kernel did with packets and probes',
    labels: ['counter'],
    read: () =>
      Object.entries(dataPlane.kernelCounters() ?? {}).map(([counter, value]) => ({
        labels: { counter },
        value,
      })),
  })
  metrics.addTotal({
    name: 'x0t_fast_path_ticks_total',
    help: "Ticks of the kernel's probes: all, those more than 10 ms after the one before, and times that the clock had to be started anew",
    labels: ['kind'],
    read() {
      const pacing = dataPlane.kernelPacing()
      if (pacing === undefined) return []
      return [
        { labels: { kind: 'all' }, value: pacing.ticks },
        { labels: { kind: 'late' }, value: pacing.lateTicks },
        { labels: { kind: 'lost' }, value: pacing.tokensLost },
      ]
    },
  })
  metrics.addGauge({
    name: 'x0t_fast_path_longest_gap_seconds',
    help: "Longest time between two ticks of the kernel's probes since this process started",
    read: () => (dataPlane.kernelPacing()?.longestGapMs ?? 0) / 1000,
  })
  metrics.addGauge({
    name: 'x0t_nbr_up',
    help: "1 while the kernel's probes of a neighbour are answered, 0 once they are not; absent before the first answer",
    labels,
    read: perPeer(({ state }) => (state === 'unknown' ? undefined : Number(state === 'up'))),
  })
  metrics.addGauge({
    name: 'x0t_nbr_rtt_seconds',
    help: "Round trip of the kernel's last probe of a neighbour",
    labels,
    read: perPeer(({ rttMs }) => (rttMs === undefined ? undefined : rttMs / 1000)),
  })
  metrics.addGauge({
    name: 'x0t_nbr_probe_interval_seconds',
    help: "Interval of the kernel's probes of a neighbour",
    labels,
    read: perPeer(({ intervalMs }) => intervalMs / 1000),
  })
  metrics.addTotal({
    name: 'x0t_nbr_downs_total',
    help: 'Times that the kernel found a neighbour silent, on its present link',
    labels,
    read: perPeer(({ downs }) => downs),
  })
  metrics.addTotal({
    name: 'x0t_nbr_self_stalls_total',
    help: 'Times that silence was not held against a neighbour, as this machine had not asked',
    labels,
    read: perPeer(({ stalls }) => stalls),
  })
}
