// A program, run by node on the destination host: stamps the datagrams of one stream until its standard input ends.
import { openSync, writeSync } from 'node:fs'
import { openStreamLibc } from './libc.ts'
import { arrivalRecordBytes, payloadBytes, stallMark } from './log.ts'
import { socketAddress } from './socket-address.ts'
import { stampedReceiver } from './stamped-receiver.ts'
import type { ReceiverJob } from './stream.ts'

const job = JSON.parse(process.argv[2]!) as ReceiverJob
const libc = openStreamLibc()
const receiver = stampedReceiver(libc.socket(socketAddress(job.on, job.port)))
const log = openSync(job.log, 'w', 0o600)

/** The log is written at least this often, for those who read along. */
const writeEveryMs = 20
/** Between two looks; the kernel has stamped what came meanwhile. */
const pauseMs = 5
/** Of a stream of 10,000 a second the socket holds a third of a second. */
const stallMs = 200
const mostRecords = 256
const records = new Uint8Array(mostRecords * arrivalRecordBytes)
const recordsView = new DataView(records.buffer)
let pending = 0
let writtenMs = libc.now()

function record(sequence: number, stallUs: number, atMs: number): void {
  const at = pending++ * arrivalRecordBytes
  recordsView.setUint32(at, sequence, true)
  recordsView.setUint32(at + 4, stallUs, true)
  recordsView.setFloat64(at + 8, atMs, true)
  if (pending === mostRecords) write(atMs)
}

function write(atMs: number): void {
  writtenMs = atMs
  if (pending > 0) writeSync(log, records, 0, pending * arrivalRecordBytes)
  pending = 0
}

const priority = libc.raisePriority()
writeSync(1, `${JSON.stringify({ priority })}\n`)

let dueMs = libc.now()
while (!libc.isReadable(0)) {
  receiver.drain((payload, bytes, atMs) => {
    if (bytes === payloadBytes && payload.getUint32(0, true) === job.key)
      record(payload.getUint32(4, true), 0, atMs)
  })
  const nowMs = libc.now()
  if (nowMs - dueMs > stallMs) record(stallMark, Math.round((nowMs - dueMs) * 1000), nowMs)
  if (nowMs - writtenMs >= writeEveryMs) write(nowMs)
  dueMs = nowMs + pauseMs
  libc.sleepUntil(dueMs)
}
write(libc.now())
process.exit(0)
