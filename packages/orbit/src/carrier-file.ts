import { chmodSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, X0tError } from '@x0t/core'
import type { MemberId, RecordId } from '@x0t/dao'
import type { OrbitStorage } from '@orbitdb/core'

/** Where a record lies in the logs. */
export interface CarriedRecord {
  readonly id: RecordId
  readonly entry: string
  readonly position: number
}

/** Logs on the disk: entries, heads, keys of OrbitDB, and which record lies where. If lost, it is made anew. */
export interface CarrierFile extends Disposable {
  entry(hash: string): Uint8Array | undefined
  /** Address of the log that a kept entry is of. */
  logOf(hash: string): string | undefined
  /** Keeps a checked entry and what it holds, or nothing; idempotent. */
  keepEntry(entry: {
    readonly hash: string
    readonly log: string
    readonly bytes: Uint8Array
    readonly records: readonly {
      readonly id: RecordId
      readonly author: MemberId
      readonly isGood: boolean
    }[]
  }): void
  /** A storage as OrbitDB wants it. */
  storage(space: string): OrbitStorage
  logs(): readonly { readonly address: string; readonly writer: string }[]
  addLog(address: string, writer: string): void
  bytesOfLog(address: string): number
  /** The place of a record whose signatures hold. */
  find(id: RecordId): CarriedRecord | undefined
  /** Records whose signatures hold (`isGood`) or that wait for their author to be known, in the order they came. */
  page(
    isGood: boolean,
    afterRow: number,
    limit: number,
  ): readonly (CarriedRecord & { readonly row: number })[]
  /** Records of an author whose signatures hold. */
  countOf(author: MemberId): number
  markGood(row: number): void
  forget(row: number): void
  totals(): { readonly records: number; readonly waiting: number; readonly bytes: number }
}

const schemaVersion = 1
const schema = `
  CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE logs (address TEXT PRIMARY KEY, writer TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT;
  CREATE TABLE entries (hash TEXT PRIMARY KEY, log TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE records (row INTEGER PRIMARY KEY, id TEXT NOT NULL, author TEXT NOT NULL, entry TEXT NOT NULL,
    position INTEGER NOT NULL, is_good INTEGER NOT NULL, UNIQUE (id, entry)) STRICT;
  CREATE INDEX records_of_kind ON records (is_good, row);
  CREATE INDEX records_of_author ON records (author, is_good, id);
  CREATE TABLE storages (space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (space, key)) STRICT, WITHOUT ROWID;
`

/**
 * Opens the carrier file of a home (0600; SQLite in WAL mode) for one DAO.
 * @param path file, or `:memory:`
 * @throws X0tError ORBIT_FILE_DAMAGED, ORBIT_OTHER_DAO
 */
export function openCarrierFile(path: string, dao: RecordId): CarrierFile {
  const database = open(path, dao)
  const readEntry = database.prepare('SELECT bytes FROM entries WHERE hash = ?')
  const readLogOf = database.prepare('SELECT log FROM entries WHERE hash = ?')
  const writeEntry = database.prepare('INSERT OR IGNORE INTO entries VALUES (?, ?, ?)')
  const growLog = database.prepare('UPDATE logs SET bytes = bytes + ? WHERE address = ?')
  const readLogs = database.prepare('SELECT address, writer FROM logs ORDER BY address')
  const writeLog = database.prepare('INSERT OR IGNORE INTO logs VALUES (?, ?, 0)')
  const readLogBytes = database.prepare('SELECT bytes FROM logs WHERE address = ?')
  const writeRecord = database.prepare(
    'INSERT OR IGNORE INTO records (id, author, entry, position, is_good) VALUES (?, ?, ?, ?, ?)',
  )
  const readRecord = database.prepare(
    'SELECT id, entry, position FROM records WHERE id = ? AND is_good = 1 LIMIT 1',
  )
  const readPage = database.prepare(
    'SELECT row, id, entry, position FROM records WHERE is_good = ? AND row > ? ORDER BY row LIMIT ?',
  )
  const countAuthor = database.prepare(
    'SELECT count(DISTINCT id) AS n FROM records WHERE author = ? AND is_good = 1',
  )
  const setGood = database.prepare('UPDATE records SET is_good = 1 WHERE row = ?')
  const dropRecord = database.prepare('DELETE FROM records WHERE row = ?')
  const countRecords = database.prepare('SELECT count(*) AS n FROM records WHERE is_good = ?')
  const sumBytes = database.prepare('SELECT coalesce(sum(bytes), 0) AS n FROM logs')
  const storages = {
    get: database.prepare('SELECT value FROM storages WHERE space = ? AND key = ?'),
    put: database.prepare('INSERT OR REPLACE INTO storages VALUES (?, ?, ?)'),
    del: database.prepare('DELETE FROM storages WHERE space = ? AND key = ?'),
    all: database.prepare('SELECT key, value FROM storages WHERE space = ?'),
    clear: database.prepare('DELETE FROM storages WHERE space = ?'),
  }
  const counts = new Map<MemberId, number>()
  const placeOf = (row: Record<string, unknown>): CarriedRecord => ({
    id: String(row['id']) as RecordId,
    entry: String(row['entry']),
    position: Number(row['position']),
  })
  return {
    entry: (hash) => readEntry.get(hash)?.['bytes'] as Uint8Array | undefined,
    logOf: (hash) => readLogOf.get(hash)?.['log'] as string | undefined,
    keepEntry({ hash, log, bytes, records }) {
      inTransaction(database, () => {
        if (writeEntry.run(hash, log, bytes).changes === 0) return
        growLog.run(bytes.length, log)
        for (const [position, { id, author, isGood }] of records.entries()) {
          writeRecord.run(id, author, hash, position, isGood ? 1 : 0)
          const count = counts.get(author)
          // A record that lies in two logs counts twice until the next start: the bound is no exact one.
          if (isGood && count !== undefined) counts.set(author, count + 1)
        }
      })
    },
    storage: (space) => ({
      // The index of a log keeps `true` for each hash.
      put: async (key, value) =>
        void storages.put.run(space, key, value instanceof Uint8Array ? value : Uint8Array.of(1)),
      get: async (key) => storages.get.get(space, key)?.['value'] as Uint8Array | undefined,
      del: async (key) => void storages.del.run(space, key),
      async *iterator() {
        for (const row of storages.all.all(space)) yield [String(row['key']), row['value'] as Uint8Array]
      },
      merge: async () => {},
      clear: async () => void storages.clear.run(space),
      close: async () => {},
    }),
    logs: () =>
      readLogs.all().map((row) => ({ address: String(row['address']), writer: String(row['writer']) })),
    addLog: (address, writer) => void writeLog.run(address, writer),
    bytesOfLog: (address) => Number(readLogBytes.get(address)?.['bytes'] ?? 0),
    find(id) {
      const row = readRecord.get(id)
      return row === undefined ? undefined : placeOf(row)
    },
    page: (isGood, afterRow, limit) =>
      readPage
        .all(isGood ? 1 : 0, afterRow, limit)
        .map((row) => ({ ...placeOf(row), row: Number(row['row']) })),
    countOf(author) {
      const known = counts.get(author) ?? Number(countAuthor.get(author)?.['n'])
      counts.set(author, known)
      return known
    },
    markGood: (row) => void setGood.run(row),
    forget: (row) => void dropRecord.run(row),
    totals: () => ({
      records: Number(countRecords.get(1)?.['n']),
      waiting: Number(countRecords.get(0)?.['n']),
      bytes: Number(sumBytes.get()?.['n']),
    }),
    [Symbol.dispose]() {
      if (database.isOpen) database.close()
    },
  }
}

function open(path: string, dao: RecordId): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 5000 })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    if (path !== ':memory:') chmodSync(path, 0o600)
    const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (found > schemaVersion) throw new Error(`it has version ${found}; this x0t knows ${schemaVersion}`)
    if (found === 0) {
      database.exec(`BEGIN; ${schema}; PRAGMA user_version = ${schemaVersion}; COMMIT`)
      database.prepare("INSERT INTO about VALUES ('dao', ?)").run(dao)
    }
    const held = database.prepare("SELECT value FROM about WHERE key = 'dao'").get()?.['value']
    if (held !== dao)
      throw new X0tError('ORBIT_OTHER_DAO', `${path} carries the DAO ${String(held)}, not ${dao}`, {
        hint: `move ${path} away: it is made anew`,
      })
    return database
  } catch (error) {
    database?.close()
    if (error instanceof X0tError) throw error
    throw new X0tError('ORBIT_FILE_DAMAGED', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: `move ${path} away: it is made anew from the records of the home and of the neighbours`,
    })
  }
}

function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
