import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openLibc } from './libc.ts'
import { runWorker } from './worker-loop.ts'
import type { WorkerOptions } from './commands.ts'
import { openEvp } from './aead.ts'

// Entry of both worker threads. They block in poll() and take commands when their eventfd says so.
const port = parentPort!
const libc = openLibc()
const options = workerData as WorkerOptions
// A neighbour cannot tell a node that is not scheduled from a dead one. Without CAP_SYS_NICE it stays as it is.
if (options.role === 'receive') libc.setThreadNice(-5)
runWorker({
  options,
  kernel: libc,
  openAead: openEvp(),
  nowMs: () => performance.now(),
  post: (report) => port.postMessage(report),
  nextCommand: () => receiveMessageOnPort(port)?.message,
})
port.close()
