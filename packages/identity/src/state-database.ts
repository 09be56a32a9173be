import { DatabaseSync } from 'node:sqlite'
import { X0tError, messageOf } from '@x0t/core'

const schemaVersion = 1

// Every change is one statement or one transaction, so a killed process leaves the old or the new state.
const schema = `
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    verifier BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER,
    used_by TEXT,
    revoked_at_ms INTEGER,
    name TEXT
  ) STRICT;
  CREATE TABLE nodes (
    node_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    ed25519 BLOB NOT NULL,
    mldsa65 BLOB NOT NULL,
    enrolled_at_ms INTEGER NOT NULL,
    token_id TEXT,
    svid_issued_at_ms INTEGER,
    svid_not_after_ms INTEGER,
    svid_serial BLOB
  ) STRICT;
  CREATE TABLE nonces (nonce BLOB PRIMARY KEY, forget_at_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE bans (node_id TEXT PRIMARY KEY, serial INTEGER NOT NULL, record BLOB NOT NULL) STRICT;
  CREATE TABLE own (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
`

/**
 * Opens the state of `@x0t/identity`: WAL, each commit on the disk before it returns (a used token stays used).
 * @param path file, or `:memory:`
 * @throws X0tError STATE_NEWER, STATE_DAMAGED
 */
export function openStateDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 5000 })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    migrate(database)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof X0tError) throw error
    throw new X0tError('STATE_DAMAGED', `cannot read the identity state ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'restore it from a backup; a node without it joins again with a new token',
    })
  }
}

function migrate(database: DatabaseSync): void {
  inTransaction(database, () => {
    const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (found > schemaVersion)
      throw new X0tError(
        'STATE_NEWER',
        `the identity state has version ${found}; this x0t knows ${schemaVersion}`,
        {
          hint: 'install the newer x0t again',
        },
      )
    if (found === 0) database.exec(`${schema}; PRAGMA user_version = ${schemaVersion}`)
  })
}

/** Runs `work` in one transaction, which waits for other writers first; undone if it throws. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // After a full disk or a read error SQLite has undone it already; the error at hand is the one to tell.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
