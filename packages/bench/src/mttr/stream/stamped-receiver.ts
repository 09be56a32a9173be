import { dlopen, getRawPointer } from 'node:ffi'

/**
 * Reads datagrams with the moment at which the kernel got them: so the reader need not wake up for each, and is not part
 * of what it measures.
 */
export interface StampedReceiver {
  /**
   * Takes everything that has arrived; does not wait.
   * @param take gets a view of the payload, valid during the call, its length, and CLOCK_MONOTONIC of its arrival, ms
   */
  drain(take: (payload: DataView, bytes: number, atMs: number) => void): void
}

const signatures = {
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  recvmmsg: { arguments: ['i32', 'pointer', 'u32', 'i32', 'pointer'], return: 'i32' },
  clock_gettime: { arguments: ['i32', 'pointer'], return: 'i32' },
} as const

const [clockRealtime, clockMonotonic] = [0, 1]
const dontWait = 0x40
const socketLevel = 1
/** SO_TIMESTAMPNS of 64-bit Linux, where the message that carries the stamp has the same number. */
const timestampNs = 35

const most = 64
const payloadRoom = 2048
/** struct mmsghdr: struct msghdr (56 bytes) and the length of what was received. */
const headerBytes = 64
/** struct iovec. */
const vectorBytes = 16
/** struct cmsghdr and struct timespec. */
const controlBytes = 32

/** @throws Error if the kernel does not stamp */
export function stampedReceiver(fd: number): StampedReceiver {
  const { functions: libc } = dlopen(null, signatures)
  const one = Int32Array.of(1)
  if (libc.setsockopt(fd, socketLevel, timestampNs, getRawPointer(one), 4) !== 0)
    throw new Error('the kernel stamps no datagrams')
  const [vectorsAt, controlAt] = [most * headerBytes, most * (headerBytes + vectorBytes)]
  const payloadsAt = controlAt + most * controlBytes
  const memory = new ArrayBuffer(payloadsAt + most * payloadRoom)
  const view = new DataView(memory)
  const base = getRawPointer(memory)
  const payloads = Array.from(
    { length: most },
    (_, at) => new DataView(memory, payloadsAt + at * payloadRoom, payloadRoom),
  )
  const pointer = (at: number, target: number): void => view.setBigUint64(at, base + BigInt(target), true)
  const prepare = (at: number): void => {
    const header = at * headerBytes
    pointer(header + 16, vectorsAt + at * vectorBytes)
    view.setBigUint64(header + 24, 1n, true)
    pointer(header + 32, controlAt + at * controlBytes)
    // The kernel writes how much it used.
    view.setBigUint64(header + 40, BigInt(controlBytes), true)
  }
  for (let at = 0; at < most; at++) {
    const vector = vectorsAt + at * vectorBytes
    pointer(vector, payloadsAt + at * payloadRoom)
    view.setBigUint64(vector + 8, BigInt(payloadRoom), true)
  }
  const clock = new DataView(new ArrayBuffer(16))
  const clockPointer = getRawPointer(clock)
  const read = (id: number): number => {
    libc.clock_gettime(id, clockPointer)
    return msOf(clock, 0)
  }
  return {
    drain(take) {
      for (;;) {
        for (let at = 0; at < most; at++) prepare(at)
        const count = libc.recvmmsg(fd, base, most, dontWait, 0n)
        if (count <= 0) return
        // The wall clock may be set meanwhile; from one moment to the next it is not.
        const [realMs, monotonicMs] = [read(clockRealtime), read(clockMonotonic)]
        for (let at = 0; at < count; at++) {
          const control = controlAt + at * controlBytes
          const isStamped = view.getInt32(control + 12, true) === timestampNs
          const atMs = isStamped ? msOf(view, control + 16) - realMs + monotonicMs : monotonicMs
          take(payloads[at]!, view.getUint32(at * headerBytes + 56, true), atMs)
        }
        if (count < most) return
      }
    },
  }
}

/** A struct timespec, ms. */
function msOf(view: DataView, at: number): number {
  return view.getUint32(at, true) * 1000 + view.getUint32(at + 8, true) / 1e6
}
