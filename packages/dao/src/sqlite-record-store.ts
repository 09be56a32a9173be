import type { DatabaseSync } from 'node:sqlite'
import { messageOf, silentLog, X0tError, type Log } from '@x0t/core'
import { signInPlace } from './own-record.ts'
import type { Lane, MemberId, RecordId, SignedRecord } from './record.ts'
import type { OwnRecordStore } from './record-store.ts'
import { decodeSigned, encodeSigned } from './signed-record.ts'
import { damaged, inTransaction, openRecordDatabase, orStoreError } from './sqlite-schema.ts'
import {
  defaultStoreLimits,
  refuseTooLarge,
  refuseTooMany,
  type KeptOfAuthor,
  type StoreLimits,
} from './store-limits.ts'

export interface RecordStoreOptions {
  readonly limits?: StoreLimits
  /** How often the file is asked for records of other processes, ms; only while somebody listens. */
  readonly pollMs?: number
  /** Hears of reads that fail while nobody waits for them. */
  readonly log?: Log
}

const rowsAPage = 256

interface Waiting {
  readonly signed: SignedRecord
  readonly resolve: (isNew: boolean) => void
  readonly reject: (reason: unknown) => void
}

/**
 * The store of record of a home: one SQLite file, which several processes use at once. Puts that wait together share
 * one transaction, so give it many at a time where there are many.
 * @param path file, made with mode 0600; `:memory:` for none
 * @throws X0tError DAO_STORE_DAMAGED, DAO_STORE_NEWER, DAO_STORE_FAILED; so do its methods
 */
export async function openRecordStore(
  path: string,
  { limits = defaultStoreLimits, pollMs = 200, log = silentLog }: RecordStoreOptions = {},
): Promise<OwnRecordStore> {
  const database = openRecordDatabase(path)
  const rows = prepare(database)
  const guarded = <T>(work: () => T): T => orStoreError(path, work)
  const decode = (row: Row): SignedRecord => decodeRow(path, row)
  const subscriptions = new Set<{ num: number; readonly listener: (record: SignedRecord) => void }>()
  let queue: Waiting[] = []
  let version = 0
  let timer: NodeJS.Timeout | undefined

  const deliver = (): void => {
    for (const subscription of subscriptions) {
      for (;;) {
        const page = guarded(() => rows.after(subscription.num))
        for (const row of page) {
          subscription.num = row.num
          subscription.listener(decode(row))
        }
        if (page.length < rowsAPage) break
      }
    }
  }
  const poll = (): void => {
    try {
      const found = guarded(() => rows.version())
      if (found === version) return
      version = found
      deliver()
    } catch (error) {
      log.warn('dao-records-unreadable', { path, error: messageOf(error) })
    }
  }
  const flush = (): void => {
    const batch = queue
    queue = []
    if (batch.length === 0) return
    try {
      const settle = guarded(() =>
        inTransaction(database, () => batch.map((waiting) => insertOne(rows, waiting, limits))),
      )
      for (const settled of settle) settled()
    } catch (error) {
      for (const { reject } of batch) reject(error)
      return
    }
    deliver()
  }

  return {
    async put(signed) {
      refuseTooLarge(signed, limits)
      return await new Promise<boolean>((resolve, reject) => {
        queue.push({ signed, resolve, reject })
        if (queue.length === 1) setImmediate(flush)
      })
    },
    has: async (id) => guarded(() => rows.has(id)),
    async get(id) {
      const row = guarded(() => rows.get(id))
      return row === undefined ? undefined : decode(row)
    },
    async *all() {
      // A page at a time: no read stays open while the caller thinks.
      for (let num = 0; ;) {
        const page = guarded(() => rows.after(num))
        for (const row of page) yield decode(row)
        if (page.length < rowsAPage) return
        num = page.at(-1)?.num ?? num
      }
    },
    onRecord(listener) {
      const subscription = { num: guarded(() => rows.lastNum()), listener }
      version = guarded(() => rows.version())
      subscriptions.add(subscription)
      timer ??= setInterval(poll, pollMs).unref()
      return () => {
        subscriptions.delete(subscription)
        if (subscriptions.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
    async append(author, lane, sign) {
      const signed = guarded(() =>
        inTransaction(database, () => {
          const last = rows.last(author, lane)
          const place = { author, lane, seq: last === undefined ? 0 : last.seq + 1, prev: last?.id ?? null }
          const made = signInPlace(place, sign)
          refuseTooLarge(made, limits)
          rows.insert(made)
          return made
        }),
      )
      deliver()
      return signed
    },
    async [Symbol.asyncDispose]() {
      if (!database.isOpen) return
      clearInterval(timer)
      subscriptions.clear()
      flush()
      database.close()
    },
  }
}

interface Row {
  readonly num: number
  readonly id: RecordId
  readonly envelope: Uint8Array
}

/** The statements of the store, with the types of what they give. */
function prepare(database: DatabaseSync) {
  const insert = database.prepare(
    'INSERT INTO records (id, author, lane, seq, bytes, envelope) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const has = database.prepare('SELECT 1 FROM records WHERE id = ?')
  const get = database.prepare('SELECT num, id, envelope FROM records WHERE id = ?')
  const after = database.prepare(
    `SELECT num, id, envelope FROM records WHERE num > ? ORDER BY num LIMIT ${rowsAPage}`,
  )
  const last = database.prepare(
    'SELECT seq, id FROM records WHERE author = ? AND lane = ? ORDER BY seq DESC, id LIMIT 1',
  )
  const ofAuthor = database.prepare('SELECT records, bytes FROM authors WHERE author = ?')
  const lastNum = database.prepare('SELECT coalesce(max(num), 0) AS num FROM records')
  const version = database.prepare('PRAGMA data_version')
  return {
    insert: (signed: SignedRecord) => {
      const { author, lane, seq } = signed.record
      insert.run(signed.id, author, lane, seq, signed.bytes.length, encodeSigned(signed))
    },
    has: (id: RecordId) => has.get(id) !== undefined,
    get: (id: RecordId) => get.get(id) as unknown as Row | undefined,
    after: (num: number) => after.all(num) as unknown as Row[],
    last: (author: MemberId, lane: Lane) =>
      last.get(author, lane) as unknown as { seq: number; id: RecordId } | undefined,
    ofAuthor: (author: MemberId) =>
      (ofAuthor.get(author) as unknown as KeptOfAuthor | undefined) ?? { records: 0, bytes: 0 },
    lastNum: () => Number(lastNum.get()?.['num']),
    version: () => Number(version.get()?.['data_version']),
  }
}

/** Keeps one record of a batch; what to tell its caller once the batch is on the disk. */
function insertOne(
  rows: ReturnType<typeof prepare>,
  { signed, resolve, reject }: Waiting,
  limits: StoreLimits,
): () => void {
  if (rows.has(signed.id)) return () => resolve(false)
  try {
    refuseTooMany(signed, rows.ofAuthor(signed.record.author), limits)
  } catch (error) {
    if (error instanceof X0tError) return () => reject(error)
    throw error
  }
  rows.insert(signed)
  return () => resolve(true)
}

function decodeRow(path: string, row: Row): SignedRecord {
  let signed: SignedRecord
  try {
    signed = decodeSigned(row.envelope)
  } catch (error) {
    throw damaged(path, `record ${row.id}: ${messageOf(error)}`, error)
  }
  if (signed.id !== row.id) throw damaged(path, `what is kept as record ${row.id} is ${signed.id}`)
  return signed
}
