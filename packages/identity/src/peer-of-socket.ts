import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls'
import { X0tError } from '@x0t/core'
import { maxChainLength } from './certification-path.ts'
import { certificateHash, createTrustBundle, type TrustBundle } from './trust-bundle.ts'
import { verifySvid, type VerifiedSvid, type VerifySvidOptions } from './verify-svid.ts'

/**
 * Who is at the other end of a finished TLS handshake: checks protocol, group and resumption, that OpenSSL accepted
 * the chain, and then the whole chain again by {@link verifySvid}.
 * @throws X0tError TLS_PROFILE, TLS_NO_CERTIFICATE, TLS_NOT_AUTHORIZED, and the codes of verifySvid
 */
export function peerOfSocket(
  socket: TLSSocket,
  bundle: TrustBundle,
  options: VerifySvidOptions,
): VerifiedSvid {
  verifyProfile(socket)
  const chain = chainOfSocket(socket)
  const peer = verifySvid(chain, bundle, options)
  if (!socket.authorized)
    throw new X0tError(
      'TLS_NOT_AUTHORIZED',
      `TLS did not accept the peer: ${String(socket.authorizationError)}`,
    )
  return peer
}

/**
 * The same for a node that joins: it knows the SHA-256 of the authority's certificate and the trust domain from its
 * token. The server must send the authority's certificate along with its SVID (it does, with {@link tlsProfile}).
 * @returns the member that answers, and the bundle with the pinned authority
 * @throws X0tError SVID_WRONG_AUTHORITY if no certificate of the chain has the pinned hash; the codes of peerOfSocket
 */
export function enrolmentPeerOfSocket(
  socket: TLSSocket,
  pinned: { readonly trustDomain: string; readonly authorityHash: Uint8Array },
  options: Pick<VerifySvidOptions, 'nowMs'>,
): { readonly peer: VerifiedSvid; readonly bundle: TrustBundle } {
  verifyProfile(socket)
  const chain = chainOfSocket(socket)
  const authority = chain.find((der) => Buffer.compare(certificateHash(der), pinned.authorityHash) === 0)
  if (!authority)
    throw new X0tError(
      'SVID_WRONG_AUTHORITY',
      'the server does not show the authority that the join token names',
      {
        hint: 'the address belongs to another mesh, or somebody is in between; check the addresses in the token',
      },
    )
  const bundle = createTrustBundle(pinned.trustDomain, [authority])
  return { peer: verifySvid(chain, bundle, { nowMs: options.nowMs, isBanned: () => false }), bundle }
}

function verifyProfile(socket: TLSSocket): void {
  const protocol = socket.getProtocol()
  if (protocol !== 'TLSv1.3')
    throw new X0tError('TLS_PROFILE', `found ${protocol ?? 'no TLS'}, expected TLSv1.3`)
  if (socket.isSessionReused())
    throw new X0tError('TLS_PROFILE', 'the session was resumed: it shows no certificate')
  // Null on the server side, where the configuration alone pins the group.
  const group: unknown = socket.getEphemeralKeyInfo()
  if (typeof group === 'object' && group !== null && 'name' in group && group.name !== 'X25519MLKEM768')
    throw new X0tError('TLS_PROFILE', `found key agreement ${String(group.name)}, expected X25519MLKEM768`)
}

function chainOfSocket(socket: TLSSocket): Uint8Array[] {
  const chain = chainOfPeerCertificate(socket.getPeerCertificate(true))
  if (chain.length === 0)
    throw new X0tError('TLS_NO_CERTIFICATE', 'the peer showed no certificate', {
      hint: 'a node without an SVID can only enrol',
    })
  return chain
}

/** DER of the peer's certificates, leaf first, as node:tls links them; one more than allowed at most. */
export function chainOfPeerCertificate(leaf: PeerCertificate | DetailedPeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = []
  let certificate: Partial<DetailedPeerCertificate> | undefined = leaf
  // A root links to itself; a peer without certificate gives an empty object.
  while (certificate?.raw && chain.length <= maxChainLength) {
    chain.push(certificate.raw)
    const issuer: Partial<DetailedPeerCertificate> | undefined = certificate.issuerCertificate
    certificate = issuer === certificate ? undefined : issuer
  }
  return chain
}
