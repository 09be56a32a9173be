import { chmodSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, X0tError, type Log } from '@x0t/core'
import type { Address } from '@x0t/libp2p'

/**
 * What a node remembers between starts besides its identity. Losing it costs time, not membership: what cannot be
 * written, as on a full disk, is logged and forgotten.
 */
export interface NodeState extends Disposable {
  /** The highest link-state sequence number that may have been used. */
  linkStateSequence(): number
  /** To be called before a number up to `sequence` is used. */
  reserveLinkStateSequence(sequence: number): void
  /** Members' addresses that were reached or told, the latest first. */
  addresses(): readonly Address[]
  rememberAddresses(addresses: readonly Address[], nowMs: number): void
}

const schemaVersion = 1
const maxAddresses = 256

/**
 * Opens the state file (0600; SQLite in WAL mode, so that a killed node starts again without repair).
 * @throws X0tError NODE_STATE_DAMAGED, NODE_STATE_NEWER
 */
export function openNodeState(path: string, log: Log): NodeState {
  const database = open(path)
  const readSequence = database.prepare("SELECT value FROM counters WHERE name = 'link-state'")
  const writeSequence = database.prepare(
    "INSERT INTO counters VALUES ('link-state', ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
  )
  const readAddresses = database.prepare(
    'SELECT host, port FROM addresses ORDER BY seen_at_ms DESC, host, port',
  )
  const writeAddress = database.prepare(
    'INSERT INTO addresses VALUES (?, ?, ?) ON CONFLICT (host, port) DO UPDATE SET seen_at_ms = excluded.seen_at_ms',
  )
  const trim = database.prepare(
    'DELETE FROM addresses WHERE rowid NOT IN (SELECT rowid FROM addresses ORDER BY seen_at_ms DESC LIMIT ?)',
  )
  const tryTo = (write: () => void): void => {
    try {
      write()
    } catch (error) {
      log.warn('state-not-written', { path, reason: messageOf(error) })
    }
  }
  return {
    linkStateSequence: () => Number(readSequence.get()?.['value'] ?? 0),
    reserveLinkStateSequence: (sequence) => tryTo(() => void writeSequence.run(sequence)),
    addresses: () =>
      readAddresses.all().map((row) => ({ host: String(row['host']), port: Number(row['port']) })),
    rememberAddresses(addresses, nowMs) {
      tryTo(() => {
        for (const { host, port } of addresses) writeAddress.run(host, port, Math.round(nowMs))
        trim.run(maxAddresses)
      })
    },
    [Symbol.dispose]() {
      if (database.isOpen) database.close()
    },
  }
}

function open(path: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 5000 })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    chmodSync(path, 0o600)
    const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (found > schemaVersion)
      throw new X0tError(
        'NODE_STATE_NEWER',
        `${path} has version ${found}; this x0t knows ${schemaVersion}`,
        {
          hint: 'install the newer x0t again',
        },
      )
    if (found === 0)
      database.exec(`
        BEGIN;
        CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
        CREATE TABLE addresses (host TEXT NOT NULL, port INTEGER NOT NULL, seen_at_ms INTEGER NOT NULL,
          PRIMARY KEY (host, port)) STRICT;
        PRAGMA user_version = ${schemaVersion};
        COMMIT`)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof X0tError) throw error
    throw new X0tError('NODE_STATE_DAMAGED', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'move it away: the node makes a new one and finds its neighbours again by its configured addresses',
    })
  }
}
