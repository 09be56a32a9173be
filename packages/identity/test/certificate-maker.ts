import { createHash, createPublicKey } from 'node:crypto'
import { KeyUsageFlags, id_kp_clientAuth, id_kp_serverAuth, type Extension } from '@peculiar/asn1-x509'
import type { Clock, Random } from '@x0t/core'
import { createIdentity, privateKeyFromSeed, rawPublicKey, type Identity } from '@x0t/keys'
import { encodeHostKey, signHostKey } from '../src/host-key-extension.ts'
import { nodeSpiffeId } from '../src/spiffe-id.ts'
import { extensionOf, keyIdOf, signCertificate } from '../src/sign-certificate.ts'

/** Noon of 1 May 2027, UTC. */
export const nowMs = Date.UTC(2027, 4, 1, 12)
export const hourMs = 3_600_000

export function clockAt(ms: number): Pick<Clock, 'wallMs'> {
  return { wallMs: () => ms }
}

/** SHA-256 of seed and counter: the same bytes in every run. */
export function seededRandom(seed: string): Random {
  let counter = 0
  return {
    bytes(length) {
      const out = new Uint8Array(length)
      for (let at = 0; at < length; at += 32) {
        const block = createHash('sha256').update(`${seed} ${counter++}`).digest()
        out.set(block.subarray(0, Math.min(32, length - at)), at)
      }
      return out
    },
  }
}

export function identityOf(name: string): Identity {
  return createIdentity(createHash('sha256').update(name).digest())
}

/** A key that may issue certificates, with its name. */
export function issuerOf(seed: string, name = seed) {
  const privateKey = privateKeyFromSeed('mldsa65', createHash('sha256').update(seed).digest())
  const publicRaw = rawPublicKey(createPublicKey(privateKey))
  return { privateKey, publicRaw, name, keyId: keyIdOf(publicRaw) }
}
export type Issuer = ReturnType<typeof issuerOf>

type ExtensionSet = Record<string, Extension | undefined>

interface Changes {
  readonly notBeforeMs?: number
  readonly notAfterMs?: number
  readonly subject?: string
  readonly issuerName?: string
  /** Replaces, adds, or (undefined) takes away extensions. */
  readonly extensions?: ExtensionSet
}

/** A signing certificate that keeps every rule, with changes. */
export function signingCertificate(
  issuer: Issuer,
  subject: Issuer = issuer,
  changes: Changes = {},
): Uint8Array<ArrayBuffer> {
  const extensions: ExtensionSet = {
    basicConstraints: extensionOf.basicConstraints(true, issuer === subject ? undefined : 0),
    keyUsage: extensionOf.keyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign),
    uris: extensionOf.uris(['spiffe://home.x0t'], false),
    subjectKeyId: extensionOf.subjectKeyId(subject.keyId),
    authorityKeyId: extensionOf.authorityKeyId(issuer.keyId),
    ...changes.extensions,
  }
  return signCertificate(
    {
      serial: Uint8Array.of(1, 2, 3),
      issuer: changes.issuerName ?? issuer.name,
      subject: subject.name,
      notBeforeMs: changes.notBeforeMs ?? nowMs - 24 * hourMs,
      notAfterMs: changes.notAfterMs ?? nowMs + 24 * hourMs,
      mldsa65PublicRaw: subject.publicRaw,
      extensions: Object.values(extensions).filter((extension) => extension !== undefined),
    },
    issuer.privateKey,
  )
}

/** The SVID of a node that keeps every rule, with changes. */
export function leafCertificate(
  issuer: Issuer,
  identity: Identity,
  changes: Changes = {},
): Uint8Array<ArrayBuffer> {
  const publicRaw = identity.mldsa65.publicRaw
  const hostKey = { ed25519PublicRaw: identity.ed25519.publicRaw, signature: signHostKey(identity) }
  const extensions: ExtensionSet = {
    basicConstraints: extensionOf.basicConstraints(false),
    keyUsage: extensionOf.keyUsage(KeyUsageFlags.digitalSignature),
    extendedKeyUsage: extensionOf.extendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth]),
    uris: extensionOf.uris([nodeSpiffeId('home.x0t', identity.nodeId)], true),
    subjectKeyId: extensionOf.subjectKeyId(keyIdOf(publicRaw)),
    authorityKeyId: extensionOf.authorityKeyId(issuer.keyId),
    hostKey: extensionOf.hostKey(encodeHostKey(hostKey)),
    ...changes.extensions,
  }
  return signCertificate(
    {
      serial: Uint8Array.of(4, 5, 6),
      issuer: changes.issuerName ?? issuer.name,
      subject: changes.subject ?? '',
      notBeforeMs: changes.notBeforeMs ?? nowMs - hourMs,
      notAfterMs: changes.notAfterMs ?? nowMs + hourMs,
      mldsa65PublicRaw: publicRaw,
      extensions: Object.values(extensions).filter((extension) => extension !== undefined),
    },
    issuer.privateKey,
  )
}
