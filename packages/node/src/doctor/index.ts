/**
 * Checks whether a node can work on this machine, and says what to do where it cannot.
 *
 * @example
 * import { runDoctor, systemProbes } from '@x0t/node/doctor'
 * const probes = systemProbes({ svidNotAfterMs: async () => undefined })
 * const results = await runDoctor({ home: '/var/lib/x0t', config, probes })
 */
export type { Check, CheckInput, CheckResult, Outcome } from './check.ts'
export type { ClockFacts, FileFacts, HostProbes } from './host-probes.ts'
export { effectiveCapabilities } from './kernel-checks.ts'
export { checks, runDoctor } from './run-doctor.ts'
export { systemProbes } from './system-probes.ts'
