import { constants, type KeyObject } from 'node:crypto'
import type { CommonConnectionOptions, ConnectionOptions, SecureContextOptions, TlsOptions } from 'node:tls'
import { messageOf } from '@x0t/core'
import { certificatePem } from './pem.ts'
import { chainOfPeerCertificate } from './peer-of-socket.ts'
import type { TrustBundle } from './trust-bundle.ts'
import { verifySvid, type VerifySvidOptions } from './verify-svid.ts'

/** What a member shows and trusts: its SVID chain, the ML-DSA-65 key of it, and the bundle of its mesh. */
export interface MemberCredentials {
  readonly chainDer: readonly Uint8Array[]
  readonly privateKey: KeyObject
  readonly bundle: TrustBundle
}

/** How the client side of the profile judges the server's SVID. */
export interface PeerJudge {
  readonly nowMs: () => number
  readonly isBanned: VerifySvidOptions['isBanned']
}

export interface TlsProfileOptions {
  /** Offer ChaCha20 first, for processors without AES instructions. */
  readonly preferChaCha?: boolean
  /**
   * Lets clients without a certificate in (enrolment on the same port). The caller must then let no connection but
   * one of ALPN `x0t-enrol/1` past without `peerOfSocket`.
   */
  readonly acceptUncertified?: boolean
}

/** Options for node:tls, both sides. ALPN is left to the caller. */
export interface TlsProfile {
  /** For `tls.createServer`, `server.setSecureContext` and `new TLSSocket(…, { isServer: true })`. */
  readonly server: TlsOptions & CommonConnectionOptions
  /** For `tls.connect`. The server's SVID is judged in the handshake, so that no byte is sent to another. */
  readonly client: ConnectionOptions
}

/** Key agreement group and signature algorithm of every connection. */
export const tlsGroup = 'X25519MLKEM768'
export const tlsSignatureAlgorithm = 'mldsa65'

const aes = 'TLS_AES_256_GCM_SHA384'
const chacha = 'TLS_CHACHA20_POLY1305_SHA256'

/** TLS 1.3, hybrid key agreement and ML-DSA-65 signatures only. There is nothing to fall back to. */
function pinned(preferChaCha: boolean): SecureContextOptions {
  return {
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ecdhCurve: tlsGroup,
    sigalgs: tlsSignatureAlgorithm,
    ciphers: (preferChaCha ? [chacha, aes] : [aes, chacha]).join(':'),
    honorCipherOrder: true,
    // A resumed connection shows no certificate: identity could not be checked.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

/**
 * The TLS profile of ARCHITECTURE.md for a member. The server side must call `peerOfSocket` on each accepted socket;
 * the client side judges the server in `checkServerIdentity` too, and calls `peerOfSocket` to learn who it is.
 *
 * In TLS 1.3 the client is connected before the server has judged it: a connection is up after the server's first byte.
 */
export function tlsProfile(
  credentials: MemberCredentials,
  judge: PeerJudge,
  { preferChaCha = false, acceptUncertified = false }: TlsProfileOptions = {},
): TlsProfile {
  const { chainDer, privateKey, bundle } = credentials
  const own: SecureContextOptions = {
    ...pinned(preferChaCha),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: chainDer.map(certificatePem).join(''),
    ca: bundle.authorities.map(({ der }) => certificatePem(der)),
  }
  return {
    server: { ...own, requestCert: true, rejectUnauthorized: !acceptUncertified },
    client: {
      ...own,
      rejectUnauthorized: true,
      // The default compares DNS names, which an SVID does not have.
      checkServerIdentity: (_name, certificate) => {
        try {
          verifySvid(chainOfPeerCertificate(certificate), bundle, {
            nowMs: judge.nowMs(),
            isBanned: judge.isBanned,
          })
          return undefined
        } catch (error) {
          return error instanceof Error ? error : new Error(messageOf(error))
        }
      },
    },
  }
}

/**
 * Client options for a node that has no SVID yet: it shows no certificate and cannot check the server's chain inside
 * the handshake, as it knows the authority's hash only. Call `enrolmentPeerOfSocket` before the first byte is sent.
 */
export function enrolmentTlsClient(): ConnectionOptions {
  return { ...pinned(false), rejectUnauthorized: false, checkServerIdentity: () => undefined }
}
