import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { createArena } from './arena.ts'
import { createKernelView } from './kernel-view.ts'
import { openLibc } from './libc.ts'
import { createPriorityControl } from './thread-priority.ts'
import { runWorker } from './worker-loop.ts'
import type { Report, WorkerOptions } from './commands.ts'
import { openEvp } from './aead.ts'

// Entry of both worker threads. They block in poll() and take commands when their eventfd says so.
const port = parentPort!
const libc = openLibc()
const options = workerData as WorkerOptions
const control = createPriorityControl(libc, createArena(4096, libc))
if (options.role === 'receive') {
  const priority = control.raise()
  if (priority !== undefined) port.postMessage({ kind: 'priority', priority } satisfies Report)
}
const { fastPath } = options
/** From this thread's clock to CLOCK_MONOTONIC, which the kernel's time stamps are of. */
const offsetNs = Number(process.hrtime.bigint()) - performance.now() * 1e6
runWorker({
  options,
  kernel: libc,
  openAead: openEvp(),
  ...(fastPath === undefined
    ? {}
    : {
        kernelView: createKernelView(
          libc.memoryAt(fastPath.address, fastPath.bytes),
          () => performance.now() * 1e6 + offsetNs,
        ),
      }),
  nowMs: () => performance.now(),
  priority: options.role === 'receive' ? control : undefined,
  post: (report) => port.postMessage(report),
  nextCommand: () => receiveMessageOnPort(port)?.message,
})
port.close()
