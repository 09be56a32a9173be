import { open, type FileHandle } from 'node:fs/promises'
import { arrivalRecordBytes, decodeArrivalLog, decodeSendLog, sendRecordBytes } from './log.ts'
import type { Arrival, Stall, StreamLog } from './log.ts'

/** Reads the logs of a stream while it runs: each look reads only what has come since the look before. */
export interface LogReader {
  /** Everything so far. What it returns is not changed by later looks, but for its end. */
  read(): Promise<Omit<StreamLog, 'intervalMs'>>
}

export function logReader(logs: { readonly sender: string; readonly receiver: string }): LogReader {
  const sent = tail(logs.sender, sendRecordBytes)
  const arrived = tail(logs.receiver, arrivalRecordBytes)
  const arrivals: Arrival[] = []
  const receiverStalls: Stall[] = []
  let room = new Float64Array(4096)
  let count = 0
  return {
    async read() {
      // The receiver's log first, or a number that was sent in between would look lost.
      const news = decodeArrivalLog(await arrived())
      for (const one of news.arrivals) arrivals.push(one)
      for (const one of news.receiverStalls) receiverStalls.push(one)
      const sentMs = decodeSendLog(await sent())
      if (count + sentMs.length > room.length) {
        const larger = new Float64Array(2 * (count + sentMs.length))
        larger.set(room.subarray(0, count))
        room = larger
      }
      room.set(sentMs, count)
      count += sentMs.length
      return { sentMs: room.subarray(0, count), arrivals, receiverStalls }
    },
  }
}

/** Returns whole records that a file has grown by since the call before. */
function tail(path: string, recordBytes: number): () => Promise<Uint8Array> {
  let done = 0
  return async () => {
    await using file = await open(path, 'r')
    const bytes = await readFrom(file, done, recordBytes)
    done += bytes.length
    return bytes
  }
}

async function readFrom(file: FileHandle, from: number, recordBytes: number): Promise<Uint8Array> {
  const { size } = await file.stat()
  const wanted = Math.max(0, Math.floor((size - from) / recordBytes) * recordBytes)
  const bytes = new Uint8Array(wanted)
  let read = 0
  while (read < wanted) {
    const { bytesRead } = await file.read(bytes, read, wanted - read, from + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return bytes.subarray(0, Math.floor(read / recordBytes) * recordBytes)
}
