import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import {
  ageDecrypter,
  ageEncrypter,
  dearmor,
  decryptionFailure,
  isAgeArmor,
  protectionOfArmor,
  protectionOfHeader,
  type AgeKeys,
} from './age-file.ts'
import { throwReadFailure } from './read-failure.ts'
import { readPublicFile, writeSecretFile } from './secret-file.ts'

/** Largest armoured file that is decrypted: it is read into memory. Binary files have no limit. */
export const maxArmoredBytes = 64 * 1024 * 1024

export interface FileTransformOptions {
  readonly force?: boolean
  readonly signal?: AbortSignal
}

/**
 * Encrypts a file of any size in the age format; `age` opens it too. The output appears whole or not at all.
 * @throws X0tError KEY_RECIPIENT_INVALID, KEY_NOT_FOUND, KEY_EXISTS, KEY_WRITE_FAILED
 */
export async function encryptFile(
  from: string,
  to: string,
  recipients: readonly string[],
  options: FileTransformOptions = {},
): Promise<void> {
  const encrypter = await ageEncrypter({ recipients })
  const encrypted = await encrypter.encrypt(await openStream(from, options.signal))
  await writeSecretFile(to, chunksOf(encrypted, 'recipients'), options)
}

/**
 * Decrypts an age file of any size. Nothing appears at `to` before the last byte was authenticated.
 * @throws X0tError KEY_AGE_INVALID, KEY_PASSPHRASE_NEEDED, KEY_PASSPHRASE_WRONG, KEY_RECIPIENT_MISMATCH, KEY_NOT_FOUND, KEY_EXISTS
 */
export async function decryptFile(
  from: string,
  to: string,
  keys: AgeKeys,
  options: FileTransformOptions = {},
): Promise<void> {
  const { head, kind } = await headOf(from)
  const decrypter = await ageDecrypter(kind, keys)
  const source = isAgeArmor(head) ? await dearmoredStream(from) : await openStream(from, options.signal)
  const decrypted = await decrypter.decrypt(source).catch((error: unknown): never => {
    throw decryptionFailure(kind, error)
  })
  await writeSecretFile(to, chunksOf(decrypted, kind), options)
}

/** How an age file is protected. @throws X0tError KEY_AGE_INVALID, KEY_NOT_FOUND */
export async function protectionOfFile(path: string): Promise<'passphrase' | 'recipients'> {
  return (await headOf(path)).kind
}

async function headOf(path: string): Promise<{ head: string; kind: 'passphrase' | 'recipients' }> {
  const file = await open(path).catch(throwReadFailure(path))
  const buffer = Buffer.alloc(256)
  try {
    await file.read(buffer, 0, buffer.length, 0)
  } finally {
    await file.close()
  }
  const head = buffer.toString('latin1')
  return { head, kind: isAgeArmor(head) ? protectionOfArmor(head) : protectionOfHeader(head) }
}

async function openStream(path: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const file = await open(path).catch(throwReadFailure(path))
  const stream = createReadStream(path, { fd: file, highWaterMark: 65_536, ...(signal && { signal }) })
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>
}

async function dearmoredStream(path: string): Promise<ReadableStream<Uint8Array>> {
  const bytes = await dearmor((await readPublicFile(path, maxArmoredBytes)).toString('latin1'))
  return new Blob([bytes as Uint8Array<ArrayBuffer>]).stream()
}

async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
  kind: 'passphrase' | 'recipients',
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) yield chunk
  } catch (error) {
    if (error instanceof Error && ('syscall' in error || error.name === 'AbortError')) throw error
    throw decryptionFailure(kind, error)
  }
}
