import type { DatabaseSync } from 'node:sqlite'

/** Remembers the nonces of requests for as long as their time window is open. */
export interface NonceMemory {
  /** True the first time; false for a nonce that is remembered. */
  take(nonce: Uint8Array, nowMs: number, forgetAtMs: number): boolean
}

/** Nonces in the state database, so that a restart does not open the window for replays. */
export function createNonceMemory(database: DatabaseSync): NonceMemory {
  const forget = database.prepare('DELETE FROM nonces WHERE forget_at_ms < ?')
  const insert = database.prepare('INSERT OR IGNORE INTO nonces (nonce, forget_at_ms) VALUES (?, ?)')
  return {
    take(nonce, nowMs, forgetAtMs) {
      forget.run(nowMs)
      return insert.run(nonce, forgetAtMs).changes === 1
    },
  }
}
