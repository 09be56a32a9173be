/**
 * Holds every frame of a link for some time: reads what the rules at each end forward to a TAP, and sends it on when it
 * is due. SIGTERM: what waits still leaves in its time, then it ends. Arguments: a mark to be found by, latency and
 * jitter in ms, mark of the packets that it sends, then namespace, TAP and interface index of each end.
 */
import { delayQueue } from './delay-queue.ts'
import { errno, openLibc } from './libc.ts'
import { openDirection, virtioHeaderBytes } from './open-direction.ts'

/** Most that waits in one direction: half a second of 500 Mbit/s. */
const maxBytes = 32 * 2 ** 20
/** The largest frame: 64 KiB of IP, Ethernet with a VLAN tag. */
const maxFrameBytes = virtioHeaderBytes + 65_536 + 18
/** Longest sleep: a signal that comes just before it is heard this much later. */
const longestPollMs = 100
/** Frames of one direction taken in one go, so that the other waits no longer. */
const burst = 64

const [, , , latencyMs, jitterMs, packetMark, ...ends] = process.argv
const libc = openLibc()
libc.setNice(-20)
const directions = [ends.slice(3), ends.slice(0, 3)].map(([namespace, tap, interfaceIndex]) => ({
  ...openDirection(
    libc,
    { namespace: namespace!, tap: tap!, interfaceIndex: Number(interfaceIndex) },
    Number(packetMark),
  ),
  queue: delayQueue<Uint8Array>({
    latencyMs: Number(latencyMs),
    jitterMs: Number(jitterMs),
    maxBytes,
    random: Math.random,
  }),
}))

let ending = false
process.on('SIGTERM', () => (ending = true))
const scratch = new Uint8Array(maxFrameBytes)
// struct pollfd: the file, then the events wanted (POLLIN) and seen, 16 bits each.
const polls = new Int32Array(directions.flatMap(({ tapFd }) => [tapFd, 1]))
const timespec = new BigInt64Array(2)

function turn(): void {
  const nextMs = Math.min(...directions.map(({ queue }) => queue.nextMs()))
  if (ending && nextMs === Infinity) process.exit(0)
  const waitMs = Math.min(longestPollMs, Math.max(0, nextMs - performance.now()))
  timespec[1] = BigInt(Math.round(waitMs * 1_000_000))
  polls[1] = polls[3] = 1
  libc.pollInput(polls, timespec)
  for (const { tapFd, socketFd, queue } of directions) {
    for (let taken = 0; taken < burst; taken++) {
      const length = libc.read(tapFd, scratch)
      if (length < 0) {
        if (length !== -errno.again && length !== -errno.interrupted && !ending)
          throw new Error(`reading a TAP: errno ${-length}`)
        break
      }
      queue.add(scratch.slice(0, length), length, performance.now())
    }
    for (;;) {
      const frame = queue.take(performance.now())
      if (frame === undefined) break
      libc.write(socketFd, frame) // what the link does not take is lost, as on any link
    }
  }
  setImmediate(turn) // signals are heard between two turns
}
turn()
