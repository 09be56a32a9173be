import { setTimeout as delay } from 'node:timers/promises'
import { datagramRun, startIperfServer, tcpRun } from './iperf.ts'
import type { Lab } from './lab.ts'
import { checkLoss, injectLoss } from './loss.ts'
import { answers, ping } from './ping.ts'
import type { RateTrial } from './rate-search.ts'
import { smallDatagramRate } from './small-datagram-rate.ts'
import type { SampleBook } from './result.ts'
import type { Tunnel } from './tunnel.ts'
import { cpuSecondsOf, largestResidentMiB } from './usage.ts'

export interface MeasureOptions {
  /** Length of the TCP run. */
  readonly seconds: number
  /** Share of packets that every link loses in each direction. */
  readonly lossRatio: number
  /** Search the highest rate of small datagrams too. */
  readonly datagrams: boolean
}

/** Pings on the idle path: 3 s. */
const idlePings = 300
/** Trials of a rate of small datagrams take this long. */
const trialSeconds = 2

/** Brings a tunnel up in a fresh lab, measures it once, and writes the samples into the book. */
export async function measureTunnel(
  lab: Lab,
  tunnel: Tunnel,
  { seconds, lossRatio, datagrams }: MeasureOptions,
  book: SampleBook,
): Promise<void> {
  const { name } = tunnel
  const { target, daemons } = await tunnel.start(lab)
  const startedAtMs = lab.bed.clock.monotonicMs()
  await lab.until(`first ping through ${name}`, () => answers(lab, target), 60_000)
  if (daemons.length > 0)
    book.add(`first-ping/${name}`, 's', (lab.bed.clock.monotonicMs() - startedAtMs) / 1000)
  await startIperfServer(lab)
  if (lossRatio > 0) await injectLoss(lab, lossRatio)
  // Path-MTU discovery, relay set-up and the like settle with the first packets.
  await delay(1000, undefined, { signal: lab.signal })

  if (daemons.length > 0) book.add(`rss/${name}`, 'MiB', await largestResidentMiB(daemons))
  const idle = await ping(lab, target, idlePings)
  book.add(`rtt-idle/${name}`, 'ms', ...idle.rttsMs)

  const cpuBefore = await cpuSecondsOf(daemons)
  const [tcp, loaded] = await Promise.all([
    tcpRun(lab, target, seconds),
    ping(lab, target, Math.max(10, Math.floor(seconds * 90))),
  ])
  const cpu = (await cpuSecondsOf(daemons)) - cpuBefore
  book.add(`tcp/${name}`, 'Mbit/s', tcp.bitsPerSecond / 1e6)
  book.add(`rtt-loaded/${name}`, 'ms', ...loaded.rttsMs)
  book.add(`ping-loss-loaded/${name}`, '%', (1 - loaded.rttsMs.length / loaded.sent) * 100)
  if (daemons.length > 0) {
    book.add(`cpu/${name}`, 's/GB', cpu / (tcp.bytes / 1e9))
    book.add(`rss-loaded/${name}`, 'MiB', await largestResidentMiB(daemons))
  }
  if (lossRatio > 0) {
    const { seen, dropped } = await checkLoss(lab, lossRatio)
    book.add(`loss-injected/${name}`, '%', (dropped / seen) * 100)
  }
  if (datagrams && lossRatio === 0) {
    const trial = (rate: number): Promise<RateTrial> => datagramRun(lab, target, trialSeconds, rate)
    book.add(`pps/${name}`, 'packets/s', await smallDatagramRate(trial))
  }
}
