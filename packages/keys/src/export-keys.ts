import { X0tError } from '@x0t/core'
import { sealToArmor, type AgeProtection } from './age-file.ts'
import { ageIdentityOf, ageRecipientOf } from './age-identity.ts'
import { keyAlgorithms, type KeyAlgorithm } from './algorithm.ts'
import { encryptPkcs8 } from './encrypted-pkcs8.ts'
import { keySeed } from './identity.ts'
import { encodePrivateJwk } from './jwk.ts'
import { encodePkcs8, encodePrivateKeyPem, type PrivateKeySeed } from './private-key-format.ts'
import type { OpenedKeyFile } from './open-key-file.ts'

/** Formats that other programs read: PKCS#8 PEM (OpenSSL), JWK, age identity. */
export const exportFormats = ['pkcs8', 'jwk', 'age'] as const

export type ExportFormat = (typeof exportFormats)[number]

/** One file of an export. */
export interface ExportedKey {
  readonly key: KeyAlgorithm | 'age'
  /** Ending of the file name: `ed25519.pem`, `ed25519.jwk`, `age`, with `.age` after it where age encrypted it. */
  readonly suffix: string
  readonly content: string
}

/**
 * Private keys in a format of other programs. With a passphrase PKCS#8 is encrypted as PBES2 with scrypt, the other
 * formats become age files; with recipients all become age files; with `none` they are as readable as the file is.
 * @param only one of the keys of an identity; all by default
 * @throws X0tError KEY_IS_PUBLIC, KEY_INVALID (the file has no such key)
 */
export async function exportKeys(
  opened: OpenedKeyFile,
  format: ExportFormat,
  protection: AgeProtection | 'none',
  only?: KeyAlgorithm,
): Promise<readonly ExportedKey[]> {
  if (opened.kind === 'public-identity' || opened.kind === 'public-key')
    throw new X0tError('KEY_IS_PUBLIC', 'the file holds public keys only, a private one is needed')
  if (format === 'age') {
    if (opened.kind !== 'identity')
      throw new X0tError('KEY_INVALID', 'only an identity has an age key, not a single private key')
    const { masterSeed, epoch } = opened.stored
    const text = `# public key: ${ageRecipientOf(masterSeed, epoch)}\n${ageIdentityOf(masterSeed, epoch)}\n`
    return [await sealed('age', 'age-identity', text, protection)]
  }
  const keys = selectKeys(opened, only)
  try {
    return await Promise.all(keys.map(async (key) => await exportKey(key, format, protection)))
  } finally {
    for (const key of keys) key.seed.fill(0)
  }
}

async function exportKey(
  key: PrivateKeySeed,
  format: 'pkcs8' | 'jwk',
  protection: AgeProtection | 'none',
): Promise<ExportedKey> {
  const { algorithm } = key
  if (format === 'jwk')
    return await sealed(
      algorithm,
      `${algorithm}.jwk`,
      `${JSON.stringify(encodePrivateJwk(key))}\n`,
      protection,
    )
  const suffix = `${algorithm}.pem`
  if (protection === 'none' || !('passphrase' in protection))
    return await sealed(algorithm, suffix, encodePrivateKeyPem(key), protection)
  const der = encodePkcs8(key)
  try {
    return { key: algorithm, suffix, content: encryptPkcs8(der, protection.passphrase) }
  } finally {
    der.fill(0)
  }
}

async function sealed(
  key: ExportedKey['key'],
  suffix: string,
  text: string,
  protection: AgeProtection | 'none',
): Promise<ExportedKey> {
  if (protection === 'none') return { key, suffix, content: text }
  const bytes = Buffer.from(text)
  try {
    return { key, suffix: `${suffix}.age`, content: await sealToArmor(bytes, protection) }
  } finally {
    bytes.fill(0)
  }
}

function selectKeys(
  opened: Extract<OpenedKeyFile, { kind: 'identity' | 'private-key' }>,
  only: KeyAlgorithm | undefined,
): PrivateKeySeed[] {
  if (opened.kind === 'private-key') {
    if (only !== undefined && only !== opened.key.algorithm)
      throw new X0tError('KEY_INVALID', `the file holds a key of ${opened.key.algorithm}, not of ${only}`)
    return [opened.key]
  }
  const { masterSeed, epoch } = opened.stored
  return (only === undefined ? keyAlgorithms : [only]).map((algorithm) => ({
    algorithm,
    seed: keySeed(masterSeed, algorithm, epoch),
  }))
}
