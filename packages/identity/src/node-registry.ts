import type { DatabaseSync } from 'node:sqlite'
import { parseNodeId, type NodeId } from '@x0t/core'
import type { HybridPublicKeys } from '@x0t/keys'
import type { IssuedSvid } from './authority.ts'
import { inTransaction } from './state-database.ts'

/** A node that the authority has admitted: it may renew for ever, unless banned. */
export interface KnownNode {
  readonly nodeId: NodeId
  readonly name: string
  readonly publicKeys: HybridPublicKeys
  readonly enrolledAtMs: number
  /** The token it joined with; undefined for the node that made the authority. */
  readonly tokenId: string | undefined
  /** The last SVID issued to it. */
  readonly svid:
    | { readonly issuedAtMs: number; readonly notAfterMs: number; readonly serial: Uint8Array }
    | undefined
}

/** The nodes that an authority knows. */
export interface NodeRegistry {
  /** Adds a node, or changes the name of one that is there. */
  add(node: Omit<KnownNode, 'svid'>): void
  find(nodeId: NodeId): KnownNode | undefined
  noteSvid(svid: IssuedSvid, issuedAtMs: number): void
  /** Forgets a node and revokes the token it came with: it needs another to come back. False if it was not there. */
  remove(nodeId: NodeId, nowMs: number): boolean
  list(): readonly KnownNode[]
}

/** Nodes in the state database. */
export function createNodeRegistry(database: DatabaseSync): NodeRegistry {
  const insert = database.prepare(
    `INSERT INTO nodes (node_id, name, ed25519, mldsa65, enrolled_at_ms, token_id) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (node_id) DO UPDATE SET name = excluded.name`,
  )
  const select = database.prepare('SELECT * FROM nodes WHERE node_id = ?')
  const selectAll = database.prepare('SELECT * FROM nodes ORDER BY enrolled_at_ms, node_id')
  const note = database.prepare(
    'UPDATE nodes SET svid_issued_at_ms = ?, svid_not_after_ms = ?, svid_serial = ? WHERE node_id = ?',
  )
  const remove = database.prepare('DELETE FROM nodes WHERE node_id = ?')
  const revokeTokens = database.prepare('UPDATE tokens SET revoked_at_ms = ? WHERE used_by = ?')
  return {
    add({ nodeId, name, publicKeys, enrolledAtMs, tokenId }) {
      const { ed25519PublicRaw, mldsa65PublicRaw } = publicKeys
      insert.run(nodeId, name, ed25519PublicRaw, mldsa65PublicRaw, enrolledAtMs, tokenId ?? null)
    },
    find(nodeId) {
      const row = select.get(nodeId)
      return row && nodeOfRow(row)
    },
    noteSvid: ({ nodeId, notAfterMs, serial }, issuedAtMs) =>
      void note.run(issuedAtMs, notAfterMs, serial, nodeId),
    remove: (nodeId, nowMs) =>
      inTransaction(database, () => {
        revokeTokens.run(nowMs, nodeId)
        return remove.run(nodeId).changes === 1
      }),
    list: () => selectAll.all().map(nodeOfRow),
  }
}

function nodeOfRow(row: Record<string, unknown>): KnownNode {
  const tokenId = row['token_id']
  const serial = row['svid_serial']
  return {
    nodeId: parseNodeId(String(row['node_id'])),
    name: String(row['name']),
    publicKeys: {
      ed25519PublicRaw: new Uint8Array(row['ed25519'] as Uint8Array),
      mldsa65PublicRaw: new Uint8Array(row['mldsa65'] as Uint8Array),
    },
    enrolledAtMs: Number(row['enrolled_at_ms']),
    tokenId: typeof tokenId === 'string' ? tokenId : undefined,
    svid:
      serial instanceof Uint8Array
        ? {
            issuedAtMs: Number(row['svid_issued_at_ms']),
            notAfterMs: Number(row['svid_not_after_ms']),
            serial: new Uint8Array(serial),
          }
        : undefined,
  }
}
