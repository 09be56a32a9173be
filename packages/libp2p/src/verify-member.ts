import type { TLSSocket } from 'node:tls'
import { messageOf } from '@x0t/core'
import { reasonOfError, type CloseReason } from './close-reason.ts'
import { keyGroup, memberAlpn } from './pinned-tls.ts'
import type { Trust, VerifiedPeer } from './trust.ts'

/** Outcome of judging the other end of a finished handshake. */
export type Verdict =
  | { readonly kind: 'member'; readonly peer: VerifiedPeer }
  | { readonly kind: 'refused'; readonly reason: CloseReason; readonly detail: string }

/**
 * Judges the other end of a finished handshake: protocol, ALPN, OpenSSL's verdict on the chain, then the rules of
 * the identity. The control port does not make OpenSSL refuse (enrolment has no client certificate), so nothing
 * may come before this.
 */
export function verifyMember(socket: TLSSocket, trust: Trust): Verdict {
  if (socket.getProtocol() !== 'TLSv1.3')
    return { kind: 'refused', reason: 'old-tls', detail: String(socket.getProtocol()) }
  if (socket.alpnProtocol !== memberAlpn)
    return { kind: 'refused', reason: 'wrong-alpn', detail: String(socket.alpnProtocol) }
  // Known on the client only; the server offers this one group.
  const group = socket.getEphemeralKeyInfo()
  if (group !== null && 'name' in group && group.name !== undefined && group.name !== keyGroup)
    return { kind: 'refused', reason: 'no-pq-group', detail: group.name }
  if (socket.getPeerX509Certificate() === undefined)
    return { kind: 'refused', reason: 'no-certificate', detail: 'no certificate' }
  if (!socket.authorized) {
    const error: unknown = socket.authorizationError
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const reason = reasonOfError(Object.assign(new Error(code), { code }), 'other-trust-domain')
    return { kind: 'refused', reason, detail: code }
  }
  return verifyIdentity(socket, trust)
}

/** The rules of the identity alone, for a connection that is up; dates and bans change while it lives. */
export function verifyIdentity(socket: TLSSocket, trust: Trust): Verdict {
  try {
    return { kind: 'member', peer: trust.verifyPeer(socket) }
  } catch (error) {
    return { kind: 'refused', reason: reasonOfError(error, 'identity-invalid'), detail: messageOf(error) }
  }
}
