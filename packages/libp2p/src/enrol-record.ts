import type { TLSSocket } from 'node:tls'
import { X0tError } from '@x0t/core'

/** Longest request or answer of an enrolment. */
export const maxEnrolBytes = 64 << 10

/** A record with its length (u32, big endian) before it. */
export function encodeEnrolRecord(record: Uint8Array): Buffer {
  if (record.length > maxEnrolBytes)
    throw new X0tError(
      'ENROL_TOO_LARGE',
      `an enrolment record of ${record.length} bytes; the longest has ${maxEnrolBytes}`,
    )
  const bytes = Buffer.allocUnsafe(4 + record.length)
  bytes.writeUInt32BE(record.length)
  bytes.set(record, 4)
  return bytes
}

/**
 * Collects one record from chunks, in bounded memory.
 * @throws X0tError ENROL_TOO_LARGE for a length beyond 64 KiB or bytes after the record
 */
export class EnrolRecordReader {
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  /** The record once it is complete. */
  push(chunk: Uint8Array): Uint8Array | undefined {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < 4) return undefined
    const all = Buffer.concat(this.#chunks)
    const length = all.readUInt32BE(0)
    if (length > maxEnrolBytes || all.length > 4 + length)
      throw new X0tError(
        'ENROL_TOO_LARGE',
        `an enrolment record of more than ${Math.min(length, maxEnrolBytes)} bytes`,
      )
    this.#chunks.splice(0, this.#chunks.length, all)
    return all.length === 4 + length ? new Uint8Array(all.subarray(4)) : undefined
  }
}

/** Reads one record; rejects when the connection ends first. */
export function readEnrolRecord(socket: TLSSocket): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const reader = new EnrolRecordReader()
    const ended = (): void =>
      reject(new X0tError('ENROL_REFUSED', 'the connection closed before the record was whole'))
    socket.once('error', reject)
    socket.once('end', ended)
    socket.once('close', ended)
    socket.on('data', (chunk: Buffer) => {
      try {
        const record = reader.push(chunk)
        if (record !== undefined) resolve(record)
      } catch (error) {
        reject(error)
      }
    })
  })
}
