import { pollReadable } from './event-loop.ts'
import { mapRegion } from './map-memory.ts'
import { openSyscalls } from './syscalls.ts'

const BUSY = 0x8000_0000
const DISCARD = 0x4000_0000
const headerBytes = 8
/** Where the event loop cannot watch descriptors. */
const timerMs = 10

/** Reads a ring buffer without system calls; one reader per map, or events go to one of them only. */
export interface RingReader {
  /**
   * Hands over all events that are there. Their bytes are those of the ring itself, for the time of the call, and must
   * not be written to.
   * @returns how many
   */
  drain(onEvent: (event: Uint8Array) => void): number
}

/**
 * A reader for threads that poll `fd` (POLLIN) by themselves.
 * @param bytes of the ring: `maxEntries` of the map
 * @throws X0tError BPF_UNSUPPORTED if it is no ring buffer
 */
export function openRingReader(fd: number, bytes: number): RingReader {
  const { pageBytes } = openSyscalls()
  const consumer = new BigUint64Array(mapRegion(fd, 0, 8, 'read-write'))
  // The data lie there twice in a row: an event never wraps.
  const ring = mapRegion(fd, pageBytes, pageBytes + 2 * bytes, 'read')
  const producer = new BigUint64Array(ring, 0, 1)
  const headers = new Int32Array(ring, pageBytes)
  return {
    drain(onEvent) {
      let count = 0
      let position = Number(Atomics.load(consumer, 0))
      try {
        // The producer wakes a reader that has read all; what came since the last look would wake nobody.
        for (let end = loadNumber(producer); position < end; end = loadNumber(producer)) {
          while (position < end) {
            const at = position % bytes
            const header = Atomics.load(headers, at / 4)
            if ((header & BUSY) !== 0) {
              // Whoever commits it wakes us only if it sees that we have come so far: tell, then look again.
              if (Number(Atomics.load(consumer, 0)) === position) return count
              Atomics.store(consumer, 0, BigInt(position))
              continue
            }
            const length = header & ~DISCARD
            position += headerBytes + Math.ceil(length / 8) * 8
            if ((header & DISCARD) !== 0) continue
            count++
            onEvent(new Uint8Array(ring, pageBytes + at + headerBytes, length))
          }
          Atomics.store(consumer, 0, BigInt(position))
        }
      } finally {
        Atomics.store(consumer, 0, BigInt(position))
      }
      return count
    },
  }
}

function loadNumber(words: BigUint64Array): number {
  return Number(Atomics.load(words, 0))
}

/** A ring buffer that the event loop watches. */
export interface RingBuffer extends Disposable {
  /** Hands over what is there now, also of producers that do not wake (BPF_RB_NO_WAKEUP). */
  drain(): number
}

/**
 * Calls back with every event of a ring buffer from the event loop, without a thread; in worker threads, and where
 * Node.js cannot watch the descriptor, every 10 ms. A worker that needs them at once polls by itself: openRingReader.
 * @param map its descriptor and size
 * @param watch calls back when a descriptor is readable, or says undefined where it cannot
 */
export function openRingBuffer(
  map: { readonly fd: number; readonly spec: { readonly maxEntries: number } },
  onEvent: (event: Uint8Array) => void,
  watch: typeof pollReadable = pollReadable,
): RingBuffer {
  const reader = openRingReader(map.fd, map.spec.maxEntries)
  const drain = (): number => reader.drain(onEvent)
  const poll = watch(map.fd, drain) ?? pollByTimer(drain)
  return { drain, [Symbol.dispose]: () => poll[Symbol.dispose]() }
}

function pollByTimer(drain: () => void): Disposable {
  const timer = setInterval(drain, timerMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
