import { once } from 'node:events'
import type { Lab } from '../../bench/lab.ts'

export interface Arrivals {
  /** Numbers that arrived, each once. */
  readonly count: number
  readonly repeated: number
  /** Longest time without one, after the first. */
  readonly gapMs: number
  /** Lost in the buffer of the receiving program, after the tunnel. */
  readonly bufferErrors: number
}

/** Sends `count` numbered packets, one every `everyMs`, from one end to the other. */
export async function stream(
  lab: Lab,
  from: string,
  to: string,
  count: number,
  everyMs: number,
): Promise<Arrivals> {
  const sink = lab.start(
    to,
    process.execPath,
    '-e',
    `const seen = new Set(); let repeated = 0, gapMs = 0, lastMs
     const socket = require('node:dgram').createSocket({ type: 'udp6', recvBufferSize: 4e6 })
     socket.on('message', (bytes) => {
       const now = performance.now(), number = bytes.readUInt32BE(0)
       if (number === 0xffffffff) {
         const line = require('node:fs').readFileSync('/proc/net/snmp6', 'utf8').split('\\n').find((text) => text.startsWith('Udp6RcvbufErrors'))
         console.log(JSON.stringify({ count: seen.size, repeated, gapMs, bufferErrors: Number(line.split(/\\s+/)[1]) }))
         process.exit()
       }
       if (seen.has(number)) repeated++
       seen.add(number)
       if (lastMs !== undefined) gapMs = Math.max(gapMs, now - lastMs)
       lastMs = now
     })
     socket.bind(9001, () => console.log('ready'))`,
  )
  let text = ''
  sink.stdout!.on('data', (chunk: Buffer) => void (text += chunk.toString()))
  await once(sink.stdout!, 'data')
  lab.start(
    from,
    process.execPath,
    '-e',
    `const socket = require('node:dgram').createSocket('udp6')
     const send = (number) => { const bytes = Buffer.alloc(200); bytes.writeUInt32BE(number); socket.send(bytes, 9001, ${JSON.stringify(lab.address(to))}) }
     const startMs = performance.now(); let sent = 0
     const timer = setInterval(() => {
       while (sent < ${count} && performance.now() - startMs >= sent * ${everyMs}) send(sent++)
       if (sent < ${count}) return
       clearInterval(timer)
       // The last word is not to be lost either.
       let left = 20
       const ending = setInterval(() => { send(0xffffffff); if (--left === 0) process.exit() }, 100)
     }, 1)`,
  )
  await once(sink, 'exit')
  return JSON.parse(text.split('\n')[1]!) as Arrivals
}
