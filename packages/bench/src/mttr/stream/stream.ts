import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { X0tError } from '@x0t/core'
import { inNamespace, plannedHost, type Bed } from '@x0t/testbed'
import type { StreamLog } from './log.ts'
import { logReader } from './log-reader.ts'

/** What the sender's program is told. */
export interface SenderJob {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly key: number
  readonly intervalMs: number
  /** It ends after so many numbers at the latest. */
  readonly most: number
  readonly log: string
}

/** What the receiver's program is told. */
export interface ReceiverJob {
  readonly on: string
  readonly port: number
  readonly key: number
  readonly log: string
}

export interface StreamOptions {
  readonly source: string
  readonly destination: string
  /** Addresses of the two hosts in the system under test. */
  readonly from: string
  readonly to: string
  readonly intervalMs: number
  /** Tells datagrams of this stream from those of others. */
  readonly key: number
  /** It ends by itself after this, milliseconds. */
  readonly mostMs: number
}

/** A numbered stream that flows. Disposing ends it. */
export interface Stream extends AsyncDisposable {
  /** How the two programs are scheduled. */
  readonly priority: string
  /** What was sent and what arrived so far; the last 20 ms may be missing. */
  look(): Promise<StreamLog>
  /** Ends the sender, waits for what is still under way, and returns all. */
  end(): Promise<StreamLog>
}

const port = 47_001
/** What is under way when the sender has ended has this long to arrive. */
const lastArrivalsMs = 700
/** Node starts within this, also on a busy machine. */
const startWithinMs = 20_000

/** Starts receiver and sender in their hosts. @throws X0tError BENCH_MEASUREMENT_FAILED */
export async function startStream(bed: Bed, options: StreamOptions): Promise<Stream> {
  const { source, destination, from, to, intervalMs, key, mostMs } = options
  const logs = {
    sender: join(bed.folder.hostFolder(source), 'stream.sent'),
    receiver: join(bed.folder.hostFolder(destination), 'stream.arrived'),
  }
  await rm(logs.sender, { force: true })
  await rm(logs.receiver, { force: true })
  await using stack = new AsyncDisposableStack()
  const on = isIPv6(to) ? '::' : '0.0.0.0'
  const receiverJob: ReceiverJob = { on, port, key, log: logs.receiver }
  const receiver = stack.use(await startProgram(bed, destination, 'receiver', receiverJob))
  const most = Math.ceil(mostMs / intervalMs)
  const senderJob: SenderJob = { from, to, port, key, intervalMs, most, log: logs.sender }
  const sender = stack.use(await startProgram(bed, source, 'sender', senderJob))
  const resources = stack.move()
  const reader = logReader(logs)
  const look = async (): Promise<StreamLog> => ({ intervalMs, ...(await reader.read()) })
  return {
    priority:
      sender.priority === receiver.priority ? sender.priority : `${sender.priority}, ${receiver.priority}`,
    look,
    async end() {
      await sender.end()
      await new Promise((resolve) => setTimeout(resolve, lastArrivalsMs))
      await receiver.end()
      return look()
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

interface Program extends AsyncDisposable {
  readonly priority: string
  end(): Promise<void>
}

async function startProgram(
  bed: Bed,
  host: string,
  name: 'sender' | 'receiver',
  job: SenderJob | ReceiverJob,
): Promise<Program> {
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  // Nothing of what runs this process: a test runner's flags would slow the programs down.
  const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4', '--single-threaded-gc']
  const argv = [process.execPath, ...flags, file, JSON.stringify(job)]
  const [command, ...words] = inNamespace(plannedHost(bed.plan, host).namespace, argv)
  const child = spawn(command!, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: bed.env['PATH'] },
    timeout: 0,
  })
  let complaint = ''
  child.stderr.on('data', (chunk) => void (complaint = `${complaint}${String(chunk)}`.slice(-2000)))
  const ended = once(child, 'close')
  ended.catch(() => {})
  const end = async (): Promise<void> => {
    child.stdin.end()
    await ended
  }
  try {
    const priority = await firstLine(child, ended)
    return {
      priority,
      end,
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL')
        await ended
      },
    }
  } catch (error) {
    child.kill('SIGKILL')
    await ended.catch(() => {})
    throw new X0tError(
      'BENCH_MEASUREMENT_FAILED',
      `the ${name} of the stream on ${host} did not start: ${complaint.trim()}`,
      {
        cause: error,
      },
    )
  }
}

async function firstLine(child: ChildProcess, ended: Promise<unknown>): Promise<string> {
  const lines = createInterface({ input: child.stdout! })
  const line = once(lines, 'line', { signal: AbortSignal.timeout(startWithinMs) })
  const early = ended.then(() => {
    throw new Error('it ended')
  })
  early.catch(() => {})
  line.catch(() => {})
  const [text] = (await Promise.race([line, early])) as [string]
  lines.close()
  return (JSON.parse(text) as { readonly priority: string }).priority
}
