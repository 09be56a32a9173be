import { X0tError } from '@x0t/core'
import type { Bed } from './bed.ts'
import { signalProcess, waitForEnd } from './end-processes.ts'
import { planCableFault, setSwitches } from './cables/cable-faults.ts'
import { byzantine } from './byzantine-fault.ts'
import { clockJump } from './clock-fault.ts'
import { partition } from './drop-faults.ts'
import { endHelper } from './fault-helper.ts'
import { faultText, parseFault, parseFaultTarget, type FaultAction, type FaultTarget } from './fault-spec.ts'
import type { FaultSteps } from './fault-steps.ts'
import { handshakeFailure } from './handshake-fault.ts'
import { linksOf } from './network-plan.ts'
import { svidExpiry } from './svid-fault.ts'
import { startHost } from './start-host.ts'
import { planLinkFault } from './link-faults.ts'
import type { ActiveFault, HostProcess, UndoStep } from './manifest.ts'
import { processState } from './process-table.ts'

/** A fault that was injected. */
export interface InjectedFault extends ActiveFault {
  /** When it took effect, CLOCK_MONOTONIC of the machine in ms; absent where that is not known exactly, or was long ago. */
  readonly effectMs?: number
}

/**
 * Injects a fault, looks whether it is there, and records how to undo it. The same fault once more changes
 * nothing; another value of loss or latency takes the place of the first.
 * @param targetText `link:a-b`, `node:a`, `set:a+b`, or `bed` with `partition=a+b`
 * @param actionText one of {@link faultsOf}
 * @throws X0tError TESTBED_FAULT_INVALID, TESTBED_FAULT_INEFFECTIVE, TESTBED_HOST_NOT_RUNNING, TESTBED_NO_NETEM
 */
export async function injectFault(bed: Bed, targetText: string, actionText: string): Promise<InjectedFault> {
  const { target, action } = parseFault(targetText, actionText, bed.plan)
  const active = (await bed.folder.faults()).find(
    (one) => one.target === target.text && one.kind === action.kind,
  )
  if (active !== undefined) {
    if (faultText(active) === faultText(action)) return active
    await undoFault(bed, active)
  }
  if (action.kind === 'crash' || action.kind === 'freeze') return signalHost(bed, target, action)
  return injectSteps(bed, target, action, await planFault(bed, target, action))
}

/**
 * Heals faults: all, those of one target, or one. Returns what it undid, nothing where none was active.
 * @throws X0tError TESTBED_FAULT_INVALID, TESTBED_HOST_START_FAILED
 */
export async function clearFaults(
  bed: Bed,
  { target, action }: { readonly target?: string; readonly action?: string } = {},
): Promise<readonly ActiveFault[]> {
  const wanted = target === undefined ? undefined : targetsMeant(target, bed)
  const kind = action?.split('=')[0]
  const matching = (await bed.folder.faults()).filter(
    (fault) =>
      (wanted === undefined || wanted.includes(fault.target)) && (kind === undefined || fault.kind === kind),
  )
  for (const fault of matching) await undoFault(bed, fault)
  return matching
}

/** A link by either order of its ends: faults of one direction are recorded as they were written. */
function targetsMeant(text: string, { plan }: Bed): readonly string[] {
  const target = parseFaultTarget(text, plan)
  return target.kind === 'link' ? [target.text, `link:${target.b}-${target.a}`] : [target.text]
}

async function planFault(bed: Bed, target: FaultTarget, action: FaultAction): Promise<FaultSteps> {
  const inCable = bed.plan.cables === 'bpf' ? planCableFault(bed, target, action) : undefined
  if (inCable !== undefined) return inCable
  if (target.kind === 'link') return planLinkFault(bed.plan, target, action, bed.run)
  if (target.kind === 'set') return partition(bed.plan, target.hosts)
  const { host } = target
  switch (action.kind) {
    case 'handshake-failure':
      return handshakeFailure(linksOf(bed.plan, host))
    case 'svid-expiry':
      return svidExpiry(bed, host)
    case 'clock-jump':
      return clockJump(bed, host, action.value ?? 0)
    case 'byzantine':
      return byzantine(bed.plan, host, action.value)
    default:
      throw new TypeError(`${action.kind} is no fault of rules or files`)
  }
}

async function injectSteps(
  bed: Bed,
  target: FaultTarget,
  action: FaultAction,
  steps: FaultSteps,
): Promise<InjectedFault> {
  const fault = recordOf(bed, target, action, steps.undo)
  await bed.folder.addFault(fault)
  try {
    await steps.inject(bed)
    await steps.verify(bed)
  } catch (error) {
    await undoFault(bed, fault)
    throw error
  }
  const effectMs = steps.effectMs?.()
  return effectMs === undefined ? fault : { ...fault, effectMs }
}

async function signalHost(bed: Bed, target: FaultTarget, action: FaultAction): Promise<ActiveFault> {
  const { folder, clock } = bed
  if (target.kind !== 'node') throw new TypeError(`${action.kind} is a fault of a node`)
  const { host } = target
  const found = await folder.process(host)
  if (found === undefined || (await processState(found)) === 'dead') {
    throw new X0tError('TESTBED_HOST_NOT_RUNNING', `host ${host} runs nothing that could ${action.kind}`, {
      hint: `x0t testbed fault node:${host} --clear starts it if a fault crashed it`,
    })
  }
  const undo: UndoStep = action.kind === 'crash' ? { kind: 'start', host } : { kind: 'continue', host }
  const fault = recordOf(bed, target, action, [undo])
  await folder.addFault(fault)
  await signalProcess(found, action.kind === 'crash' ? 'SIGKILL' : 'SIGSTOP', { group: true })
  if (action.kind === 'crash' && (await waitForEnd([found], 5000, clock)).length === 0) return fault
  if (action.kind === 'freeze' && (await waitForFrozen(bed, found))) return fault
  await undoFault(bed, fault)
  throw new X0tError('TESTBED_FAULT_INEFFECTIVE', `pid ${found.pid} of host ${host} did not ${action.kind}`)
}

function recordOf(
  bed: Bed,
  { text }: FaultTarget,
  action: FaultAction,
  undo: readonly UndoStep[],
): ActiveFault {
  return { target: text, ...action, injectedAtMs: bed.clock.wallMs(), undo: [...undo] }
}

function isSame(one: ActiveFault, other: ActiveFault): boolean {
  return one.target === other.target && one.kind === other.kind
}

/** Every step may find its work done already: a node that came back by itself, a table that is gone. */
async function undoFault(bed: Bed, fault: ActiveFault): Promise<void> {
  for (const step of fault.undo) {
    if (step.kind === 'command') {
      const { argv, input, mayFail = false } = step
      await bed.run(argv, { allowFailure: mayFail, ...(input === undefined ? {} : { input }) })
      continue
    }
    if (step.kind === 'end-helper') {
      await endHelper(step, bed.clock)
      continue
    }
    if (step.kind === 'switch') {
      const others = (await bed.folder.faults()).filter((one) => !isSame(one, fault))
      await setSwitches(bed, others)
      continue
    }
    const found = await bed.folder.process(step.host)
    if (step.kind === 'continue') {
      if (found !== undefined) await signalProcess(found, 'SIGCONT', { group: true })
    } else if (found === undefined || (await processState(found)) === 'dead') {
      await startHost(bed, step.host)
    }
  }
  await bed.folder.removeFault(fault)
}

/** A stop signal takes effect when the threads next reach the kernel's signal check: at most some milliseconds. */
async function waitForFrozen(bed: Bed, found: HostProcess): Promise<boolean> {
  const until = bed.clock.monotonicMs() + 2000
  while (bed.clock.monotonicMs() < until) {
    if ((await processState(found)) === 'frozen') return true
    await waitForEnd([found], 20, bed.clock)
  }
  return false
}
