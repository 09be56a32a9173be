// A program, run by node on the destination host: stamps the datagrams of one stream until its standard input ends.
import { openSync, writeSync } from 'node:fs'
import { openStreamLibc } from './libc.ts'
import { arrivalRecordBytes, payloadBytes, stallMark } from './log.ts'
import { socketAddress } from './socket-address.ts'
import type { ReceiverJob } from './stream.ts'

const job = JSON.parse(process.argv[2]!) as ReceiverJob
const libc = openStreamLibc()
const fd = libc.socket(socketAddress(job.on, job.port))
const log = openSync(job.log, 'w', 0o600)
const payload = new Uint8Array(2 * payloadBytes)
const header = new DataView(payload.buffer)

/** The log is written at least this often, for those who read along. */
const writeEveryMs = 20
/** Longest wait for a datagram; a wait that takes longer by `stallMs` tells that this program was not scheduled. */
const waitMs = 2
const stallMs = 3
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

let beforeMs = libc.now()
for (;;) {
  const [arrived, ended] = libc.wait(fd, 0, waitMs)
  let nowMs = libc.now()
  const lateMs = nowMs - beforeMs - waitMs
  if (lateMs > stallMs) record(stallMark, Math.round(lateMs * 1000), nowMs)
  if (ended) break
  let bytes = arrived ? libc.receive(fd, payload) : 0
  for (; bytes > 0; bytes = libc.receive(fd, payload)) {
    nowMs = libc.now()
    if (bytes === payloadBytes && header.getUint32(0, true) === job.key)
      record(header.getUint32(4, true), 0, nowMs)
  }
  if (nowMs - writtenMs >= writeEveryMs) write(nowMs)
  beforeMs = libc.now()
}
write(libc.now())
process.exit(0)
