import { hasCode, messageOf, X0tError } from '@x0t/core'

/** What a failed opening or reading of `path` is called; anything but an error of the system stays what it is. */
export function readFailure(path: string, error: unknown): unknown {
  if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR'))
    return new X0tError('KEY_NOT_FOUND', `there is no file ${path}`, { cause: error })
  if (error instanceof Error && 'syscall' in error)
    return new X0tError('KEY_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
  return error
}

/** For `.catch()`: throws {@link readFailure}. */
export function throwReadFailure(path: string): (error: unknown) => never {
  return (error) => {
    throw readFailure(path, error)
  }
}
