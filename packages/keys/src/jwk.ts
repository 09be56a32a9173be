import { X0tError } from '@x0t/core'
import { algorithms, keyAlgorithms, type KeyAlgorithm } from './algorithm.ts'
import { nativeBackend } from './native-backend.ts'
import type { PrivateKeySeed } from './private-key-format.ts'
import { checkedPublicKey, type PublicKeyBytes } from './public-key-format.ts'

/** A JSON Web Key: `OKP` for the curves (RFC 8037), `AKP` for the lattices (draft-ietf-cose-dilithium). */
export type Jwk =
  | { readonly kty: 'OKP'; readonly crv: string; readonly x: string; readonly d?: string }
  | { readonly kty: 'AKP'; readonly alg: string; readonly pub: string; readonly priv?: string }

/** The public key as JWK. */
export function encodePublicJwk({ algorithm, raw }: PublicKeyBytes): Jwk {
  const name = algorithms[algorithm].jwkName
  const text = Buffer.from(raw).toString('base64url')
  return isCurve(algorithm) ? { kty: 'OKP', crv: name, x: text } : { kty: 'AKP', alg: name, pub: text }
}

/** The private key as JWK; its secret member is the seed. */
export function encodePrivateJwk({ algorithm, seed }: PrivateKeySeed): Jwk {
  const publicJwk = encodePublicJwk({ algorithm, raw: nativeBackend[algorithm].publicKey(seed) })
  const secret = Buffer.from(seed).toString('base64url')
  return publicJwk.kty === 'OKP' ? { ...publicJwk, d: secret } : { ...publicJwk, priv: secret }
}

/**
 * Reads a public JWK; members that x0t does not know (`use`, `kid`) are passed over, secret ones are not.
 * @throws X0tError KEY_IS_PRIVATE, KEY_INVALID, KEY_ALGORITHM_UNKNOWN
 */
export function decodePublicJwk(value: unknown): PublicKeyBytes {
  const { algorithm, fields, names } = membersOf(value)
  if (fields[names.secret] !== undefined)
    throw new X0tError('KEY_IS_PRIVATE', 'the JWK holds a private key, a public one is expected')
  return checkedPublicKey(algorithm, base64Url(fields[names.public], algorithms[algorithm].publicBytes))
}

/** Reads a private JWK and checks that its halves belong together. @throws X0tError KEY_IS_PUBLIC, KEY_INVALID, KEY_ALGORITHM_UNKNOWN */
export function decodePrivateJwk(value: unknown): PrivateKeySeed {
  const { algorithm, fields, names } = membersOf(value)
  if (fields[names.secret] === undefined)
    throw new X0tError('KEY_IS_PUBLIC', 'the JWK holds a public key only, a private one is needed')
  const seed = base64Url(fields[names.secret], algorithms[algorithm].seedBytes)
  const claimed = base64Url(fields[names.public], algorithms[algorithm].publicBytes)
  if (!claimed.equals(nativeBackend[algorithm].publicKey(seed)))
    throw new X0tError('KEY_INVALID', 'the public and the private half of the JWK do not belong together')
  return { algorithm, seed: Uint8Array.from(seed) }
}

interface Members {
  readonly algorithm: KeyAlgorithm
  readonly fields: Readonly<Record<string, unknown>>
  readonly names: { readonly public: string; readonly secret: string }
}

function membersOf(value: unknown): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new X0tError('KEY_INVALID', 'this is no JWK: it is not a JSON object')
  const fields = value as Record<string, unknown>
  const curve = fields['kty'] === 'OKP'
  if (!curve && fields['kty'] !== 'AKP')
    throw new X0tError(
      'KEY_ALGORITHM_UNKNOWN',
      'the JWK is of a kind that x0t does not use; known are OKP and AKP',
    )
  const name = fields[curve ? 'crv' : 'alg']
  const algorithm = keyAlgorithms.find(
    (known) => isCurve(known) === curve && algorithms[known].jwkName === name,
  )
  if (algorithm === undefined)
    throw new X0tError('KEY_ALGORITHM_UNKNOWN', 'the JWK is of an algorithm that x0t does not use')
  return {
    algorithm,
    fields,
    names: curve ? { public: 'x', secret: 'd' } : { public: 'pub', secret: 'priv' },
  }
}

function base64Url(value: unknown, length: number): Buffer {
  const bytes =
    typeof value === 'string' && value.length <= 4096 ? Buffer.from(value, 'base64url') : Buffer.alloc(0)
  if (bytes.length !== length || bytes.toString('base64url') !== value)
    throw new X0tError('KEY_INVALID', `a member of the JWK is not the base64url of ${length} bytes`)
  return bytes
}

function isCurve(algorithm: KeyAlgorithm): boolean {
  return algorithm === 'ed25519' || algorithm === 'x25519'
}
