import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openLibc } from './libc.ts'
import { runWorker } from './worker-loop.ts'
import type { WorkerOptions } from './commands.ts'
import { openEvp } from './aead.ts'

// Entry of both worker threads. They block in poll() and take commands when their eventfd says so.
const port = parentPort!
runWorker({
  options: workerData as WorkerOptions,
  kernel: openLibc(),
  openAead: openEvp(),
  nowMs: () => performance.now(),
  post: (report) => port.postMessage(report),
  nextCommand: () => receiveMessageOnPort(port)?.message,
})
port.close()
