// Thread of the prober: sends, answers and receives for all hosts, and sleeps in between.
import { randomInt } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { machineMs, type ProberMemory, type ProberOptions } from './soak-prober.ts'
import { openProberLibc } from './soak-prober-libc.ts'
import { socketAddress } from './mttr/stream/socket-address.ts'

const { options, memory } = workerData as { readonly options: ProberOptions; readonly memory: ProberMemory }
const { hosts, pairs, intervalMs, deadlineMs } = options
const port = 7899
/** Fates are told this often. */
const tellEveryMs = 500
/** Sends are gathered to this, so that the thread wakes no oftener for them. */
const gatherMs = 5
/** Field of a probe: a number of this run, sequence number, pair, 1 if the second end of the pair asks, 1 in an answer. */
const field = { run: 0, sequence: 4, pair: 8, second: 10, answer: 11 } as const
const probeBytes = 12

interface Probe {
  readonly pair: number
  readonly sentMs: number
  rttMs: number
}

const libc = openProberLibc()
libc.hurry()
const sockets = hosts.map(({ namespace }) => libc.socketIn(namespace, port))
const addresses = hosts.map(({ address }) => socketAddress(address, port).bytes)
const run = randomInt(2 ** 32)
const outgoing = new Uint8Array(probeBytes)
const outgoingView = new DataView(outgoing.buffer)
const incoming = new Uint8Array(64)
const incomingView = new DataView(incoming.buffer)
const polls = new Int32Array(sockets.flatMap((fd) => [fd, 1]))
const timespec = new BigInt64Array(2)
const startMs = machineMs()
const nextMs = pairs.map((_, pair) => startMs + (pair * intervalMs) / pairs.length)
const rounds = pairs.map(() => 0)
/** Probes whose fate is open, in the order of their numbers. */
let open: Probe[] = []
let firstOpen = 0
let nextSequence = 0
let toldMs = startMs

function ask(pair: number, nowMs: number): void {
  const second = rounds[pair]!++ % 2
  const [one, other] = pairs[pair]!
  const [from, to] = second === 0 ? [one, other] : [other, one]
  outgoingView.setUint32(field.run, run)
  outgoingView.setUint32(field.sequence, nextSequence++ >>> 0)
  outgoingView.setUint16(field.pair, pair)
  outgoing[field.second] = second
  outgoing[field.answer] = 0
  open.push({ pair, sentMs: nowMs, rttMs: -1 })
  libc.send(sockets[from]!, outgoing, addresses[to]!)
}

function receive(host: number): void {
  for (;;) {
    const length = libc.receive(sockets[host]!, incoming)
    if (length < 0) return
    if (length !== probeBytes || incomingView.getUint32(field.run) !== run) continue
    const pair = pairs[incomingView.getUint16(field.pair)]!
    const asker = pair[incoming[field.second]!]!
    if (incoming[field.answer] === 0) {
      incoming[field.answer] = 1
      libc.send(sockets[host]!, incoming.subarray(0, probeBytes), addresses[asker]!)
      continue
    }
    const probe = open[incomingView.getUint32(field.sequence) - firstOpen]
    const rttMs = machineMs() - (probe?.sentMs ?? -Infinity)
    if (probe === undefined || rttMs > deadlineMs) continue
    probe.rttMs = rttMs
    memory.lastAnsweredMs[probe.pair] = Math.max(memory.lastAnsweredMs[probe.pair]!, probe.sentMs)
  }
}

/** Tells those whose deadline is over. */
function tell(nowMs: number): void {
  const closed = open.findIndex(({ sentMs }) => sentMs + deadlineMs > nowMs)
  const count = closed < 0 ? open.length : closed
  const fates = new Float64Array(3 * count)
  for (const [at, { pair, sentMs, rttMs }] of open.slice(0, count).entries())
    fates.set([pair, sentMs, rttMs], 3 * at)
  open = open.slice(count)
  firstOpen += count
  parentPort!.postMessage(fates, [fates.buffer])
  toldMs = nowMs
}

while (Atomics.load(memory.stop, 0) === 0) {
  const nowMs = machineMs()
  for (const [pair, dueMs] of nextMs.entries()) {
    if (dueMs > nowMs) continue
    // One that was due long ago, as this thread did not run, is sent now; those in between were never due.
    nextMs[pair] = Math.max(dueMs + intervalMs, nowMs)
    ask(pair, nowMs)
  }
  if (nowMs - toldMs >= tellEveryMs) tell(nowMs)
  const waitMs = Math.max(gatherMs, Math.min(...nextMs) - machineMs())
  timespec[1] = BigInt(Math.round(Math.min(waitMs, 100) * 1e6))
  libc.wait(polls, timespec)
  for (const host of hosts.keys()) if (polls[2 * host + 1]! >>> 16 !== 0) receive(host)
}
for (const fd of sockets) libc.close(fd)
