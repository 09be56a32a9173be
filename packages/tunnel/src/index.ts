/**
 * The data plane: an IPv6 TUN device and a UDP socket, served by two worker threads that seal, cut, send,
 * relay, put together and open packets, and that watch the neighbours. It knows keys and routes, not people:
 * its owner tells it both.
 *
 * @example
 * import { openDataPlane } from '@x0t/tunnel'
 * import { silentLog } from '@x0t/core'
 * await using plane = await openDataPlane({
 *   selfLabel: new Uint8Array(8),
 *   selfAddress: new Uint8Array(16),
 *   udp: { host: '127.0.0.1' },
 *   log: silentLog,
 * })
 * plane.stats().datagramsReceived // 0
 */
export { openDataPlane, type DataPlane, type DataPlaneOptions } from './data-plane.ts'
export type { FastPathChoice, FastPathStatus } from './fast-path-choice.ts'
export type { FastPathInterface } from './fast-path-attachments.ts'
export type { KernelCounter } from './fast-path-layout.ts'
export type { KernelLink } from './fast-path-tables.ts'
export type { LinkTraffic } from './link-registry.ts'
export type {
  DataPlaneEvent,
  Neighbour,
  RouteAlternate,
  RouteTarget,
  SecurityAssociation,
  TreeHop,
} from './contract.ts'
export type { Carrier } from './commands.ts'
export type { DownReason } from './liveness.ts'
export type { ProbeInterval } from './probe-pace.ts'
export type { ThreadPriority } from './thread-priority.ts'
export type { Suite } from './aead.ts'
export type { Endpoint } from './socket-address.ts'
export { statNames, type StatName, type Stats } from './shared-state.ts'
export { minDatagramBytes, maxDatagramBytes } from './limits.ts'
export { errorCodes } from './errors.ts'
