// Throughput, small packets and latency through the tunnel, in namespaces of this machine. Needs root and iperf3.
// node --disable-warning=ExperimentalWarning throughput.bench.ts [direct|relay|loss|wire|small|idle|chacha]...
import { openLab, type LabOptions } from './lab.ts'

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

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(cases)
for (const name of wanted) {
  const options = cases[name]
  if (options === undefined) throw new RangeError(`no case ${name}: ${Object.keys(cases).join(' ')}`)
  const lab = await openLab({
    ...options,
    nodeArguments: (process.env.NODE_ARGUMENTS ?? '').split(' ').filter(Boolean),
  })
  try {
    const target = lab.address('b')
    const ping = lab.run('a', 'ping', '-6', '-i', '0.01', '-c', '100', '-q', target)
    const rtt = /= ([\d./]+) ms/.exec(ping)?.[1]
    const loss = /([\d.]+)% packet loss/.exec(ping)?.[1]
    const result: Record<string, unknown> = { case: name, pingMinAvgMaxMdevMs: rtt, pingLossPercent: loss }
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
        result.lossPercent = Number(lost_percent.toFixed(3))
      } else {
        result.mbitPerSecond = Math.round(end.sum_received!.bits_per_second / 1e6)
        result.retransmits = end.sum_sent!.retransmits
      }
    }
    console.log(JSON.stringify(result))
  } finally {
    await lab[Symbol.asyncDispose]()
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
