import { X0tError } from '@x0t/core'
import type { UndoStep } from './manifest.ts'
import type { BedPorts } from './bed.ts'

/** What the steps of a fault reach of the outside world. */
export type FaultPorts = Pick<BedPorts, 'run' | 'clock' | 'env'>

/** How to inject a fault, how to see that it is there, and how to undo it. */
export interface FaultSteps {
  /** May fail halfway: then `undo` is done. */
  inject(ports: FaultPorts): Promise<void>
  /** Looks for the effect, not only for the setting. @throws X0tError TESTBED_FAULT_INEFFECTIVE */
  verify(ports: FaultPorts): Promise<void>
  /** After `inject`: when it took effect, CLOCK_MONOTONIC of the machine in ms; absent where that is not known exactly. */
  effectMs?(): number | undefined
  /** Written down before `inject`; each step must do no harm where its work is done already. */
  readonly undo: readonly UndoStep[]
}

/** A fault that was injected but is not to be seen. */
export function ineffective(found: string): X0tError {
  return new X0tError('TESTBED_FAULT_INEFFECTIVE', `the fault is not to be seen: ${found}`)
}
