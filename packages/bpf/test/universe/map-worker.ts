// A worker thread of native-threads.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { mapMemory, openNativeMap, openRingBuffer, openRingReader } from '@x0t/bpf'

export interface Task {
  /** Descriptors of maps. */
  readonly shared: number
  readonly events: number
  /** Poll by hand, or let the event loop of this thread do it. */
  readonly how: 'reader' | 'buffer' | 'left-open'
}

const { shared, events, how } = workerData as Task
const memory = new Uint32Array(mapMemory(shared, 8 * 3))
const lengths: number[] = []
const take = (event: Uint8Array): void => {
  lengths.push(new DataView(event.buffer, event.byteOffset).getUint32(4, true))
}
if (how === 'left-open') {
  openRingBuffer(openNativeMap({ fd: events }), take)
} else if (how === 'reader') {
  openRingReader(events, 4096).drain(take)
} else {
  using map = openNativeMap({ fd: events })
  const { promise, resolve } = Promise.withResolvers<void>()
  using buffer = openRingBuffer(map, (event) => {
    take(event)
    if (lengths.length === 3) resolve()
  })
  if (buffer.drain() < 3) await promise
}
using opened = openNativeMap({ fd: shared })
const read = new DataView(opened.get(new Uint8Array(4))!.buffer).getUint32(0, true)
parentPort!.postMessage({ word: memory[0], read, lengths }, [])
