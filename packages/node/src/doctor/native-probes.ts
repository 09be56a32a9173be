import { messageOf } from '@x0t/core'
import type { ClockFacts } from './host-probes.ts'

/** Why `node:ffi` does not work; undefined if getpid(2) through it gives this process. */
export async function ffiProblem(): Promise<string | undefined> {
  try {
    const { dlopen } = await import('node:ffi')
    const { functions } = dlopen(null, { getpid: { return: 'i32', arguments: [] } })
    return functions.getpid() === process.pid ? undefined : 'a call to libc gave a wrong answer'
  } catch (error) {
    return messageOf(error)
  }
}

/** State of the clock by adjtimex(2), reading only. */
export async function readKernelClock(): Promise<ClockFacts | undefined> {
  const { dlopen } = await import('node:ffi')
  const { functions } = dlopen(null, { adjtimex: { return: 'i32', arguments: ['buffer'] } })
  // struct timex of 64-bit Linux, 208 bytes: u32 modes; then i64 offset, freq, maxerror, esterror; i32 status.
  const timex = Buffer.alloc(208)
  const state = functions.adjtimex(timex)
  if (state < 0) return undefined
  const maxErrorUs = Number(timex.readBigInt64LE(24))
  const status = timex.readInt32LE(40)
  const timeError = 5
  const statusUnsynchronised = 0x40
  return {
    synchronised: state !== timeError && (status & statusUnsynchronised) === 0,
    maxErrorMs: maxErrorUs / 1000,
  }
}

/** Whether a UDP socket takes UDP_SEGMENT and UDP_GRO. */
export async function readUdpOffload(): Promise<{ segmentation: boolean; receive: boolean }> {
  const { dlopen } = await import('node:ffi')
  const { functions } = dlopen(null, {
    socket: { return: 'i32', arguments: ['i32', 'i32', 'i32'] },
    setsockopt: { return: 'i32', arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'] },
    close: { return: 'i32', arguments: ['i32'] },
  })
  const datagramCloseOnExec = 2 | 0o2000000
  const levelUdp = 17
  const udpSegment = 103
  const udpGro = 104
  const descriptor = functions.socket(2, datagramCloseOnExec, 0)
  if (descriptor < 0) return { segmentation: false, receive: false }
  try {
    const takes = (option: number, value: number): boolean => {
      const buffer = Buffer.alloc(4)
      buffer.writeInt32LE(value)
      return functions.setsockopt(descriptor, levelUdp, option, buffer, buffer.length) === 0
    }
    return { segmentation: takes(udpSegment, 1400), receive: takes(udpGro, 1) }
  } finally {
    functions.close(descriptor)
  }
}
