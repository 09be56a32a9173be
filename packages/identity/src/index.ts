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
