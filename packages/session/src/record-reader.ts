import { X0tError } from '@x0t/core'
import { decodeSessionRecord, maxRecordBytes, type SessionRecord } from './session-record.ts'

/** Takes the bytes of a TLS channel as they come and gives the records in them. */
export interface RecordReader {
  /** @throws X0tError SESSION_RECORD_INVALID */
  push(bytes: Uint8Array): SessionRecord[]
}

export function createRecordReader(): RecordReader {
  let rest = Buffer.alloc(0)
  return {
    push(bytes) {
      rest = Buffer.concat([rest, bytes])
      const records: SessionRecord[] = []
      while (rest.length >= 2) {
        const length = rest.readUInt16BE(0)
        if (length > maxRecordBytes)
          throw new X0tError('SESSION_RECORD_INVALID', `a session record of ${length} bytes is too long`)
        if (rest.length < 2 + length) break
        records.push(decodeSessionRecord(rest.subarray(2, 2 + length)))
        rest = rest.subarray(2 + length)
      }
      return records
    },
  }
}
