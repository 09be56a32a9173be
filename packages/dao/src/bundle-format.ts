import { createHash } from 'node:crypto'
import { X0tError } from '@x0t/core'
import { maxSignedRecordBytes } from './limits.ts'

/**
 * A bundle is a file of records, carried by hand or kept as an archive:
 *
 *     "x0t-dao-bundle/1\n"
 *     for each record: u32 length, not 0, and as many bytes: dag-cbor of [bytes, signature]
 *     u32 0, u64 number of records, SHA-256 of all before it
 *
 * Numbers are big endian. The hash finds damage; forgery is found by the signature of each record.
 */
export const bundleMagic = Buffer.from('x0t-dao-bundle/1\n')

/** Bytes after the last record: the mark of the end, the count, the hash. */
export const trailerBytes = 4 + 8 + 32

/** One record as it lies in a bundle. */
export interface BundleFrame {
  /** Where it begins in the file. */
  readonly offset: number
  readonly envelope: Uint8Array
}

/** A record with its length before it. */
export function encodeFrame(envelope: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(envelope.length)
  return Buffer.concat([length, envelope])
}

/** The end of a bundle. `hash` is over all before this; it is used up. */
export function encodeTrailer(count: number, hash: ReturnType<typeof createHash>): Uint8Array {
  const end = Buffer.alloc(12)
  end.writeBigUInt64BE(BigInt(count), 4)
  return Buffer.concat([end, hash.update(end).digest()])
}

/**
 * Reads a bundle piece by piece, holding one record at a time. What it yields is good as far as it goes; that the file
 * is whole is known at its end.
 * @throws X0tError DAO_BUNDLE_TRUNCATED (up to where it is good), DAO_BUNDLE_INVALID
 */
export async function* parseBundle(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<BundleFrame> {
  const reader = new ChunkReader(chunks)
  const hash = createHash('sha256')
  let count = 0
  let goodBytes = 0
  /** Exactly `length` bytes, hashed. */
  const take = async (length: number): Promise<Buffer> => {
    const bytes = await reader.take(length)
    if (bytes === undefined)
      throw new X0tError(
        'DAO_BUNDLE_TRUNCATED',
        `${name} ends after ${reader.bytesRead} bytes, before its end mark; ${count} records, ${goodBytes} bytes, are good`,
        { hint: 'copy the bundle again; x0t dao export makes another' },
      )
    return bytes
  }
  const invalid = (found: string): X0tError =>
    new X0tError('DAO_BUNDLE_INVALID', `${name}: ${found}; ${count} records, ${goodBytes} bytes, were read`, {
      hint: 'copy the bundle again, or export it anew: x0t dao export',
    })

  const magic = await take(bundleMagic.length)
  if (!magic.equals(bundleMagic)) throw invalid('it does not begin as a bundle of this version does')
  hash.update(magic)
  goodBytes = reader.bytesRead
  for (;;) {
    const first = await take(4)
    const length = first.readUInt32BE()
    if (length === 0) {
      const counted = await take(8)
      hash.update(first).update(counted)
      const expected = await take(32)
      if (counted.readBigUInt64BE() !== BigInt(count))
        throw invalid(`its end names ${counted.readBigUInt64BE()} records`)
      if (!hash.digest().equals(expected)) throw invalid('its hash does not match')
      if ((await reader.take(1)) !== undefined) throw invalid('something follows its end')
      return
    }
    if (length > maxSignedRecordBytes)
      throw invalid(`a record of ${length} bytes where at most ${maxSignedRecordBytes} are allowed`)
    const envelope = await take(length)
    hash.update(first).update(envelope)
    const frame = { offset: goodBytes, envelope }
    count += 1
    goodBytes = reader.bytesRead
    yield frame
  }
}

/** Cuts a stream of chunks into pieces of wanted lengths. */
class ChunkReader {
  bytesRead = 0
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** `length` bytes of their own memory; undefined if the stream ends before. */
  async take(length: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = []
    for (let missing = length; missing > 0;) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next()
        if (next.done === true) {
          for (const part of parts) this.bytesRead += part.length
          return undefined
        }
        this.#rest = next.value
      }
      const part = this.#rest.subarray(0, missing)
      this.#rest = this.#rest.subarray(part.length)
      parts.push(part)
      missing -= part.length
    }
    this.bytesRead += length
    return Buffer.concat(parts, length)
  }
}
