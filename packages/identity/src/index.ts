/**
 * SPIFFE identity of nodes: trust domain, ML-DSA-65 authority, X.509-SVIDs that also prove an Ed25519 key, and the one
 * TLS profile between nodes. Join tokens, enrolment, renewal and bans follow from them.
 *
 * @example
 * import { systemClock as clock, systemRandom as random } from '@x0t/core'
 * import { createIdentity } from '@x0t/keys'
 * import { createAuthority, issueSvid, svidSubjectOf, verifySvid } from '@x0t/identity'
 * const authority = createAuthority({ meshName: 'home', random, clock })
 * const identity = createIdentity(random.bytes(32))
 * const svid = issueSvid(authority, { ...svidSubjectOf(identity), ttlMs: 3_600_000, clock, random })
 * verifySvid(svid.chainDer, authority.bundle, { nowMs: clock.wallMs(), isBanned: () => false }).nodeId
 */
export { errorCodes, type ErrorCode } from './errors.ts'
export {
  formatSpiffeId,
  nodeSpiffeId,
  parseNodeSpiffeId,
  parseSpiffeId,
  trustDomainOf,
  type SpiffeId,
} from './spiffe-id.ts'
export {
  maxCertificateBytes,
  parseCertificate,
  type Certificate,
  type CertificateExtensions,
} from './certificate.ts'
export { certificatePem, certificatesOfPem } from './pem.ts'
export { signHostKey, verifyHostKey, type HostKey } from './host-key-extension.ts'
export {
  backdateMs,
  createAuthority,
  defaultSvidTtlMs,
  issueSvid,
  maxSvidTtlMs,
  minSvidTtlMs,
  restoreAuthority,
  svidSubjectOf,
  type Authority,
  type IssuedSvid,
  type IssueSvidOptions,
  type SvidSubject,
} from './authority.ts'
export {
  authorityByHash,
  certificateHash,
  createTrustBundle,
  decodeTrustBundle,
  encodeTrustBundle,
  maxAuthorities,
  type TrustBundle,
} from './trust-bundle.ts'
export { leafRules } from './leaf-rules.ts'
export { maxChainLength } from './certification-path.ts'
export { verifySvid, type VerifiedSvid, type VerifySvidOptions } from './verify-svid.ts'
export {
  enrolmentTlsClient,
  tlsGroup,
  tlsProfile,
  tlsSignatureAlgorithm,
  type MemberCredentials,
  type PeerJudge,
  type TlsProfile,
  type TlsProfileOptions,
} from './tls-profile.ts'
export { enrolmentPeerOfSocket, peerOfSocket } from './peer-of-socket.ts'
export {
  createJoinToken,
  maxTokenAddresses,
  parseJoinToken,
  type CreateJoinTokenOptions,
  type JoinToken,
  type TokenRecord,
} from './join-token.ts'
export type { Redemption, StoredToken, TokenStore } from './token-store.ts'
export type { KnownNode, NodeRegistry } from './node-registry.ts'
export type { NonceMemory } from './nonce-memory.ts'
export {
  buildEnrolRequest,
  buildRenewRequest,
  maxEnrolRequestBytes,
  readEnrolRequest,
  type EnrolRequest,
  type EnrolRequestBody,
  type ProvenRequest,
} from './enrol-request.ts'
export {
  EnrolRefusedError,
  maxEnrolResponseBytes,
  readEnrolResponse,
  type Enrolment,
  type ReadEnrolResponseOptions,
} from './enrol-response.ts'
export {
  handleEnrolRequest,
  renewalWindowMs,
  type AuthorityState,
  type EnrolOutcome,
} from './handle-enrol-request.ts'
export { createBanRecord, maxBanRecordBytes, verifyBanRecord, type BanRecord } from './ban-record.ts'
export { createBanList, type BanList, type BanStore } from './ban-list.ts'
export { createMemberRecord, maxMemberRecordBytes, verifyMemberRecord, type Member } from './member-record.ts'
export {
  clockJumpMs,
  maxTickMs,
  startRenewal,
  stepRenewal,
  type Instant,
  type RenewalAction,
  type RenewalEvent,
  type RenewalReason,
  type RenewalState,
  type RenewalStep,
  type SvidDates,
} from './renewal.ts'
export { readAuthorityFile, writeAuthorityFile } from './authority-file.ts'
export { openIdentityStore, type IdentityStore, type StoredMembership } from './identity-store.ts'
