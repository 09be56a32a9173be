import type { NodeConfig } from '../config/settings.ts'
import type { HostProbes } from './host-probes.ts'

/** Outcome of one check. `warn`: works, but less well; `fail`: a node cannot do its work like this. */
export interface CheckResult {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  /** What was found. */
  readonly found: string
  /** What to do about it; absent where there is nothing to do. */
  readonly fix?: string
}

export interface CheckInput {
  readonly home: string
  readonly config: NodeConfig
  readonly probes: HostProbes
  /** True if a node runs with this home: what it holds (ports, interface) is then not missing. */
  readonly running: boolean
}

/** A check: looks at the machine through the probes, changes nothing. */
export type Check = (input: CheckInput) => Promise<Outcome>
export type Outcome = Omit<CheckResult, 'check'>

export const ok = (found: string): Outcome => ({ status: 'ok', found })
export const warn = (found: string, fix: string): Outcome => ({ status: 'warn', found, fix })
export const fail = (found: string, fix: string): Outcome => ({ status: 'fail', found, fix })
