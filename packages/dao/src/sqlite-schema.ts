import { closeSync, constants, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { hasCode, messageOf, X0tError } from '@x0t/core'

const schemaVersion = 1

// `num` grows in the order of commits (one writer at a time), so that a reader finds what is new by it.
const schema = `
  CREATE TABLE records (
    num INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    author TEXT NOT NULL,
    lane TEXT NOT NULL,
    seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    envelope BLOB NOT NULL
  ) STRICT;
  CREATE INDEX records_by_place ON records (author, lane, seq);
  CREATE TABLE authors (author TEXT PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
  CREATE TRIGGER count_records AFTER INSERT ON records BEGIN
    INSERT INTO authors VALUES (new.author, 1, new.bytes)
      ON CONFLICT DO UPDATE SET records = records + 1, bytes = bytes + new.bytes;
  END;
`

/**
 * Opens the file of a record store: mode 0600 if it is new (its WAL gets the same), each commit on the disk before it
 * returns, so that a killed writer leaves all or nothing of a transaction and the next one needs no repair.
 * @throws X0tError DAO_STORE_DAMAGED, DAO_STORE_NEWER, DAO_STORE_FAILED
 */
export function openRecordDatabase(path: string): DatabaseSync {
  return orStoreError(path, () => {
    if (path !== ':memory:')
      closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600))
    const database = new DatabaseSync(path, { timeout: 10_000 })
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
      inTransaction(database, () => migrate(database, path))
    } catch (error) {
      database.close()
      throw error
    }
    return database
  })
}

function migrate(database: DatabaseSync, path: string): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (found > schemaVersion)
    throw new X0tError(
      'DAO_STORE_NEWER',
      `the records in ${path} have version ${found}; this x0t knows ${schemaVersion}`,
    )
  if (found === 0) database.exec(`${schema}; PRAGMA user_version = ${schemaVersion}`)
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

// Primary result codes of SQLite: SQLITE_CORRUPT, SQLITE_NOTADB.
const damageCodes = [11, 26]

/** Runs `work`; what SQLite or the file system reports becomes an error of the store. */
export function orStoreError<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw asStoreError(path, error)
  }
}

function asStoreError(path: string, error: unknown): unknown {
  const isSqlite = hasCode(error, 'ERR_SQLITE_ERROR')
  if (!isSqlite && !(error instanceof Error && 'syscall' in error)) return error
  const primary = isSqlite && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  return damageCodes.includes(primary)
    ? damaged(path, messageOf(error), error)
    : new X0tError('DAO_STORE_FAILED', `cannot use the records in ${path}: ${messageOf(error)}`, {
        cause: error,
        hint: 'check free space, permissions and other programs that hold the file; nothing half-written was left',
      })
}

/** What was found where records should be. */
export function damaged(path: string, found: string, cause?: unknown): X0tError {
  return new X0tError('DAO_STORE_DAMAGED', `the records in ${path} are damaged: ${found}`, {
    cause,
    hint: 'move the file away and import a bundle of another member: x0t dao import',
  })
}
