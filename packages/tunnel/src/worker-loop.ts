import type { AeadFactory } from './aead.ts'
import { createArena } from './arena.ts'
import { createBusyWatch } from './busy-watch.ts'
import type { Command, Report, WorkerOptions } from './commands.ts'
import { compileHopRoutines } from './hop-routines.ts'
import type { Kernel } from './kernel.ts'
import { noKernelView, type KernelView } from './kernel-view.ts'
import { createReceiveLoop } from './receive-loop.ts'
import { createSendLoop } from './send-loop.ts'
import { stat, viewSharedState } from './shared-state.ts'
import { createStallWatch } from './stall-watch.ts'
import type { PriorityControl } from './thread-priority.ts'

const POLLIN = 1
const pollfdBytes = 8
/** Upper bound of a sleep: the sending worker then looks at the reception counters. */
const maxSleepMs = 1000
const arenaBytes = { send: 4 * 1024 * 1024, receive: 24 * 1024 * 1024 } as const
/** Batches handled before commands and timers get their turn. */
const batchesBeforeTimers = 8

/** Runs one worker until it is told to stop. Everything that touches the outside is passed in. */
export function runWorker({
  options,
  kernel,
  kernelView = noKernelView,
  openAead,
  nowMs,
  priority,
  post,
  nextCommand,
}: {
  readonly options: WorkerOptions
  readonly kernel: Kernel
  readonly kernelView?: KernelView
  readonly openAead: AeadFactory
  readonly nowMs: () => number
  readonly priority?: PriorityControl | undefined
  readonly post: (report: Report) => void
  readonly nextCommand: () => Command | undefined
}): void {
  const arena = createArena(arenaBytes[options.role], kernel)
  const common = {
    kernel,
    arena,
    routines: compileHopRoutines(arena.memory),
    shared: viewSharedState(options.shared),
    openAead,
    tunFd: options.tunFd,
    udpFd: options.udpFd,
    selfAddress: options.selfAddress,
    kernelView,
    nowMs,
    report: post,
  }
  const pollAt = arena.allocate(3 * pollfdBytes)
  const eventAt = arena.allocate(8)
  const one = arena.allocate(8)
  arena.view.setBigUint64(one, 1n, true)
  const monitorFd = options.role === 'receive' ? options.monitorFd : -1
  const isReady = (index: number): boolean =>
    arena.view.getUint16(pollAt + index * pollfdBytes + 6, true) !== 0
  const wait = (fd: number, timeoutMs: number): boolean => {
    // A negative descriptor is passed over.
    for (const [index, one] of [fd, options.wakeFd, monitorFd].entries()) {
      arena.view.setInt32(pollAt + index * pollfdBytes, one, true)
      arena.view.setInt32(pollAt + index * pollfdBytes + 4, POLLIN, true)
    }
    kernel.poll(arena.pointer(pollAt), 3, Math.ceil(Math.min(maxSleepMs, Math.max(0, timeoutMs))))
    if (!isReady(1)) return true
    kernel.read(options.wakeFd, arena.pointer(eventAt), 8)
    return takeCommands()
  }
  const wakeOther = (): void => void kernel.write(options.otherWakeFd, arena.pointer(one), 8)
  let apply: (command: Command) => void
  /** False once the worker is to stop. */
  const takeCommands = (): boolean => {
    for (let command = nextCommand(); command !== undefined; command = nextCommand()) {
      if (command.kind === 'stop') return false
      apply(command)
    }
    return true
  }

  if (options.role === 'send') {
    const loop = createSendLoop({ ...common, hitlessDscp: options.hitlessDscp, wakeReceiver: wakeOther })
    apply = (command) => loop.apply(command)
    let more = false
    while (wait(options.tunFd, more ? 0 : loop.nextAtMs() - nowMs())) {
      more = options.tunFd >= 0 && loop.sendBatch()
      loop.sendReports(nowMs())
    }
    return
  }
  const loop = createReceiveLoop({
    ...common,
    selfLabel: options.selfLabel,
    probeInterval: options.probeInterval,
    probeMisses: options.probeMisses,
    udpPort: options.udpPort,
    monitorFd: options.monitorFd,
    queryFd: options.queryFd,
    wakeSender: wakeOther,
  })
  apply = (command) => loop.apply(command)
  const stalls = createStallWatch()
  const busy = createBusyWatch(nowMs())
  for (;;) {
    const fromMs = nowMs()
    const dueMs = Math.min(loop.nextAtMs(), fromMs + maxSleepMs)
    if (!wait(options.udpFd, dueMs - fromMs)) return
    const load = busy.slept(fromMs, nowMs())
    if (load === 'busy') priority?.lower()
    else if (load === 'light') priority?.raise()
    if (isReady(2)) loop.carrierChanged()
    for (let i = 0; i < batchesBeforeTimers && loop.receiveBatch(); i++) if (nowMs() >= loop.nextAtMs()) break
    const forMs = stalls.woke(dueMs, nowMs())
    if (forMs !== undefined) post({ kind: 'stalled', forMs })
    loop.tick()
    common.shared.receiveStats[stat.workerStalls] = stalls.count
  }
}
