/**
 * The control plane of a node: one TCP port with TLS 1.3, post-quantum key agreement and SVIDs at both ends, libp2p
 * above it, and one control stream to every neighbour. It finds neighbours by configured addresses, mDNS and
 * addresses learnt from others, and keeps them.
 *
 * @example
 * import { channels, startControlPlane } from '@x0t/libp2p'
 * await using plane = await startControlPlane({
 *   nodeId, hostKey, trust,
 *   listen: [{ host: '::', port: 7800 }],
 *   bootstrap: [{ host: '192.0.2.1', port: 7800 }],
 *   hello: () => new TextEncoder().encode('node-a'),
 *   onNeighbourUp: ({ nodeId }) => plane.send(nodeId, channels.mesh, new Uint8Array([1])),
 *   onNeighbourDown() {},
 *   onFrame(nodeId, channel, payload) {},
 * })
 */
export { formatAddress, isDialableHint, isOverlayIp, parseAddress, type Address } from './address.ts'
export { closeReasons, type CloseReason } from './close-reason.ts'
export type { ClosedBy } from './control-link.ts'
export { startControlPlane } from './control-plane.ts'
export type {
  ControlPlane,
  ControlPlaneOptions,
  NeighbourDown,
  NeighbourStatus,
  NeighbourStreams,
  NeighbourUp,
} from './control-plane-contract.ts'
export { requestEnrolment, type EnrolmentRequest, type PinnedAuthority } from './enrol-client.ts'
export type { EnrolHandler } from './enrol-server.ts'
export { errorCodes } from './errors.ts'
export { channels, maxPayloadBytes, type Channel } from './frame.ts'
export type { MdnsOptions } from './host.ts'
export { defaultLimits, type ControlPlaneLimits } from './limits.ts'
export { enrolAlpn, keyGroup, memberAlpn } from './pinned-tls.ts'
export type { Rate } from './token-bucket.ts'
export type { Trust, VerifiedPeer } from './trust.ts'
