// Run by native.test.ts as root in namespaces of its own: maps in the worker threads of the process.
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { openNativeBackend } from '@x0t/bpf'
import type { Task } from './map-worker.ts'

const backend = openNativeBackend()

t.test('a worker may end with a buffer that it has not closed', async (t) => {
  using object = await backend.load(readFileSync(`${import.meta.dirname}/../objects/kinds.o`))
  const task: Task = {
    shared: object.maps.get('shared')!.fd,
    events: object.maps.get('events')!.fd,
    how: 'left-open',
  }
  const worker = new Worker(new URL('map-worker.ts', import.meta.url), { workerData: task })
  await new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
  })
  t.equal(await worker.terminate(), 1, 'and the process goes on')
})

for (const how of ['reader', 'buffer'] as const) {
  t.test(`a worker reads memory and events by descriptors of another thread (${how})`, async (t) => {
    using object = await backend.load(readFileSync(`${import.meta.dirname}/../objects/kinds.o`))
    const shared = object.maps.get('shared')!
    object.programs.get('count_packet')!.testRun(new Uint8Array(60), { repeat: 3 })
    const task: Task = { shared: shared.fd, events: object.maps.get('events')!.fd, how }
    const worker = new Worker(new URL('map-worker.ts', import.meta.url), { workerData: task })
    const seen = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
    })
    // The program adds 2 each time that it runs.
    t.same(seen, { word: 6, read: 6, lengths: [60, 60, 60] })
    await worker.terminate()
    t.same(shared.get(new Uint8Array(4)), Uint8Array.of(6, 0, 0, 0), 'the descriptors are as they were')
  })
}
