import { sign, verify } from 'node:crypto'
import { publicKeyFromRaw, type Identity } from '@x0t/keys'

/** The Ed25519 key of a node and its signature over the SPKI of the node's ML-DSA-65 key. */
export interface HostKey {
  readonly ed25519PublicRaw: Uint8Array
  readonly signature: Uint8Array
}

// libp2p TLS specification: SignedKey ::= SEQUENCE { publicKey OCTET STRING, signature OCTET STRING }, where publicKey
// is the protobuf { type: Ed25519 = 1, data } and the signature covers this text followed by the SPKI.
const signedText = Buffer.from('libp2p-tls-handshake:')
// All lengths are fixed, so the DER is a template: SEQUENCE (104), OCTET STRING (36), protobuf 08 01 12 20.
const head = Buffer.from('3068042408011220', 'hex')
const middle = Buffer.from('0440', 'hex')
const keyBytes = 32
const signatureBytes = 64
const totalBytes = head.length + keyBytes + middle.length + signatureBytes

/**
 * Signs the SPKI of the node's ML-DSA-65 key with its Ed25519 key. The authority puts the result into the SVID;
 * it can be made once and used for every SVID of these keys.
 * @returns 64 bytes
 */
export function signHostKey(identity: Pick<Identity, 'ed25519' | 'mldsa65'>): Uint8Array<ArrayBuffer> {
  const spkiDer = identity.mldsa65.publicKey.export({ type: 'spki', format: 'der' })
  return new Uint8Array(sign(null, Buffer.concat([signedText, spkiDer]), identity.ed25519.privateKey))
}

/** True if `hostKey` signs this SPKI; false for keys and signatures of the wrong length too. */
export function verifyHostKey(hostKey: HostKey, spkiDer: Uint8Array): boolean {
  if (hostKey.ed25519PublicRaw.length !== keyBytes || hostKey.signature.length !== signatureBytes)
    return false
  const key = publicKeyFromRaw('ed25519', hostKey.ed25519PublicRaw)
  return verify(null, Buffer.concat([signedText, spkiDer]), key, hostKey.signature)
}

/** DER of the extension's value. @throws RangeError for a key or signature of the wrong length */
export function encodeHostKey(hostKey: HostKey): Uint8Array<ArrayBuffer> {
  if (hostKey.ed25519PublicRaw.length !== keyBytes || hostKey.signature.length !== signatureBytes)
    throw new RangeError('a host key has 32 bytes and its signature 64')
  return new Uint8Array(Buffer.concat([head, hostKey.ed25519PublicRaw, middle, hostKey.signature]))
}

/** The host key in an extension's value, or undefined where the value is anything else. */
export function decodeHostKey(der: Uint8Array): HostKey | undefined {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.length)
  const middleAt = head.length + keyBytes
  if (bytes.length !== totalBytes || !bytes.subarray(0, head.length).equals(head)) return undefined
  if (!bytes.subarray(middleAt, middleAt + middle.length).equals(middle)) return undefined
  return {
    ed25519PublicRaw: new Uint8Array(bytes.subarray(head.length, middleAt)),
    signature: new Uint8Array(bytes.subarray(middleAt + middle.length)),
  }
}
