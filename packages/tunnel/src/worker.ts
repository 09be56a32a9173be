import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { createArena } from './arena.ts'
import { openLibc } from './libc.ts'
import { raiseThreadPriority } from './thread-priority.ts'
import { runWorker } from './worker-loop.ts'
import type { Report, WorkerOptions } from './commands.ts'
import { openEvp } from './aead.ts'

// Entry of both worker threads. They block in poll() and take commands when their eventfd says so.
const port = parentPort!
const libc = openLibc()
const options = workerData as WorkerOptions
if (options.role === 'receive') {
  const scratch = createArena(4096, libc)
  const priority = raiseThreadPriority(libc, scratch, scratch.allocate(64))
  if (priority !== undefined) port.postMessage({ kind: 'priority', priority } satisfies Report)
}
runWorker({
  options,
  kernel: libc,
  openAead: openEvp(),
  nowMs: () => performance.now(),
  post: (report) => port.postMessage(report),
  nextCommand: () => receiveMessageOnPort(port)?.message,
})
port.close()
