import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decodeArrivalLog, decodeSendLog, stallMark } from '../src/mttr/stream/log.ts'
import { logReader } from '../src/mttr/stream/log-reader.ts'

function sentBytes(...instantsMs: readonly number[]): Uint8Array {
  return new Uint8Array(Float64Array.from(instantsMs).buffer)
}

function arrivalBytes(sequence: number, stallUs: number, atMs: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(16))
  view.setUint32(0, sequence, true)
  view.setUint32(4, stallUs, true)
  view.setFloat64(8, atMs, true)
  return new Uint8Array(view.buffer)
}

t.test('looks in between read the same as one at the end', async (t) => {
  const folder = t.testdir({})
  const logs = { sender: join(folder, 'sent'), receiver: join(folder, 'arrived') }
  const reader = logReader(logs)
  writeFileSync(logs.sender, '')
  writeFileSync(logs.receiver, '')
  t.match(await reader.read(), { arrivals: [], receiverStalls: [] })
  const [sent, arrived] = [[] as Uint8Array[], [] as Uint8Array[]]
  for (let look = 0; look < 5; look++) {
    const instants = Array.from({ length: 3000 }, (_, at) => (at % 7 === 0 ? NaN : look * 3000 + at))
    sent.push(sentBytes(...instants))
    arrived.push(arrivalBytes(look, 0, look + 0.5), arrivalBytes(stallMark, 1500, look + 0.75))
    const some = arrived.slice(-2)
    appendFileSync(logs.sender, sent.at(-1)!)
    for (const bytes of some) appendFileSync(logs.receiver, bytes)
    // The beginning of a record that is being written.
    const half = sentBytes(99).subarray(0, 5)
    appendFileSync(logs.sender, half)
    sent.push(half)
    const { sentMs, arrivals, receiverStalls } = await reader.read()
    t.equal(sentMs.length, Math.floor(Buffer.concat(sent).length / 8))
    t.strictSame(sentMs, decodeSendLog(Buffer.concat(sent)))
    t.strictSame({ arrivals, receiverStalls }, decodeArrivalLog(Buffer.concat(arrived)))
  }
})

t.test('a log that is not there is an error', async (t) => {
  await t.rejects(logReader({ sender: '/nowhere/s', receiver: '/nowhere/r' }).read(), { code: 'ENOENT' })
})
