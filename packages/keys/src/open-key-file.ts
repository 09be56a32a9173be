import { X0tError } from '@x0t/core'
import { readIdentityFile, type ReadIdentityOptions, type StoredIdentity } from './identity-file.ts'
import { inspectKeyText } from './inspect-file.ts'
import { decodePrivateJwk, decodePublicJwk } from './jwk.ts'
import { decodePrivateKeyPem, type PrivateKeySeed } from './private-key-format.ts'
import { parsePublicIdentity, type PublicIdentity } from './public-identity.ts'
import { decodePublicKeyPem, type PublicKeyBytes } from './public-key-format.ts'
import { readPublicFile, readSecretFile } from './secret-file.ts'

/** A key file of any kind, opened. */
export type OpenedKeyFile =
  | { readonly kind: 'identity'; readonly stored: StoredIdentity }
  | { readonly kind: 'public-identity'; readonly publicIdentity: PublicIdentity; readonly text: string }
  | { readonly kind: 'private-key'; readonly key: PrivateKeySeed }
  | { readonly kind: 'public-key'; readonly key: PublicKeyBytes }

/**
 * Opens a key file of any kind that x0t writes or reads. Files with secrets must be closed to group and others.
 * @throws X0tError with the codes of the formats, and KEY_INVALID for a file that holds no key
 */
export async function openKeyFile(path: string, options: ReadIdentityOptions = {}): Promise<OpenedKeyFile> {
  const text = (await readPublicFile(path)).toString('utf8')
  const { kind } = inspectKeyText(text)
  switch (kind) {
    case 'identity':
    case 'encrypted-file':
      return { kind: 'identity', stored: await readIdentityFile(path, options) }
    case 'public-identity':
      return { kind, publicIdentity: parsePublicIdentity(text), text }
    case 'public-key':
      return { kind, key: isJson(text) ? decodePublicJwk(JSON.parse(text)) : decodePublicKeyPem(text) }
    case 'private-key':
    case 'encrypted-private-key':
      return {
        kind: 'private-key',
        key: await openPrivateKey(path, kind === 'encrypted-private-key', options),
      }
    default:
      throw new X0tError('KEY_INVALID', `${path} is a ${kind}, not a key`)
  }
}

async function openPrivateKey(
  path: string,
  encrypted: boolean,
  { passphrase }: ReadIdentityOptions,
): Promise<PrivateKeySeed> {
  const content = await readSecretFile(path)
  try {
    const text = content.toString('utf8')
    if (isJson(text)) return decodePrivateJwk(JSON.parse(text))
    if (!encrypted || passphrase === undefined) return decodePrivateKeyPem(text)
    return decodePrivateKeyPem(text, typeof passphrase === 'string' ? passphrase : await passphrase())
  } finally {
    content.fill(0)
  }
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith('{')
}
