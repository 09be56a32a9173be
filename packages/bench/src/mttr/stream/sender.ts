// A program, run by node on the source host: sends numbered datagrams at a fixed rate until its standard input ends.
import { openSync, writeSync } from 'node:fs'
import { openStreamLibc } from './libc.ts'
import { payloadBytes, sendRecordBytes } from './log.ts'
import { socketAddress } from './socket-address.ts'
import type { SenderJob } from './stream.ts'

const job = JSON.parse(process.argv[2]!) as SenderJob
const libc = openStreamLibc()
const to = socketAddress(job.to, job.port)
const fd = libc.socket(socketAddress(job.from, 0))
const log = openSync(job.log, 'w', 0o600)
const payload = new Uint8Array(payloadBytes)
const header = new DataView(payload.buffer)
header.setUint32(0, job.key, true)

/** Numbers between two looks at standard input and two writes of the log. */
const batch = Math.min(128, Math.max(16, Math.round(16 / job.intervalMs)))
/** Of a fine stream a few are sent late rather than not at all. */
const mostLateMs = Math.max(job.intervalMs, 0.5)
const records = new Uint8Array(batch * sendRecordBytes)
const recordsView = new DataView(records.buffer)
let pending = 0

function record(atMs: number): void {
  recordsView.setFloat64(pending++ * sendRecordBytes, atMs, true)
  if (pending < batch) return
  writeSync(log, records)
  pending = 0
}

// Compiled and warm before the first number counts: what is sent here has another key and is ignored.
const warmUp = new Uint8Array(payloadBytes)
for (let at = 0; at < 500; at++) {
  libc.sleepUntil(libc.now())
  if (at % 50 === 0) libc.send(fd, warmUp, to)
}
const priority = libc.raisePriority()
writeSync(1, `${JSON.stringify({ priority })}\n`)

const beginMs = libc.now() + 5
for (let sequence = 0; sequence < job.most;) {
  const dueMs = beginMs + sequence * job.intervalMs
  libc.sleepUntil(dueMs)
  const nowMs = libc.now()
  // Numbers keep their place in time: those whose time has passed are passed over.
  if (nowMs - dueMs >= mostLateMs) record(NaN)
  else {
    header.setUint32(4, sequence, true)
    libc.send(fd, payload, to)
    record(nowMs)
  }
  sequence++
  if (sequence % batch === 0 && libc.isReadable(0)) break
}
writeSync(log, records.subarray(0, pending * sendRecordBytes))
process.exit(0)
