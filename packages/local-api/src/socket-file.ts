import { lstat, mkdir, stat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { hasCode, X0tError } from '@x0t/core'
import { lockStart } from './start-lock.ts'

/** Longest path of a Unix socket: sockaddr_un holds 108 bytes, the last one zero (unix(7)). */
const maxPathBytes = 107

/**
 * Makes `path` free to listen on: creates its directory (0700) and removes a socket on which nobody listens any more.
 * Nobody else may do the same until the lock that it returns is disposed, after listening.
 * @throws X0tError NODE_ALREADY_RUNNING, SOCKET_PATH_INVALID, SOCKET_DIRECTORY_UNSAFE
 */
export async function claimSocketPath(path: string): Promise<Disposable> {
  if (Buffer.byteLength(path) > maxPathBytes)
    throw new X0tError(
      'SOCKET_PATH_INVALID',
      `${path} has more than the ${maxPathBytes} bytes of a socket path`,
      { hint: 'set X0T_HOME to a shorter path' },
    )
  await ensureDirectory(dirname(path))
  const lock = await lockStart(path)
  try {
    await removeStale(path)
    return lock
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
}

/** @throws X0tError NODE_ALREADY_RUNNING (exit code 4) */
export function alreadyRunning(path: string): X0tError {
  return new X0tError('NODE_ALREADY_RUNNING', `a node answers at ${path}`, {
    hint: 'x0t node status shows it, x0t node stop ends it',
    exitCode: 4,
  })
}

async function ensureDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { mode, uid } = await stat(directory)
  const self = process.getuid?.()
  if ((mode & 0o022) === 0 && (uid === self || uid === 0)) return
  throw new X0tError('SOCKET_DIRECTORY_UNSAFE', `others may write to ${directory}`, {
    hint: `chmod 700 ${directory}, or set X0T_HOME`,
  })
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (found === undefined) return
  if (!found.isSocket())
    throw new X0tError('SOCKET_PATH_INVALID', `${path} exists and is no socket`, {
      hint: 'move it away, or set X0T_HOME',
    })
  if (await answers(path)) throw alreadyRunning(path)
  await unlink(path)
}

/** True if somebody listens on the socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', (error) => {
      if (hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOENT')) resolve(false)
      else reject(error)
    })
  })
}
