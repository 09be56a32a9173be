import type { NodeId } from '@x0t/core'

/** AEADs of the data plane: both with 32-byte keys, 12-byte nonces and 16-byte tags. */
export const suites = ['aes-256-gcm', 'chacha20-poly1305'] as const
export type Suite = (typeof suites)[number]

export const keyBytes = 32
export const saltBytes = 4

/** SPIs below are reserved (RFC 4303 §2.1). */
export const minSpi = 256
export const maxSpi = 0xffff_ffff

/** Which of the two started the handshake. */
export type Role = 'initiator' | 'responder'

/**
 * Keys and names of one pair of one-way flows between two members (RFC 4301 §4.1), made by one handshake.
 * Times are milliseconds of the node's monotonic clock. Keys are overwritten once the association is retired.
 */
export interface SecurityAssociation {
  readonly peer: NodeId
  readonly role: Role
  readonly suite: Suite
  /** Under this SPI we receive. */
  readonly localSpi: number
  /** Under this SPI the peer receives. */
  readonly remoteSpi: number
  readonly sendKey: Uint8Array<ArrayBuffer>
  readonly sendSalt: Uint8Array<ArrayBuffer>
  readonly receiveKey: Uint8Array<ArrayBuffer>
  readonly receiveSalt: Uint8Array<ArrayBuffer>
  readonly createdAtMs: number
  readonly renewAtMs: number
  readonly expiresAtMs: number
}

/** Overwrites the keys. */
export function eraseKeys(sa: SecurityAssociation): void {
  for (const secret of [sa.sendKey, sa.sendSalt, sa.receiveKey, sa.receiveSalt]) secret.fill(0)
}
