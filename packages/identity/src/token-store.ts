import type { DatabaseSync } from 'node:sqlite'
import { isNodeId, type NodeId } from '@x0t/core'
import type { TokenRecord } from './join-token.ts'

/** A token as the authority sees it. */
export interface StoredToken extends TokenRecord {
  readonly usedAtMs: number | undefined
  readonly usedBy: NodeId | undefined
  readonly revokedAtMs: number | undefined
}

/** How an attempt to redeem a token ended; `repeated`: by the node that had used it. */
export type Redemption = 'redeemed' | 'repeated' | 'used' | 'expired' | 'revoked' | 'unknown'

/** The join tokens of an authority. */
export interface TokenStore {
  add(record: TokenRecord): void
  find(id: string): StoredToken | undefined
  /** Uses the token for this node; of several at once exactly one gets it. */
  redeem(id: string, nodeId: NodeId, nowMs: number): Redemption
  /** False if there is no such token that could still be used. */
  revoke(id: string, nowMs: number): boolean
  /** All, the newest first. */
  list(): readonly StoredToken[]
  /** Forgets tokens that ended before `beforeMs`. */
  purge(beforeMs: number): void
}

/** Tokens in the state database. */
export function createTokenStore(database: DatabaseSync): TokenStore {
  const insert = database.prepare(
    'INSERT INTO tokens (id, verifier, created_at_ms, expires_at_ms, name) VALUES (?, ?, ?, ?, ?)',
  )
  const select = database.prepare('SELECT * FROM tokens WHERE id = ?')
  const selectAll = database.prepare('SELECT * FROM tokens ORDER BY created_at_ms DESC, id')
  // One statement judges and marks: two processes cannot both use a token.
  const use = database.prepare(
    `UPDATE tokens SET used_at_ms = ?, used_by = ?
     WHERE id = ? AND used_at_ms IS NULL AND revoked_at_ms IS NULL AND expires_at_ms >= ?`,
  )
  const revoke = database.prepare(
    'UPDATE tokens SET revoked_at_ms = ? WHERE id = ? AND used_at_ms IS NULL AND revoked_at_ms IS NULL',
  )
  const remove = database.prepare('DELETE FROM tokens WHERE expires_at_ms < ?')

  const find = (id: string): StoredToken | undefined => {
    const row = select.get(id)
    return row && tokenOfRow(row)
  }
  return {
    add: ({ id, verifier, createdAtMs, expiresAtMs, name }) =>
      void insert.run(id, verifier, createdAtMs, expiresAtMs, name ?? null),
    find,
    redeem(id, nodeId, nowMs) {
      if (use.run(nowMs, nodeId, id, nowMs).changes === 1) return 'redeemed'
      const token = find(id)
      if (!token) return 'unknown'
      if (token.usedBy !== undefined && token.usedBy !== nodeId) return 'used'
      if (token.revokedAtMs !== undefined) return 'revoked'
      return token.expiresAtMs < nowMs ? 'expired' : 'repeated'
    },
    revoke: (id, nowMs) => revoke.run(nowMs, id).changes === 1,
    list: () => selectAll.all().map(tokenOfRow),
    purge: (beforeMs) => void remove.run(beforeMs),
  }
}

function tokenOfRow(row: Record<string, unknown>): StoredToken {
  const usedBy = row['used_by']
  const name = row['name']
  return {
    id: String(row['id']),
    verifier: new Uint8Array(row['verifier'] as Uint8Array),
    createdAtMs: Number(row['created_at_ms']),
    expiresAtMs: Number(row['expires_at_ms']),
    name: typeof name === 'string' ? name : undefined,
    usedAtMs: optionalNumber(row['used_at_ms']),
    usedBy: typeof usedBy === 'string' && isNodeId(usedBy) ? usedBy : undefined,
    revokedAtMs: optionalNumber(row['revoked_at_ms']),
  }
}

function optionalNumber(value: unknown): number | undefined {
  return value === null ? undefined : Number(value)
}
