import { createHash, randomBytes } from 'node:crypto'
import { open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { hasCode, messageOf, X0tError } from '@x0t/core'
import { bundleMagic, encodeFrame, encodeTrailer, parseBundle, type BundleFrame } from './bundle-format.ts'
import type { SignedRecord } from './record.ts'
import { decodeSigned, encodeSigned } from './signed-record.ts'

export interface BundleSummary {
  readonly records: number
  /** Size of the file. */
  readonly bytes: number
}

/**
 * Writes records to a bundle file, one at a time. After any crash the path holds the old file or the new one, whole.
 * @throws X0tError DAO_BUNDLE_WRITE_FAILED; what `records` throws is thrown on, and no file is left
 */
export async function writeBundle(
  path: string,
  records: AsyncIterable<SignedRecord> | Iterable<SignedRecord>,
): Promise<BundleSummary> {
  await using writer = await createBundleWriter(path)
  for await (const signed of records) await writer.append(signed)
  return await writer.finish()
}

/**
 * Records of a bundle file in its order. They are decoded, not verified. The error for a file that is not whole comes
 * after the records that are.
 * @throws X0tError DAO_BUNDLE_NOT_FOUND, DAO_BUNDLE_TRUNCATED, DAO_BUNDLE_INVALID
 */
export async function* readBundle(path: string): AsyncGenerator<SignedRecord> {
  await using file = await openForReading(path)
  for await (const frame of parseBundle(chunksOf(file), path)) yield decodeFrame(path, frame)
}

/** @throws X0tError DAO_BUNDLE_INVALID */
export function decodeFrame(path: string, frame: BundleFrame): SignedRecord {
  try {
    return decodeSigned(frame.envelope)
  } catch (error) {
    throw new X0tError(
      'DAO_BUNDLE_INVALID',
      `${path}: no record at byte ${frame.offset}: ${messageOf(error)}`,
      { cause: error, hint: 'export it anew: x0t dao export' },
    )
  }
}

/** @throws X0tError DAO_BUNDLE_NOT_FOUND, DAO_BUNDLE_INVALID */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT'))
      throw new X0tError('DAO_BUNDLE_NOT_FOUND', `no bundle at ${path}`, { cause: error })
    throw new X0tError('DAO_BUNDLE_INVALID', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
  }
}

const chunkBytes = 262_144

/** A file from its beginning, in chunks. @throws X0tError DAO_BUNDLE_INVALID */
export async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file
      .read({ buffer: Buffer.allocUnsafe(chunkBytes), position })
      .catch((error: unknown) => {
        throw new X0tError('DAO_BUNDLE_INVALID', `cannot read the bundle: ${messageOf(error)}`, {
          cause: error,
        })
      })
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** A bundle in the making: a temporary file beside the target. */
export interface BundleWriter extends AsyncDisposable {
  /** Where the record's envelope now lies in {@link BundleWriter.file}. */
  append(signed: SignedRecord): Promise<{ readonly position: number; readonly length: number }>
  readonly file: FileHandle
  /** Writes the end, syncs, and puts the file in its place. */
  finish(): Promise<BundleSummary>
}

/** @throws X0tError DAO_BUNDLE_WRITE_FAILED; so do its methods */
export async function createBundleWriter(path: string): Promise<BundleWriter> {
  const target = resolve(path)
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(9).toString('base64url')}.tmp`)
  const orWriteError = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw new X0tError('DAO_BUNDLE_WRITE_FAILED', `cannot write ${target}: ${messageOf(error)}`, {
        cause: error,
        hint: 'check free space and permissions of the directory; nothing half-written was left',
      })
    }
  }
  const hash = createHash('sha256')
  const file = await orWriteError(async () => await open(temporary, 'wx+', 0o600))
  let size = 0
  let count = 0
  let isFinished = false
  const write = async (bytes: Uint8Array): Promise<void> => {
    // At its place: what a write that failed has left is written over.
    await orWriteError(async () => await writeAll(file, bytes, size))
    size += bytes.length
  }
  hash.update(bundleMagic)
  await write(bundleMagic)
  return {
    file,
    async append(signed) {
      const frame = encodeFrame(encodeSigned(signed))
      await write(frame)
      hash.update(frame)
      count += 1
      return { position: size - frame.length + 4, length: frame.length - 4 }
    },
    async finish() {
      await write(encodeTrailer(count, hash))
      await orWriteError(async () => {
        await file.sync()
        await file.close()
        await rename(temporary, target)
        await syncDirectory(dirname(target))
      })
      isFinished = true
      return { records: count, bytes: size }
    },
    async [Symbol.asyncDispose]() {
      if (isFinished) return
      isFinished = true
      await file.close()
      await unlink(temporary).catch(() => {})
    },
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;)
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
