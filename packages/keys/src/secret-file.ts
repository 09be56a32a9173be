import { constants } from 'node:fs'
import { chmod, link, lstat, mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { basename, dirname, join, resolve } from 'node:path'
import { hasCode, messageOf, X0tError } from '@x0t/core'
import { throwReadFailure } from './read-failure.ts'

/** Largest file that {@link readSecretFile} takes unless told otherwise, bytes. */
export const maxSecretFileBytes = 65_536

export interface WriteSecretFileOptions {
  /** Replaces an existing file. Without it an existing file of any kind is an error. */
  readonly force?: boolean
  /** Replaces the file only while it still holds these bytes. */
  readonly expected?: Uint8Array
  /** Permission bits, 0600 by default whatever the umask. */
  readonly mode?: number
}

/** Bytes, text, or a stream of bytes: a stream that fails leaves no file. */
export type SecretContent = Uint8Array | string | AsyncIterable<Uint8Array>

/**
 * Writes a file so that after any crash the path holds either the old or the new content, whole: temporary file of mode
 * 0600 beside it, fsync, link or rename, fsync of the directory. Missing directories are made with mode 0700.
 * Of several processes that write the same new path, one wins and the others get KEY_EXISTS.
 * @throws X0tError KEY_EXISTS, KEY_IS_SYMLINK, KEY_DIRECTORY_UNSAFE, KEY_CHANGED_MEANWHILE, KEY_WRITE_FAILED
 */
export async function writeSecretFile(
  path: string,
  content: SecretContent,
  options: WriteSecretFileOptions = {},
): Promise<void> {
  const target = resolve(path)
  const directory = dirname(target)
  try {
    await makeDirectory(directory)
    await refuseUnsafeDirectory(directory)
    await refuseTarget(target, options)
    const temporary = join(directory, `.${basename(target)}.${randomBytes(9).toString('base64url')}.tmp`)
    try {
      await writeNew(temporary, content, options.mode ?? 0o600)
      if (options.expected !== undefined) await refuseChanged(target, options.expected)
      if (options.force === true || options.expected !== undefined) await rename(temporary, target)
      else await link(temporary, target)
    } finally {
      await unlink(temporary).catch(ignoreMissing)
    }
    await syncDirectory(directory)
  } catch (error) {
    if (error instanceof X0tError) throw error
    if (hasCode(error, 'EEXIST')) throw alreadyThere(target)
    throw new X0tError('KEY_WRITE_FAILED', `cannot write ${target}: ${messageOf(error)}`, {
      cause: error,
      hint: 'check free space and permissions of the directory; nothing half-written was left',
    })
  }
}

export interface ReadSecretFileOptions {
  /** Refuse larger files; {@link maxSecretFileBytes} by default. */
  readonly maxBytes?: number
}

/**
 * Reads a secret that only its owner may read. Zero the result when done.
 * @throws X0tError KEY_NOT_FOUND, KEY_MODE_TOO_OPEN (with the chmod to run), KEY_INVALID (no regular file), KEY_TOO_LARGE
 */
export async function readSecretFile(path: string, options: ReadSecretFileOptions = {}): Promise<Buffer> {
  return await readBounded(path, options.maxBytes ?? maxSecretFileBytes, true)
}

/** Reads a file that holds no secret, of at most `maxBytes`. @throws X0tError KEY_NOT_FOUND, KEY_INVALID, KEY_TOO_LARGE */
export async function readPublicFile(path: string, maxBytes = maxSecretFileBytes): Promise<Buffer> {
  return await readBounded(path, maxBytes, false)
}

async function readBounded(path: string, maxBytes: number, secret: boolean): Promise<Buffer> {
  // Not blocking: a pipe in place of the file must not hang the program.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(throwReadFailure(path))
  try {
    const { size, mode } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw new X0tError('KEY_INVALID', `${path} is not a regular file`)
      return stat
    })
    if (secret && (mode & 0o077) !== 0) {
      throw new X0tError(
        'KEY_MODE_TOO_OPEN',
        `${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}: others than its owner may use it`,
        { hint: `chmod 600 ${path}` },
      )
    }
    const content = Buffer.alloc(Math.min(size, maxBytes) + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(content, length, content.length - length, null)
      length += bytesRead
      if (bytesRead === 0 || length === content.length) break
    }
    if (length === content.length) {
      content.fill(0)
      throw new X0tError('KEY_TOO_LARGE', `${path} is larger than ${Math.min(size, maxBytes)} bytes`)
    }
    return content.subarray(0, length)
  } finally {
    await file.close()
  }
}

async function makeDirectory(directory: string): Promise<void> {
  if (await exists(directory)) return
  await makeDirectory(dirname(directory))
  try {
    await mkdir(directory, { mode: 0o700 })
    await chmod(directory, 0o700) // whatever the umask took away
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error // another process was quicker
  }
}

async function refuseUnsafeDirectory(directory: string): Promise<void> {
  const { mode } = await lstatFollowing(directory)
  if ((mode & 0o002) === 0 || (mode & 0o1000) !== 0) return
  throw new X0tError('KEY_DIRECTORY_UNSAFE', `everybody may write to ${directory}`, {
    hint: `chmod o-w ${directory}`,
  })
}

async function refuseTarget(target: string, options: WriteSecretFileOptions): Promise<void> {
  const stat = await lstat(target).catch(ignoreMissing)
  if (stat === undefined) return
  if (stat.isSymbolicLink())
    throw new X0tError('KEY_IS_SYMLINK', `${target} is a symbolic link`, { hint: `readlink -f ${target}` })
  if (options.force !== true && options.expected === undefined) throw alreadyThere(target)
  if (!stat.isFile()) throw new X0tError('KEY_EXISTS', `${target} is not a regular file`)
}

async function refuseChanged(target: string, expected: Uint8Array): Promise<void> {
  const now = await readBounded(target, maxSecretFileBytes, false)
  const same = Buffer.compare(now, expected) === 0
  now.fill(0)
  if (!same) throw new X0tError('KEY_CHANGED_MEANWHILE', `${target} was changed by another process`)
}

async function writeNew(path: string, content: SecretContent, mode: number): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const file = await open(path, flags, 0o600)
  try {
    await file.writeFile(content)
    await file.chmod(mode)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle: FileHandle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(ignoreMissing)) !== undefined
}

async function lstatFollowing(directory: string): Promise<{ mode: number }> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return await handle.stat()
  } finally {
    await handle.close()
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error
  return undefined
}

function alreadyThere(target: string): X0tError {
  return new X0tError('KEY_EXISTS', `${target} exists already`, {
    hint: 'choose another name, or --force to replace it for good',
  })
}
