import type { DatabaseSync } from 'node:sqlite'
import { hasCode, type NodeId } from '@x0t/core'
import { verifyBanRecord, type BanRecord } from './ban-record.ts'
import type { TrustBundle } from './trust-bundle.ts'

/** Where bans outlive the process. */
export interface BanStore {
  save(ban: BanRecord): void
  load(bundle: TrustBundle): readonly BanRecord[]
}

/** Who is banned from the mesh. Members that merged the same records, in any order, agree. */
export interface BanList {
  /** Takes a verified record in; false if one that counts more is there. */
  merge(ban: BanRecord): boolean
  isBanned(nodeId: NodeId): boolean
  find(nodeId: NodeId): BanRecord | undefined
  /** Serial of the next record: above all that are known. */
  nextSerial(): number
  /** The record that counts of each node, liftings too; the newest first. */
  list(): readonly BanRecord[]
}

/** A ban list that begins with what `store` holds. */
export function createBanList(bundle: TrustBundle, store: BanStore = { save() {}, load: () => [] }): BanList {
  const bans = new Map<NodeId, BanRecord>()
  for (const ban of store.load(bundle)) bans.set(ban.nodeId, ban)
  return {
    merge(ban) {
      const known = bans.get(ban.nodeId)
      if (known && !countsMore(ban, known)) return false
      bans.set(ban.nodeId, ban)
      store.save(ban)
      return true
    },
    isBanned: (nodeId) => bans.get(nodeId)?.lifted === false,
    find: (nodeId) => bans.get(nodeId),
    nextSerial: () => Math.max(0, ...[...bans.values()].map(({ serial }) => serial)) + 1,
    list: () =>
      [...bans.values()].toSorted((a, b) => b.serial - a.serial || Buffer.compare(a.record, b.record)),
  }
}

/** By serial; of two with one serial (two authorities) a ban counts more than a lifting, then the bytes decide. */
function countsMore(ban: BanRecord, known: BanRecord): boolean {
  if (ban.serial !== known.serial) return ban.serial > known.serial
  if (ban.lifted !== known.lifted) return known.lifted
  return Buffer.compare(ban.record, known.record) > 0
}

/** Bans in the state database. What no authority of the bundle signed any more is left out. */
export function createBanStore(database: DatabaseSync): BanStore {
  const insert = database.prepare('INSERT OR REPLACE INTO bans (node_id, serial, record) VALUES (?, ?, ?)')
  const select = database.prepare('SELECT record FROM bans')
  return {
    save: ({ nodeId, serial, record }) => void insert.run(nodeId, serial, record),
    load: (bundle) =>
      select.all().flatMap(({ record }) => {
        try {
          return [verifyBanRecord(record as Uint8Array, bundle)]
        } catch (error) {
          if (hasCode(error, 'BAN_INVALID')) return []
          throw error
        }
      }),
  }
}
