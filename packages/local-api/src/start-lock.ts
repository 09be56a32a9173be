import { setTimeout as wait } from 'node:timers/promises'

const retryMs = 20
const patienceMs = 5_000
const busy = 5 // SQLITE_BUSY

/**
 * Keeps other processes from starting on the same socket until it is disposed, or until this process ends, however it
 * does. Removing a dead socket and listening on its path are two steps: without a lock two nodes could both do them.
 * The lock is that of an empty SQLite database beside the socket.
 * @throws after five seconds, with SQLite's message, if another process still holds it
 */
export async function lockStart(socketPath: string): Promise<Disposable> {
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(`${socketPath}.lock`, { timeout: 0 })
  for (let leftMs = patienceMs; ; leftMs -= retryMs) {
    try {
      database.exec('BEGIN EXCLUSIVE')
      return { [Symbol.dispose]: () => database.close() }
    } catch (error) {
      if (leftMs > 0 && (error as { errcode?: unknown }).errcode === busy) await wait(retryMs)
      else {
        database.close()
        throw error
      }
    }
  }
}
