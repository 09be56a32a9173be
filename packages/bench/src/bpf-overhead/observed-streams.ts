import { setTimeout as delay } from 'node:timers/promises'
import { X0tError } from '@x0t/core'
import { readProcess, type ProcessIdentity } from '@x0t/testbed'
import { startEndlessStream, startIperfServer } from '../iperf.ts'
import type { Lab } from '../lab.ts'
import { answers } from '../ping.ts'
import type { Tunnel } from '../tunnel.ts'
import { startObserverHolder, type AttachedReply, type ObserverHolder } from './observer-holder.ts'
import { noop, observers } from './observers.ts'

/** What one window of the streams came to. */
export interface StreamWindow {
  readonly seconds: number
  /** Received by the interface that has the address of the target, headers of IP included. */
  readonly bytes: number
  /** Processor time of the whole machine. */
  readonly busySeconds: number
}

/** TCP streams from the first host of a lab to the last that do not end, and programs that come and go beside them. */
export interface ObservedStreams extends AsyncDisposable {
  /** From now on the programs of these objects are attached, and no others; what that leaves to do is over. */
  attach(names: readonly string[]): Promise<readonly AttachedReply[]>
  /** Measures the streams for so long. @throws X0tError BENCH_MEASUREMENT_FAILED if one has ended */
  window(seconds: number): Promise<StreamWindow>
}

/** What attaching and detaching leave to do in the kernel is over by then. */
const settleMs = 250
/** By then TCP sends as fast as it can, and caches are warm. */
const warmUpMs = 2000

type Refused = AttachedReply['refused'][number]

/**
 * Starts the streams with all programs attached, since some see only connections that begin after them.
 * @param count of streams, each between processes of its own
 * @param onRefused told of everything that cannot be loaded or attached
 * @throws X0tError BENCH_TUNNEL_DOWN, BENCH_MEASUREMENT_FAILED
 */
export async function startObservedStreams(
  lab: Lab,
  tunnel: Tunnel,
  count: number,
  onRefused: (refused: Refused) => void,
): Promise<ObservedStreams> {
  const { target, daemons } = await tunnel.start(lab)
  await lab.until(`first ping through ${tunnel.name}`, () => answers(lab, target), 60_000)
  const servers: ProcessIdentity[] = []
  for (let number = 0; number < count; number++) servers.push(await startIperfServer(lab, number))
  const watchedPid = (daemons.at(-1) ?? servers[0]!).pid
  const stack = new AsyncDisposableStack()
  const holders: ObserverHolder[] = []
  const clients: ProcessIdentity[] = []
  const attach = async (names: readonly string[]): Promise<readonly AttachedReply[]> => {
    const replies = await Promise.all(holders.map((one) => one.attach(names)))
    for (const one of replies.flatMap(({ refused }) => refused)) onRefused(one)
    await delay(settleMs, undefined, { signal: lab.signal })
    return replies
  }
  const [link] = lab.links
  try {
    for (const end of [link!.b, link!.a]) {
      // What sees the whole machine is loaded once.
      const own = [noop, ...observers].filter(({ isGlobal }) => !isGlobal || end.host === lab.last)
      const job = { observers: own.map(({ name }) => name), interface: end.interface, watchedPid }
      holders.push(stack.use(await startObserverHolder(lab.bed, end.host, job)))
    }
    await attach(observers.map(({ name }) => name))
    for (let number = 0; number < count; number++) clients.push(await startEndlessStream(lab, target, number))
    await delay(warmUpMs, undefined, { signal: lab.signal })
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
  return {
    attach,
    async window(seconds) {
      const receiver = holders[0]!
      const before = await receiver.read(target)
      await delay(seconds * 1000, undefined, { signal: lab.signal })
      const after = await receiver.read(target)
      for (const { pid, startTicks } of clients)
        if ((await readProcess(pid))?.startTicks !== startTicks)
          throw new X0tError('BENCH_MEASUREMENT_FAILED', 'a stream of iperf3 has ended')
      return {
        seconds: (after.atNs - before.atNs) / 1e9,
        bytes: after.bytes - before.bytes,
        busySeconds: after.busySeconds - before.busySeconds,
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
