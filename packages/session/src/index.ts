/**
 * End-to-end sessions between any two members: keys from a TLS 1.3 handshake inside routed messages, their renewal,
 * the sealed unit after ESP, and the replay window.
 *
 * @example
 * import { createSessionManager } from '@x0t/session'
 * await using sessions = createSessionManager({ self, tls, send, clock, random, log, counters, on })
 * sessions.ensure(peer) // on.ready(sa), then on.sendWith(sa)
 */
export { createSessionManager } from './keep-sessions.ts'
export type { SessionEvents, SessionManagerOptions, Sessions } from './sessions.ts'
export { defaultSessionLimits, type SessionLimits } from './limits.ts'
export type { AssociationState } from './association-set.ts'
export type { SessionTls } from './tls-channel.ts'
export { suites, type Role, type SecurityAssociation, type Suite } from './security-association.ts'
export {
  deriveKeys,
  exporterContext,
  exporterLabel,
  type Exporter,
  type HandshakeEnds,
  type SessionKeys,
} from './key-schedule.ts'
export { additionalData, maxSequence, nonceOf, openUnit, sealUnit, tagBytes } from './sealed-unit.ts'
export { ReplayWindow, replayWindowSize } from './replay-window.ts'
export { maxMessageBytes } from './handshake-message.ts'
export { errorCodes } from './errors.ts'
