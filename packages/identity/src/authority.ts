import { createPublicKey, type KeyObject } from 'node:crypto'
import { KeyUsageFlags, id_kp_clientAuth, id_kp_serverAuth } from '@peculiar/asn1-x509'
import { X0tError, type Clock, type NodeId, type Random } from '@x0t/core'
import {
  nodeIdOfKeys,
  privateKeyFromSeed,
  publicKeyFromRaw,
  rawPublicKey,
  type HybridPublicKeys,
  type Identity,
} from '@x0t/keys'
import { parseCertificate } from './certificate.ts'
import { encodeHostKey, signHostKey, verifyHostKey } from './host-key-extension.ts'
import { extensionOf, keyIdOf, signCertificate } from './sign-certificate.ts'
import { nodeSpiffeId, parseSpiffeId, trustDomainOf } from './spiffe-id.ts'
import { certificateHash, createTrustBundle, type TrustBundle } from './trust-bundle.ts'

/** The signing authority of a mesh. Whoever has the seed owns the mesh: keep it 0600. */
export interface Authority {
  readonly trustDomain: string
  /** 32 bytes, of which the ML-DSA-65 key is made (FIPS 204). */
  readonly seed: Uint8Array<ArrayBuffer>
  readonly privateKey: KeyObject
  readonly certificateDer: Uint8Array<ArrayBuffer>
  /** SHA-256 of the certificate: what join tokens pin. */
  readonly certificateHash: Uint8Array<ArrayBuffer>
  /** The bundle with this authority alone. */
  readonly bundle: TrustBundle
}

/** What the node asks to be certified: both public keys, and the one's signature over the other (`signHostKey`). */
export interface SvidSubject {
  readonly publicKeys: HybridPublicKeys
  readonly hostKeySignature: Uint8Array
}

export interface IssueSvidOptions extends SvidSubject {
  /** Lifetime from now, milliseconds: {@link minSvidTtlMs} to {@link maxSvidTtlMs}. */
  readonly ttlMs: number
  readonly clock: Pick<Clock, 'wallMs'>
  readonly random: Random
}

/** An issued SVID: the chain without the authority, leaf first. */
export interface IssuedSvid {
  readonly nodeId: NodeId
  readonly chainDer: readonly Uint8Array<ArrayBuffer>[]
  readonly serial: Uint8Array<ArrayBuffer>
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

export const defaultSvidTtlMs = 86_400_000
export const minSvidTtlMs = 10_000
export const maxSvidTtlMs = 30 * 86_400_000
/** How far in the past certificates begin, for nodes whose clocks are behind. */
export const backdateMs = 300_000
const authorityLifetimeMs = 20 * 365 * 86_400_000

/**
 * A new authority: ML-DSA-65 key and self-signed certificate for `spiffe://<meshName>.x0t`, valid for 20 years.
 * @throws X0tError MESH_NAME_INVALID
 */
export function createAuthority(options: {
  readonly meshName: string
  readonly random: Random
  readonly clock: Pick<Clock, 'wallMs'>
}): Authority {
  const trustDomain = trustDomainOf(options.meshName)
  const seed = options.random.bytes(32)
  const privateKey = privateKeyFromSeed('mldsa65', seed)
  const publicRaw = rawPublicKey(createPublicKey(privateKey))
  const keyId = keyIdOf(publicRaw)
  const name = `x0t authority of ${trustDomain}`.slice(0, 64)
  const nowMs = options.clock.wallMs()
  const certificateDer = signCertificate(
    {
      serial: randomSerial(options.random),
      issuer: name,
      subject: name,
      notBeforeMs: nowMs - backdateMs,
      notAfterMs: nowMs + authorityLifetimeMs,
      mldsa65PublicRaw: publicRaw,
      extensions: [
        extensionOf.basicConstraints(true, 0),
        extensionOf.keyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign),
        extensionOf.uris([`spiffe://${trustDomain}`], false),
        extensionOf.subjectKeyId(keyId),
        extensionOf.authorityKeyId(keyId),
      ],
    },
    privateKey,
  )
  return restoreAuthority({ seed, certificateDer })
}

/**
 * The authority of a stored seed and certificate.
 * @throws X0tError AUTHORITY_MISMATCH unless they belong together; CERTIFICATE_MALFORMED, BUNDLE_INVALID
 */
export function restoreAuthority(stored: {
  readonly seed: Uint8Array
  readonly certificateDer: Uint8Array
}): Authority {
  const seed = new Uint8Array(stored.seed)
  const certificate = parseCertificate(stored.certificateDer)
  const privateKey = privateKeyFromSeed('mldsa65', seed)
  if (Buffer.compare(rawPublicKey(createPublicKey(privateKey)), certificate.publicKey.raw) !== 0)
    throw new X0tError('AUTHORITY_MISMATCH', "the authority's certificate is of another key than its seed")
  const [uri] = certificate.extensions.subjectAltName?.uris ?? []
  if (uri === undefined)
    throw new X0tError('AUTHORITY_MISMATCH', "the authority's certificate names no trust domain")
  const { trustDomain } = parseSpiffeId(uri)
  return {
    trustDomain,
    seed,
    privateKey,
    certificateDer: certificate.der,
    certificateHash: certificateHash(certificate.der),
    bundle: createTrustBundle(trustDomain, [certificate.der]),
  }
}

/**
 * Issues the SVID of a node. Possession of the keys must have been proven before; that the Ed25519 key signed the
 * ML-DSA-65 key is checked here.
 * @throws X0tError SVID_HYBRID_SIGNATURE; RangeError for a lifetime out of range or keys of the wrong length
 */
export function issueSvid(authority: Authority, options: IssueSvidOptions): IssuedSvid {
  const { publicKeys, hostKeySignature, ttlMs, clock, random } = options
  if (!(ttlMs >= minSvidTtlMs && ttlMs <= maxSvidTtlMs))
    throw new RangeError(`an SVID lives ${minSvidTtlMs} to ${maxSvidTtlMs} ms, not ${ttlMs}`)
  const nodeId = nodeIdOfKeys(publicKeys.ed25519PublicRaw, publicKeys.mldsa65PublicRaw)
  const hostKey = { ed25519PublicRaw: publicKeys.ed25519PublicRaw, signature: hostKeySignature }
  const spkiDer = publicKeyFromRaw('mldsa65', publicKeys.mldsa65PublicRaw).export({
    type: 'spki',
    format: 'der',
  })
  if (!verifyHostKey(hostKey, spkiDer))
    throw new X0tError('SVID_HYBRID_SIGNATURE', 'the Ed25519 key of the node did not sign its ML-DSA-65 key')
  const issuer = authority.bundle.authorities[0]!
  const nowMs = clock.wallMs()
  const der = signCertificate(
    {
      serial: randomSerial(random),
      issuer: `x0t authority of ${authority.trustDomain}`.slice(0, 64),
      subject: '',
      notBeforeMs: nowMs - backdateMs,
      notAfterMs: Math.min(nowMs + ttlMs, issuer.notAfterMs),
      mldsa65PublicRaw: publicKeys.mldsa65PublicRaw,
      extensions: [
        extensionOf.basicConstraints(false),
        extensionOf.keyUsage(KeyUsageFlags.digitalSignature),
        extensionOf.extendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth]),
        extensionOf.uris([nodeSpiffeId(authority.trustDomain, nodeId)], true),
        extensionOf.subjectKeyId(keyIdOf(publicKeys.mldsa65PublicRaw)),
        extensionOf.authorityKeyId(issuer.extensions.subjectKeyId ?? keyIdOf(issuer.publicKey.raw)),
        extensionOf.hostKey(encodeHostKey(hostKey)),
      ],
    },
    authority.privateKey,
  )
  const { serial, notBeforeMs, notAfterMs } = parseCertificate(der)
  return { nodeId, chainDer: [der], serial, notBeforeMs, notAfterMs }
}

/** What a node that holds its keys asks to be certified. */
export function svidSubjectOf(identity: Identity): SvidSubject {
  return {
    publicKeys: {
      ed25519PublicRaw: identity.ed25519.publicRaw,
      mldsa65PublicRaw: identity.mldsa65.publicRaw,
    },
    hostKeySignature: signHostKey(identity),
  }
}

/** 127 random bits: positive and of 16 bytes, the first not zero (RFC 5280 §4.1.2.2). */
function randomSerial(random: Random): Uint8Array<ArrayBuffer> {
  const serial = random.bytes(16)
  serial[0] = (serial[0]! & 0x7f) | 0x40
  return serial
}
