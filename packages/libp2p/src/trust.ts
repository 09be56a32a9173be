import type { ConnectionOptions, TlsOptions, TLSSocket } from 'node:tls'
import type { NodeId } from '@x0t/core'

/** What a verified SVID says about the node at the other end. */
export interface VerifiedPeer {
  readonly nodeId: NodeId
  /** End of the SVID's validity, milliseconds since 1970. */
  readonly notAfterMs: number
  /** Ed25519 host key in the SVID, 32 bytes; the libp2p PeerId is derived from it. */
  readonly ed25519PublicKey: Uint8Array
}

/**
 * What the control plane needs of an identity; `@x0t/identity` has one. The options name key, certificate
 * chain and authorities (`key`, `cert`, `ca`); the TLS profile itself is pinned by this package.
 */
export interface Trust {
  serverTls(): TlsOptions
  clientTls(): ConnectionOptions
  /**
   * Judges the certificate at the other end of a finished handshake: chain, SPIFFE id, both keys, dates, bans.
   * @throws X0tError with the code of the rule that is broken
   */
  verifyPeer(socket: TLSSocket): VerifiedPeer
  /** Asked on its own for live connections, where the SVID of the handshake may have run out and been renewed. */
  isBanned(nodeId: NodeId): boolean
}
