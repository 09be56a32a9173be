/**
 * Why a connection was refused or closed. The position is the code on the wire (after the handshake as the
 * server's verdict, later in a goodbye frame): entries are added at the end, never moved.
 */
export const closeReasons = [
  'accepted',
  'other',
  'too-many',
  'banned',
  'expired',
  'not-yet-valid',
  'other-trust-domain',
  'identity-invalid',
  'no-certificate',
  'duplicate',
  'self',
  'rate-limited',
  'shutting-down',
  'hello-timeout',
  'frame-invalid',
  'left',
  // Seen by one side only; not sent.
  'no-pq-group',
  'wrong-alpn',
  'not-tls',
  'old-tls',
  'handshake-timeout',
  'handshake-failed',
  'refused-by-peer',
  'half-open-limit',
  'overlay-address',
  'wrong-node',
  'closed-early',
  'connection-lost',
  'dead',
  'send-failed',
] as const

export type CloseReason = (typeof closeReasons)[number]

/** The byte that tells the other end why. */
export function codeOfReason(reason: CloseReason): number {
  return closeReasons.indexOf(reason)
}

/** The reason behind a byte from the network; `other` for a code that is not known here. */
export function reasonOfCode(code: number): CloseReason {
  return closeReasons[code] ?? 'other'
}

const reasonOfErrorCode: Readonly<Record<string, CloseReason>> = {
  // OpenSSL at the handshake.
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'no-pq-group',
  ERR_SSL_NO_SUITABLE_GROUPS: 'no-pq-group',
  ERR_SSL_NO_SHARED_GROUP: 'no-pq-group',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'other-trust-domain',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'wrong-alpn',
  ERR_SSL_HTTP_REQUEST: 'not-tls',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'not-tls',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not-tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not-tls',
  ERR_SSL_BAD_RECORD_TYPE: 'not-tls',
  ERR_SSL_UNEXPECTED_MESSAGE: 'not-tls',
  ERR_SSL_RECORD_LAYER_FAILURE: 'not-tls',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'old-tls',
  ERR_SSL_VERSION_TOO_LOW: 'old-tls',
  ERR_SSL_PROVIDER_SIGNATURE_FAILURE: 'other-trust-domain',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'handshake-timeout',
  ECONNRESET: 'closed-early',
  EPIPE: 'closed-early',
  // Verdicts on the chain, by OpenSSL.
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  UNABLE_TO_GET_ISSUER_CERT: 'other-trust-domain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'other-trust-domain',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'other-trust-domain',
  SELF_SIGNED_CERT_IN_CHAIN: 'other-trust-domain',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'other-trust-domain',
  CERT_SIGNATURE_FAILURE: 'other-trust-domain',
  CERT_UNTRUSTED: 'other-trust-domain',
  INVALID_CA: 'other-trust-domain',
}

/** The reason for an error of TLS or of {@link Trust.verifyPeer}, by its code; `fallback` for unknown codes. */
export function reasonOfError(error: unknown, fallback: CloseReason): CloseReason {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known = reasonOfErrorCode[code]
  if (known !== undefined) return known
  // An alert from the other end: it refused us, and why is in its log.
  if (/^ERR_SSL_.*_ALERT_/.test(code)) {
    if (code.includes('NO_APPLICATION_PROTOCOL')) return 'wrong-alpn'
    if (code.includes('PROTOCOL_VERSION')) return 'old-tls'
    if (code.includes('CERTIFICATE_EXPIRED')) return 'expired'
    if (code.includes('UNKNOWN_CA')) return 'other-trust-domain'
    return 'refused-by-peer'
  }
  if (/NOT_YET_VALID/.test(code)) return 'not-yet-valid'
  if (/BANNED/.test(code)) return 'banned'
  if (/EXPIRED/.test(code)) return 'expired'
  if (/TRUST_DOMAIN|UNTRUSTED|AUTHORITY|ISSUER/.test(code)) return 'other-trust-domain'
  return fallback
}
