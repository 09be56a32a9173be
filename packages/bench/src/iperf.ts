import { readFile } from 'node:fs/promises'
import { messageOf, X0tError } from '@x0t/core'
import type { ProcessIdentity } from '@x0t/testbed'
import type { Lab } from './lab.ts'

/** One TCP run as the receiver saw it. */
export interface TcpRun {
  readonly bitsPerSecond: number
  readonly bytes: number
}

/** One UDP run as the receiver saw it. */
export interface DatagramRun {
  readonly sentPerSecond: number
  readonly receivedPerSecond: number
  readonly lossRatio: number
}

interface IperfSum {
  readonly bytes: number
  readonly bits_per_second: number
  readonly seconds: number
  readonly packets?: number
  readonly lost_packets?: number
}

/** Payload of the small datagrams, bytes. */
export const smallDatagramBytes = 200

const firstPort = 5201

/**
 * Starts an iperf3 server on the last host and waits until it listens. One works on one processor.
 * @param number from 0; tells servers apart
 * @returns its process
 */
export async function startIperfServer(lab: Lab, number = 0): Promise<ProcessIdentity> {
  const port = firstPort + number
  const argv = ['iperf3', '--server', '--interval', '0', '--port', String(port)]
  const server = await lab.daemon(lab.last, `iperf3-${port}`, argv)
  await lab.until('iperf3 listening', async () => {
    return (await lab.run(lab.last, ['ss', '-Hltn', `sport = :${port}`])).stdout !== ''
  })
  return server
}

/** As long as iperf3 can be told to run. */
const longestSeconds = 86_400

/** Starts a TCP stream from the first host to a server at `target`; it runs until the lab ends. @returns its process */
export async function startEndlessStream(lab: Lab, target: string, number: number): Promise<ProcessIdentity> {
  const port = String(firstPort + number)
  const argv = ['iperf3', '--client', target, '--port', port, '--time', String(longestSeconds)]
  return lab.daemon(lab.first, `iperf3-client-${port}`, [...argv, '--interval', '0'])
}

/** One TCP stream from the first host to `target`. */
export async function tcpRun(lab: Lab, target: string, seconds: number): Promise<TcpRun> {
  const end = await iperf(lab, target, seconds, [])
  const received = end['sum_received']
  if (received === undefined || received.bytes === 0) {
    throw new X0tError('BENCH_MEASUREMENT_FAILED', 'iperf3 received nothing')
  }
  return { bitsPerSecond: received.bits_per_second, bytes: received.bytes }
}

/** Datagrams of 200 bytes at an offered rate, in packets per second. */
export async function datagramRun(
  lab: Lab,
  target: string,
  seconds: number,
  rate: number,
): Promise<DatagramRun> {
  const bitrate = String(Math.round(rate * smallDatagramBytes * 8))
  // The default receive buffer holds some 270 small datagrams: a pause of the receiver would look like loss.
  const buffer = ['--window', String(await largestBufferBytes())]
  const words = ['--udp', '--length', String(smallDatagramBytes), '--bitrate', bitrate, ...buffer]
  const sum = (await iperf(lab, target, seconds, words))['sum']
  if (sum?.packets === undefined || sum.lost_packets === undefined || sum.packets === 0) {
    throw new X0tError('BENCH_MEASUREMENT_FAILED', 'iperf3 counted no datagrams')
  }
  return {
    sentPerSecond: sum.packets / sum.seconds,
    receivedPerSecond: (sum.packets - sum.lost_packets) / sum.seconds,
    lossRatio: sum.lost_packets / sum.packets,
  }
}

/** As much as the kernel grants, 2 MiB at most; iperf3 fails when it gets less than it asks for. */
async function largestBufferBytes(): Promise<number> {
  const limits = await Promise.all(
    ['rmem_max', 'wmem_max'].map(async (name) =>
      Number(await readFile(`/proc/sys/net/core/${name}`, 'utf8')),
    ),
  )
  return Math.min(2 * 2 ** 20, ...limits)
}

async function iperf(
  lab: Lab,
  target: string,
  seconds: number,
  words: readonly string[],
): Promise<Readonly<Record<string, IperfSum | undefined>>> {
  const argv = [
    'iperf3',
    '--client',
    target,
    '--time',
    String(seconds),
    '--json',
    '--connect-timeout',
    '5000',
    ...words,
  ]
  let text = ''
  // After a flood the server may still be in its last test for a while.
  await lab.until('a free iperf3 server', async () => {
    const options = { allowFailure: true, timeoutMs: seconds * 1000 + 20_000 }
    const { stdout, stderr } = await lab.run(lab.first, argv, options)
    text = stdout === '' ? stderr : stdout
    return !text.includes('the server is busy')
  })
  return parseIperf(text)
}

/** The sums at the end of iperf3's JSON. @throws X0tError BENCH_MEASUREMENT_FAILED on its error, or no JSON */
export function parseIperf(text: string): Readonly<Record<string, IperfSum | undefined>> {
  let document: { readonly error?: string; readonly end?: Readonly<Record<string, IperfSum | undefined>> }
  try {
    document = JSON.parse(text) as typeof document
  } catch (error) {
    throw new X0tError('BENCH_MEASUREMENT_FAILED', `iperf3: ${messageOf(error)}`, { cause: error })
  }
  if (document.error !== undefined || document.end === undefined) {
    throw new X0tError('BENCH_MEASUREMENT_FAILED', `iperf3: ${document.error ?? 'no result'}`)
  }
  return document.end
}
