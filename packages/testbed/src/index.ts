/**
 * Hosts in network namespaces with real links, real programs and real faults; leaves nothing behind.
 *
 * @example
 * import { createBed, injectFault, parseShape, runInHost } from '@x0t/testbed'
 * await using bed = await createBed({
 *   name: 'demo',
 *   topology: parseShape('pair'),
 *   runner: { kind: 'none' },
 *   runFolder: '/run/x0t-testbed',
 *   env: process.env,
 *   signal: new AbortController().signal,
 * })
 * await injectFault(bed, 'link:a-b', 'loss=10%')
 * await runInHost(bed, 'a', ['ping', '-c', '3', '10.0.0.2'])
 */
export { errorCodes, type TestbedErrorCode } from './errors.ts'
export { parseShape, shapes } from './shape.ts'
export {
  breadthFirst,
  maxHosts,
  neighboursOf,
  parseTopology,
  type Topology,
  type TopologyLink,
} from './topology.ts'
export {
  linkBetween,
  linksOf,
  namespacesOf,
  plannedHost,
  planNetwork,
  topologyOf,
  type CableKind,
  type LinkEnd,
  type NetworkPlan,
  type PlannedHost,
  type PlannedLink,
} from './network-plan.ts'
export {
  createBed,
  openBed,
  type Bed,
  type BedPortOptions,
  type BedPorts,
  type CreateBedOptions,
} from './bed.ts'
export { removeBed, takeDownBed } from './remove-bed.ts'
export { defaultRunFolder, listBeds, type BedFolder } from './bed-folder.ts'
export { chooseBed } from './choose-bed.ts'
export {
  bedStatus,
  type BedStatus,
  type FaultStatus,
  type HostStatus,
  type LinkStatus,
} from './bed-status.ts'
export { clearFaults, injectFault, type InjectedFault } from './faults.ts'
export { cableCounters, type CableCounters } from './cables/cable-counters.ts'
export type { SideCounters } from './cables/fault-switch.ts'
export {
  faultsOf,
  faultText,
  parseFault,
  type FaultAction,
  type FaultKind,
  type FaultTarget,
} from './fault-spec.ts'
export { disableOffloads, lossCounters } from './loss-fault.ts'
export { startHost } from './start-host.ts'
export { superviseBed, type HostEvent, type SuperviseOptions } from './supervise.ts'
export { runInHost } from './run-in-host.ts'
export type { ActiveFault, HostProcess, Manifest, RunnerSpec } from './manifest.ts'
export { endProcesses, signalProcess, waitForEnd } from './end-processes.ts'
export {
  processesInNamespace,
  processState,
  readProcess,
  residentBytes,
  type ProcessFacts,
  type ProcessIdentity,
} from './process-table.ts'
export { inNamespace, systemRun, type CommandOptions, type CommandResult, type Run } from './run-command.ts'
