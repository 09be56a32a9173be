import { constants } from 'node:crypto'
import { createSecureContext, type ConnectionOptions, type TlsOptions } from 'node:tls'
import { perObject } from '@x0t/core'
import type { Trust } from './trust.ts'

/** ALPN of a connection between members. */
export const memberAlpn = 'x0t/1'
/** ALPN of enrolment and renewal: the client has no certificate. */
export const enrolAlpn = 'x0t-enrol/1'
/** The only key agreement there is. */
export const keyGroup = 'X25519MLKEM768'

/** TLS 1.3 with post-quantum key agreement and signatures, no tickets, no resumption. Whatever an identity asks for. */
const profile = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ecdhCurve: keyGroup,
  sigalgs: 'mldsa65',
  secureOptions: constants.SSL_OP_NO_TICKET,
  honorCipherOrder: true,
} as const satisfies TlsOptions

/**
 * Options of the control port. Client certificates are asked for but not enforced by OpenSSL, because enrolment
 * comes without one: whoever takes a member's connection must check `authorized` (see verifyMember).
 */
export function serverOptions(trust: Trust): TlsOptions {
  return {
    ...trust.serverTls(),
    ...profile,
    ALPNProtocols: [memberAlpn, enrolAlpn],
    requestCert: true,
    rejectUnauthorized: false,
  }
}

const clientContext = perObject((options: ConnectionOptions) =>
  createSecureContext({ ...options, ...profile }),
)

/** Options of a dial to another member. The SPIFFE id is judged after the handshake, by {@link Trust.verifyPeer}. */
export function memberClientOptions(trust: Trust): ConnectionOptions {
  const options = trust.clientTls()
  return {
    ...options,
    ...profile,
    secureContext: clientContext(options),
    ALPNProtocols: [memberAlpn],
    rejectUnauthorized: true,
    // Compares DNS names and IP addresses, which an SVID does not have.
    checkServerIdentity: () => undefined,
  }
}

/** Options of an enrolment request; `authority` is PEM. Without it the server is not judged: for fetching the pinned certificate only. */
export function enrolClientOptions(authority?: string): ConnectionOptions {
  return {
    ...profile,
    ALPNProtocols: [enrolAlpn],
    ca: authority ?? [],
    rejectUnauthorized: authority !== undefined,
    checkServerIdentity: () => undefined,
  }
}
