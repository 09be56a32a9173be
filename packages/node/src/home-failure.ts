import { hasCode, messageOf, X0tError } from '@x0t/core'
import type { Home } from './home.ts'

const diskCodes = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']
/** Primary result codes of SQLite: read-only, I/O error, full, cannot open. */
const sqliteCodes = [8, 10, 13, 14]

/**
 * Runs what reads and writes a home. A disk that is full, read-only or broken is told as such, and not as damaged
 * state that is to be restored.
 * @throws X0tError HOME_UNWRITABLE, and whatever else `work` throws
 */
export async function writingHome<T>(home: Home, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const failure = diskFailureIn(error)
    if (failure === undefined) throw error
    throw new X0tError('HOME_UNWRITABLE', `cannot write to ${home.directory}: ${messageOf(failure)}`, {
      cause: error,
      hint: 'check free space, owner and mode of the directory; what is there was left whole: try again then',
    })
  }
}

/** The failure of the disk that led to an error, if that is what did. */
export function diskFailureIn(error: unknown): Error | undefined {
  // Without a code of our own it says too little; with one it has said what was forbidden.
  const isForbidden = hasCode(error, 'EACCES') || hasCode(error, 'EPERM')
  if (isForbidden && 'path' in error) return error
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { errcode } = cause as { errcode?: unknown }
    if (typeof errcode === 'number' && sqliteCodes.includes(errcode & 0xff)) return cause
    if (diskCodes.some((code) => hasCode(cause, code))) return cause
  }
  return undefined
}
