import { createPrivateKey } from 'node:crypto'
import { X0tError, hasCode, messageOf } from '@x0t/core'
import { readSecretFile, writeSecretFile } from '@x0t/keys'
import { restoreAuthority, type Authority } from './authority.ts'
import { certificatePem, certificatesOfPem } from './pem.ts'

/**
 * Writes key (PKCS#8, RFC 9881 seed form) and certificate of an authority into one PEM file of mode 0600: both or
 * nothing. OpenSSL 3.5 reads it.
 * @throws X0tError KEY_EXISTS if there is one: an authority is never replaced by mistake
 */
export async function writeAuthorityFile(path: string, authority: Authority): Promise<void> {
  const key = authority.privateKey.export({ type: 'pkcs8', format: 'pem' })
  await writeSecretFile(path, key + certificatePem(authority.certificateDer))
}

/**
 * Reads the authority from its file; undefined where there is none, as on every node but the first.
 * @throws X0tError STATE_DAMAGED, AUTHORITY_MISMATCH, KEY_MODE_TOO_OPEN
 */
export async function readAuthorityFile(path: string): Promise<Authority | undefined> {
  let pem: string
  try {
    pem = (await readSecretFile(path)).toString('latin1')
  } catch (error) {
    if (hasCode(error, 'KEY_NOT_FOUND')) return undefined
    throw error
  }
  const [certificateDer, ...more] = certificatesOfPem(pem)
  if (!certificateDer || more.length > 0)
    throw new X0tError(
      'STATE_DAMAGED',
      `${path} holds ${more.length === 0 ? 'no' : 'more than one'} certificate`,
    )
  return restoreAuthority({ seed: seedOfPem(path, pem), certificateDer })
}

function seedOfPem(path: string, pem: string): Uint8Array {
  try {
    return createPrivateKey(pem).export({ format: 'raw-seed' })
  } catch (error) {
    throw new X0tError('STATE_DAMAGED', `${path} holds no ML-DSA-65 key with its seed: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
