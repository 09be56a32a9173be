import { setTimeout as wait } from 'node:timers/promises'
import { X0tError } from '@x0t/core'

const retryMs = 20
const busy = 5 // SQLITE_BUSY

/**
 * Keeps other processes from starting on the same socket until it is disposed, or until this process ends, however it
 * does. Removing a dead socket and listening on its path are two steps: without a lock two nodes could both do them.
 * The lock is that of an empty SQLite database beside the socket.
 * @throws X0tError NODE_ALREADY_RUNNING if another process still holds it after `patienceMs`
 */
export async function lockStart(socketPath: string, patienceMs = 5_000): Promise<Disposable> {
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(`${socketPath}.lock`, { timeout: 0 })
  for (let leftMs = patienceMs; ; leftMs -= retryMs) {
    try {
      database.exec('BEGIN EXCLUSIVE')
      return { [Symbol.dispose]: () => database.close() }
    } catch (error) {
      const isBusy = (error as { errcode?: unknown }).errcode === busy
      if (!isBusy || leftMs <= 0) {
        database.close()
        throw isBusy ? startingElsewhere(socketPath, error) : error
      }
      await wait(retryMs)
    }
  }
}

function startingElsewhere(socketPath: string, cause: unknown): X0tError {
  return new X0tError('NODE_ALREADY_RUNNING', `another node is starting at ${socketPath}`, {
    cause,
    hint: 'x0t node status',
    exitCode: 4,
  })
}
