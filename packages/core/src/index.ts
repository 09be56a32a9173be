/**
 * Errors, ports, identifiers and units that every other package builds on. No dependency, no files, no sockets.
 *
 * @example
 * import { nodeIdFromBytes, overlayAddress } from '@x0t/core'
 * overlayAddress(nodeIdFromBytes(new Uint8Array(32).fill(1))) // 'fd78:101:101:101:101:101:101:101'
 */
export { X0tError, hasCode, messageOf, type X0tErrorOptions } from './error.ts'
export { errorCodes } from './errors.ts'
export { base32Decode, base32Encode } from './base32.ts'
export {
  bytesOfNodeId,
  isNodeId,
  labelOfNodeId,
  nodeIdBytes,
  nodeIdFromBytes,
  parseNodeId,
  shortNodeId,
  type NodeId,
} from './node-id.ts'
export { formatIpv6, overlayAddress, overlayAddressBytes, overlayPrefix } from './overlay-address.ts'
export {
  silentCounters,
  silentLog,
  type Clock,
  type Counters,
  type Log,
  type LogFields,
  type Random,
} from './ports.ts'
export { perObject } from './per-object.ts'
export { maxTimerMs, systemClock, systemRandom } from './system-clock.ts'
