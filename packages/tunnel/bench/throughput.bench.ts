// Throughput, small packets and latency through the tunnel, in namespaces of this machine. Needs root and iperf3.
// node --disable-warning=ExperimentalWarning throughput.bench.ts [direct|relay|loss|wire|small|idle|chacha]...
import { execFileSync } from 'node:child_process'
import { openLab, type Lab, type LabOptions } from './lab.ts'

const seconds = Number(process.env.SECONDS_PER_RUN ?? 5)
const base: LabOptions = { relay: false, offloadsOff: false, lossRatio: 0 }
const cases: Readonly<Record<string, LabOptions>> = {
  direct: base,
  chacha: { ...base, suite: 'chacha20-poly1305' },
  relay: { ...base, relay: true },
  wire: { ...base, offloadsOff: true },
  'wire-relay': { ...base, offloadsOff: true, relay: true },
  loss: { ...base, offloadsOff: true, lossRatio: 0.005 },
  'loss-2': { ...base, offloadsOff: true, lossRatio: 0.02 },
  'loss-10': { ...base, offloadsOff: true, lossRatio: 0.1 },
  small: base,
  'small-flood': base,
  idle: base,
}

interface IperfResult {
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number }
    readonly sum_sent?: { readonly retransmits?: number }
    readonly sum?: {
      readonly packets: number
      readonly lost_percent: number
      readonly seconds: number
      readonly bits_per_second: number
    }
  }
}

/** Loss of the same packets without the tunnel: what iperf3's own receive buffer loses on this machine now. */
function plainLossPercent(lab: Lab, rate: string): number {
  lab.start('b', 'iperf3', '-s', '-1', '-p', '5300')
  execFileSync('sleep', ['0.5'])
  const args = ['-c', '10.77.0.2', '-p', '5300', '-t', String(seconds), '-J', '-u', '-l', '200', '-b', rate]
  const { end } = JSON.parse(lab.run('a', 'iperf3', ...args)) as IperfResult
  return Number(end.sum!.lost_percent.toFixed(3))
}

/** Packets that went into the TUN of a and did not come out of that of b, percent. */
function tunnelLossPercent(output: string): number {
  const counters = (host: string): Record<string, number> => {
    const line = output.split('\n').find((text) => text.startsWith(`${host}: {"rssMb"`)) ?? ''
    return JSON.parse(line.slice(host.length + 2)) as Record<string, number>
  }
  const [from, to] = [counters('a').packetsFromTun!, counters('b').packetsToTun!]
  return Number((100 * (1 - to / from)).toFixed(3))
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(cases)
for (const name of wanted) {
  const options = cases[name]
  if (options === undefined) throw new RangeError(`no case ${name}: ${Object.keys(cases).join(' ')}`)
  const lab = await openLab({
    ...options,
    nodeArguments: (process.env.NODE_ARGUMENTS ?? '').split(' ').filter(Boolean),
  })
  const result: Record<string, unknown> = { case: name }
  try {
    const target = lab.address('b')
    const ping = lab.run('a', 'ping', '-6', '-i', '0.01', '-c', '100', '-q', target)
    const rtt = /= ([\d./]+) ms/.exec(ping)?.[1]
    const loss = /([\d.]+)% packet loss/.exec(ping)?.[1]
    result.pingMinAvgMaxMdevMs = rtt
    result.pingLossPercent = loss
    if (name === 'idle') {
      await new Promise((resolve) => setTimeout(resolve, 10_000))
    } else {
      const server = lab.start('b', 'iperf3', '-s', '-1', '--forceflush')
      await new Promise((resolve) => server.stdout!.once('data', resolve))
      const rate = name === 'small' ? `${200 * 8 * 65_000}` : '0'
      const udp = name.startsWith('small') ? ['-u', '-l', '200', '-b', rate] : []
      const json = lab.run(
        'a',
        'iperf3',
        '-6',
        '-c',
        target,
        '-t',
        String(seconds),
        '-J',
        ...udp,
        ...(process.env.IPERF ?? '').split(' ').filter(Boolean),
      )
      const { end } = JSON.parse(json) as IperfResult
      if (name.startsWith('small')) {
        const { packets, lost_percent, seconds: duration } = end.sum!
        result.sentPerSecond = Math.round(packets / duration)
        result.iperfLossPercent = Number(lost_percent.toFixed(3))
        result.plainLossPercent = plainLossPercent(lab, rate)
      } else {
        result.mbitPerSecond = Math.round(end.sum_received!.bits_per_second / 1e6)
        result.retransmits = end.sum_sent!.retransmits
      }
    }
  } finally {
    await lab[Symbol.asyncDispose]()
    if (name.startsWith('small')) result.tunnelLossPercent = tunnelLossPercent(lab.output())
    console.log(JSON.stringify(result))
    if (process.env.VERBOSE) console.log(lab.output())
    else
      console.log(
        lab
          .output()
          .split('\n')
          .filter((line) => line.includes('rssMb'))
          .join('\n'),
      )
  }
}
