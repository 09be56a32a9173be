import { X0tError } from '@x0t/core'

/** Public keys of a signer, raw. */
export interface SigningKeys {
  readonly ed25519PublicRaw: Uint8Array
  readonly mldsa65PublicRaw: Uint8Array
}

/** SHA-512 of what is signed, 128 hexadecimal digits each. */
export interface ObjectDigest {
  readonly object: string
  /** Absent if the object was signed alone. */
  readonly manifest: string | undefined
}

/** The content of a file `<object file>.sig`. */
export interface SignatureFile extends ObjectDigest {
  readonly keyId: string
  readonly keys: SigningKeys
  /** ML-DSA-65 signature ‖ Ed25519 signature. */
  readonly signature: Uint8Array
}

export const signatureFormat = 'x0t.bpf-signature/1'
export const signatureAlgorithm = 'ML-DSA-65+Ed25519'

// FIPS 204, table 2; RFC 8032.
const mldsa65PublicBytes = 1952
const mldsa65SignatureBytes = 3309
const ed25519PublicBytes = 32
const ed25519SignatureBytes = 64
/** A file has about 7.7 KB. */
const maxTextLength = 16_384

/** The one text that a signature has. */
export function formatSignature({ keyId, keys, object, manifest, signature }: SignatureFile): string {
  const file = {
    format: signatureFormat,
    algorithm: signatureAlgorithm,
    keyId,
    objectSha512: object,
    manifestSha512: manifest ?? null,
    keys: {
      mldsa65: base64(keys.mldsa65PublicRaw),
      ed25519: base64(keys.ed25519PublicRaw),
    },
    signatures: {
      mldsa65: base64(signature.subarray(0, mldsa65SignatureBytes)),
      ed25519: base64(signature.subarray(mldsa65SignatureBytes)),
    },
  }
  return `${JSON.stringify(file, undefined, 2)}\n`
}

/** Reads exactly what {@link formatSignature} writes. @throws X0tError BPF_SIGNATURE_INVALID */
export function parseSignature(text: string): SignatureFile {
  if (text.length > maxTextLength) throw malformed(`it has ${text.length} characters`)
  const file = objectAt(jsonOf(text), 'the file')
  if (file['format'] !== signatureFormat) throw malformed(`its format is not ${signatureFormat}`)
  if (file['algorithm'] !== signatureAlgorithm) throw malformed(`its algorithm is not ${signatureAlgorithm}`)
  const keys = objectAt(file['keys'], 'keys')
  const signatures = objectAt(file['signatures'], 'signatures')
  const manifest = file['manifestSha512']
  const parsed: SignatureFile = {
    keyId: textAt(file, 'keyId', /^[a-z2-7]{52}$/),
    object: textAt(file, 'objectSha512', digestPattern),
    manifest: manifest === null ? undefined : textAt(file, 'manifestSha512', digestPattern),
    keys: {
      mldsa65PublicRaw: bytesAt(keys, 'mldsa65', mldsa65PublicBytes),
      ed25519PublicRaw: bytesAt(keys, 'ed25519', ed25519PublicBytes),
    },
    signature: Buffer.concat([
      bytesAt(signatures, 'mldsa65', mldsa65SignatureBytes),
      bytesAt(signatures, 'ed25519', ed25519SignatureBytes),
    ]),
  }
  // No field twice, none more, no other way to write it: two readers never see two things in one file.
  if (formatSignature(parsed) !== text) throw malformed('it is not written the one way that it can be')
  return parsed
}

const digestPattern = /^[0-9a-f]{128}$/

type Fields = Readonly<Record<string, unknown>>

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformed('it is no JSON', error)
  }
}

function objectAt(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null) throw malformed(`${name} is no object`)
  return value as Fields
}

function textAt(fields: Fields, name: string, pattern: RegExp): string {
  const value = fields[name]
  if (typeof value !== 'string' || !pattern.test(value))
    throw malformed(`${name} is not of the form ${pattern.source}`)
  return value
}

function bytesAt(fields: Fields, name: string, length: number): Uint8Array {
  const value = fields[name]
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined
  if (bytes?.length !== length) throw malformed(`${name} is not ${length} bytes in base64`)
  return bytes
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function malformed(why: string, cause?: unknown): X0tError {
  return new X0tError('BPF_SIGNATURE_INVALID', `this is no signature of an object: ${why}`, { cause })
}
