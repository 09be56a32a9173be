import { createCipheriv, createPrivateKey, randomBytes, scryptSync, type KeyObject } from 'node:crypto'
import { hasCode, X0tError } from '@x0t/core'
import { derValue, isWholeSequence } from './der.ts'
import { encodePem } from './pem.ts'

// Object identifiers, DER: PBES2 (RFC 8018), scrypt (RFC 7914), AES-256-CBC.
const pbes2 = Buffer.from('06092a864886f70d01050d', 'hex')
const scrypt = Buffer.from('06092b06010401da47040b', 'hex')
const aes256Cbc = Buffer.from('060960864801650304012a', 'hex')

// OpenSSL and Node refuse N = 32768: both cap scrypt at 32 MiB.
const cost = { N: 16_384, r: 8, p: 1 }

/**
 * PKCS#8 encrypted for other programs: PBES2 with scrypt (N = 16384, r = 8, p = 1) and AES-256-CBC, in PEM.
 * Node's own export would use PBKDF2 with 2048 rounds, far too few against guessing.
 * @throws X0tError KEY_PASSPHRASE_NEEDED for an empty passphrase
 */
export function encryptPkcs8(pkcs8: Uint8Array, passphrase: string): string {
  if (passphrase === '') throw new X0tError('KEY_PASSPHRASE_NEEDED', 'the passphrase is empty')
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const key = scryptSync(passphrase, salt, 32, { ...cost, maxmem: 64 * 1024 * 1024 })
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const encrypted = Buffer.concat([cipher.update(pkcs8), cipher.final()])
  key.fill(0)
  const parameters = derValue(
    0x30,
    derValue(0x04, salt),
    derValue(0x02, Uint8Array.of(cost.N >> 8, cost.N & 0xff)),
    derValue(0x02, Uint8Array.of(cost.r)),
    derValue(0x02, Uint8Array.of(cost.p)),
    derValue(0x02, Uint8Array.of(32)),
  )
  const derivation = derValue(0x30, scrypt, parameters)
  const encryption = derValue(0x30, aes256Cbc, derValue(0x04, iv))
  const scheme = derValue(0x30, pbes2, derValue(0x30, derivation, encryption))
  return encodePem('ENCRYPTED PRIVATE KEY', derValue(0x30, scheme, derValue(0x04, encrypted)))
}

/**
 * Opens encrypted PKCS#8 of any scheme that OpenSSL reads.
 * @throws X0tError KEY_PASSPHRASE_NEEDED, KEY_PASSPHRASE_WRONG, KEY_INVALID
 */
export function decryptPkcs8(der: Uint8Array, passphrase: string | undefined): KeyObject {
  if (passphrase === undefined)
    throw new X0tError('KEY_PASSPHRASE_NEEDED', 'the private key is encrypted and no passphrase was given', {
      hint: 'run it in a terminal, or use --passphrase-file',
    })
  if (!isWholeSequence(der))
    throw new X0tError('KEY_INVALID', 'the encrypted private key is cut off or has bytes after it')
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8', passphrase })
  } catch (error) {
    // CBC has no authentication: a wrong passphrase may also show as content that is no key.
    if (
      hasCode(error, 'ERR_OSSL_EVP_MEMORY_LIMIT_EXCEEDED') ||
      hasCode(error, 'ERR_OSSL_ASN1_HEADER_TOO_LONG')
    )
      throw new X0tError('KEY_INVALID', 'the encrypted private key asks for more memory than is allowed', {
        cause: error,
      })
    throw new X0tError('KEY_PASSPHRASE_WRONG', 'the passphrase does not open the private key', {
      cause: error,
    })
  }
}
