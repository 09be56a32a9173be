import { chmodSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, X0tError, type Log } from '@x0t/core'
import type { ActionName } from './actions.ts'
import type { DiagnosisKind } from './diagnosis.ts'
import type { Incident } from './incident.ts'
import {
  defaultKnowledgeLimits,
  learned,
  type ActionRecord,
  type Knowledge,
  type KnowledgeLimits,
} from './knowledge.ts'

const schemaVersion = 1
/** Incidents that wait in memory for a disk that takes no writes. */
const maxUnwritten = 200

const schema = `
  BEGIN;
  CREATE TABLE incidents (
    id TEXT PRIMARY KEY, opened_at_ms INTEGER NOT NULL, diagnosis TEXT NOT NULL, entity TEXT NOT NULL,
    outcome TEXT NOT NULL, record TEXT NOT NULL) STRICT;
  CREATE INDEX incidents_by_time ON incidents (opened_at_ms);
  CREATE TABLE actions (
    diagnosis TEXT NOT NULL, action TEXT NOT NULL, verified REAL NOT NULL, failed REAL NOT NULL,
    recovery_ms REAL NOT NULL, PRIMARY KEY (diagnosis, action)) STRICT;
  CREATE TABLE notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
  PRAGMA user_version = ${schemaVersion};
  COMMIT`

/**
 * Knowledge in a file of mode 0600 (SQLite in WAL mode, so that a killed node starts again without repair).
 * @throws X0tError HEALING_KNOWLEDGE_DAMAGED, HEALING_KNOWLEDGE_NEWER
 */
export function openKnowledge(
  path: string,
  { log, limits = {} }: { readonly log: Log; readonly limits?: Partial<KnowledgeLimits> },
): Knowledge {
  const { maxIncidents, maxAgeMs } = { ...defaultKnowledgeLimits, ...limits }
  const database = open(path)
  const write = database.prepare(
    `INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
       diagnosis = excluded.diagnosis, outcome = excluded.outcome, record = excluded.record`,
  )
  const trim = database.prepare(
    `DELETE FROM incidents WHERE opened_at_ms < (SELECT max(opened_at_ms) FROM incidents) - ?
       OR id NOT IN (SELECT id FROM incidents ORDER BY opened_at_ms DESC, rowid DESC LIMIT ?)`,
  )
  const readMany = database.prepare(
    'SELECT record FROM incidents WHERE opened_at_ms >= ? ORDER BY opened_at_ms DESC, rowid DESC LIMIT ?',
  )
  const readOne = database.prepare('SELECT record FROM incidents WHERE id = ?')
  const count = database.prepare('SELECT count(*) AS n FROM incidents')
  const readRecords = database.prepare('SELECT * FROM actions ORDER BY diagnosis, action')
  const writeRecord = database.prepare(
    `INSERT INTO actions VALUES (?, ?, ?, ?, ?) ON CONFLICT (diagnosis, action) DO UPDATE SET
       verified = excluded.verified, failed = excluded.failed, recovery_ms = excluded.recovery_ms`,
  )
  const readNote = database.prepare('SELECT text FROM notes WHERE name = ?')
  const writeNote = database.prepare(
    'INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text',
  )
  const deleteNote = database.prepare('DELETE FROM notes WHERE name = ?')

  const unwritten = new Map<string, Incident>()
  const unwrittenNotes = new Map<string, string | undefined>()
  const tryTo = (run: () => void): boolean => {
    try {
      run()
      return true
    } catch (error) {
      log.warn('healing-knowledge-not-written', { path, reason: messageOf(error) })
      return false
    }
  }
  const writeIncident = ({ id, openedAtMs, diagnosis, entity, outcome, ...rest }: Incident): boolean =>
    tryTo(() => {
      const record = JSON.stringify({ id, openedAtMs, diagnosis, entity, outcome, ...rest })
      write.run(id, Math.round(openedAtMs), diagnosis, entity, outcome, record)
    })
  const writeWaiting = (): void => {
    for (const [id, incident] of unwritten) {
      if (!writeIncident(incident)) return
      unwritten.delete(id)
    }
  }
  const records = (): ActionRecord[] =>
    readRecords.all().map((row) => ({
      diagnosis: row['diagnosis'] as DiagnosisKind,
      action: row['action'] as ActionName,
      verified: Number(row['verified']),
      failed: Number(row['failed']),
      recoveryMs: Number(row['recovery_ms']),
    }))

  return {
    save(incident) {
      unwritten.delete(incident.id)
      unwritten.set(incident.id, incident)
      if (unwritten.size > maxUnwritten) unwritten.delete(unwritten.keys().next().value!)
      writeWaiting()
      if (unwritten.size === 0) tryTo(() => void trim.run(maxAgeMs, maxIncidents))
    },
    incidents({ sinceMs = 0, limit = maxIncidents } = {}) {
      const stored = readMany.all(Math.round(sinceMs), limit).map((row) => incidentOf(row))
      const waiting = [...unwritten.values()].filter(({ openedAtMs }) => openedAtMs >= sinceMs)
      if (waiting.length === 0) return stored
      return [...waiting, ...stored.filter(({ id }) => !unwritten.has(id))]
        .toSorted((one, other) => other.openedAtMs - one.openedAtMs)
        .slice(0, limit)
    },
    incident(id) {
      const row = readOne.get(id)
      return unwritten.get(id) ?? (row === undefined ? undefined : incidentOf(row))
    },
    size: () => Number(count.get()?.['n'] ?? 0),
    learn(diagnosis, action, recoveryMs) {
      const known = records().find((one) => one.diagnosis === diagnosis && one.action === action)
      const next = learned(known ?? { diagnosis, action, verified: 0, failed: 0, recoveryMs: 0 }, recoveryMs)
      tryTo(() => void writeRecord.run(diagnosis, action, next.verified, next.failed, next.recoveryMs))
    },
    records,
    note(name) {
      if (unwrittenNotes.has(name)) return unwrittenNotes.get(name)
      return readNote.get(name)?.['text'] as string | undefined
    },
    setNote(name, text) {
      const isWritten = tryTo(
        () => void (text === undefined ? deleteNote.run(name) : writeNote.run(name, text)),
      )
      if (isWritten) unwrittenNotes.delete(name)
      else unwrittenNotes.set(name, text)
    },
    [Symbol.dispose]() {
      if (!database.isOpen) return
      writeWaiting()
      database.close()
    },
  }
}

function incidentOf(row: Record<string, unknown>): Incident {
  return JSON.parse(String(row['record'])) as Incident
}

function open(path: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 2000 })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    chmodSync(path, 0o600)
    const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (found > schemaVersion)
      throw new X0tError(
        'HEALING_KNOWLEDGE_NEWER',
        `${path} has version ${found}; this x0t knows ${schemaVersion}`,
        {
          hint: 'install the newer x0t again',
        },
      )
    if (found === 0) database.exec(schema)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof X0tError) throw error
    throw new X0tError('HEALING_KNOWLEDGE_DAMAGED', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'move it away: only the history of healing is lost',
    })
  }
}
