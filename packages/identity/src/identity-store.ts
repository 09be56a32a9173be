import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { Authority } from './authority.ts'
import { readAuthorityFile, writeAuthorityFile } from './authority-file.ts'
import { createBanStore, type BanStore } from './ban-list.ts'
import { createNodeRegistry, type NodeRegistry } from './node-registry.ts'
import { createNonceMemory, type NonceMemory } from './nonce-memory.ts'
import { decodeRecord, encodeRecord, recordBytes } from './record.ts'
import { inTransaction, openStateDatabase } from './state-database.ts'
import { createTokenStore, type TokenStore } from './token-store.ts'
import { decodeTrustBundle, encodeTrustBundle, type TrustBundle } from './trust-bundle.ts'

/** The SVID that this node holds, and the bundle to judge others with. Not verified: dates may have passed. */
export interface StoredMembership {
  readonly chainDer: readonly Uint8Array<ArrayBuffer>[]
  readonly bundle: TrustBundle
}

/** What a node keeps of its identity between starts. */
export interface IdentityStore extends AsyncDisposable {
  readonly tokens: TokenStore
  readonly nodes: NodeRegistry
  readonly nonces: NonceMemory
  readonly banStore: BanStore
  /** Undefined before the node has joined. */
  readMembership(): StoredMembership | undefined
  /** Replaces SVID and bundle together. */
  writeMembership(membership: {
    readonly chainDer: readonly Uint8Array[]
    readonly bundle: TrustBundle
  }): void
  /** Undefined on every node but the one that holds the authority. */
  readAuthority(): Promise<Authority | undefined>
  /** @throws X0tError KEY_EXISTS if there is an authority */
  writeAuthority(authority: Authority): Promise<void>
}

const chainSchema = z
  .array(recordBytes({ max: 16_384 }))
  .min(1)
  .max(8)

/**
 * Opens the identity state in `directory` (0700; made if missing): `identity.db`, SQLite in WAL mode, and
 * `authority.pem`. A process killed at any moment leaves the state before or after each change.
 * @throws X0tError STATE_NEWER, STATE_DAMAGED
 */
export async function openIdentityStore(directory: string): Promise<IdentityStore> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'identity.db')
  const authorityPath = join(directory, 'authority.pem')
  // Before SQLite opens it: WAL and shared-memory files take the mode of the database.
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
  const database = openStateDatabase(path)
  return {
    ...storesOf(database),
    readAuthority: () => readAuthorityFile(authorityPath),
    writeAuthority: (authority) => writeAuthorityFile(authorityPath, authority),
    async [Symbol.asyncDispose]() {
      if (database.isOpen) database.close()
    },
  }
}

function storesOf(
  database: DatabaseSync,
): Omit<IdentityStore, 'readAuthority' | 'writeAuthority' | typeof Symbol.asyncDispose> {
  const select = database.prepare('SELECT value FROM own WHERE key = ?')
  const replace = database.prepare('INSERT OR REPLACE INTO own (key, value) VALUES (?, ?)')
  const read = (key: string): Uint8Array | undefined => {
    const value = select.get(key)?.['value']
    return value instanceof Uint8Array ? value : undefined
  }
  return {
    tokens: createTokenStore(database),
    nodes: createNodeRegistry(database),
    nonces: createNonceMemory(database),
    banStore: createBanStore(database),
    readMembership() {
      const [chain, bundle] = [read('chain'), read('bundle')]
      if (!chain || !bundle) return undefined
      const stored = { name: 'stored SVID', code: 'STATE_DAMAGED' }
      return { chainDer: decodeRecord(chain, chainSchema, stored), bundle: decodeTrustBundle(bundle) }
    },
    writeMembership({ chainDer, bundle }) {
      inTransaction(database, () => {
        replace.run('chain', encodeRecord(chainDer))
        replace.run('bundle', encodeTrustBundle(bundle))
      })
    },
  }
}
