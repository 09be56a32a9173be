// Real data planes in namespaces: a - r - b and a - s - b.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { openLab, type Lab } from '../bench/lab.ts'

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' })
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' })
  } catch {
    return 'needs ip and nft'
  }
  return undefined
}
// Six seconds of traffic each, on machines of any speed.
t.setTimeout(180_000)
const lacks = missing()
if (lacks !== undefined && process.env.CI === 'true') t.fail(`network namespaces: ${lacks}`)
const namespaces = lacks === undefined ? {} : { skip: lacks }

interface Arrivals {
  /** Numbers that arrived, each once. */
  readonly count: number
  readonly repeated: number
  /** Longest time without one, after the first. */
  readonly gapMs: number
  /** Lost in the buffer of the receiving program, after the tunnel. */
  readonly bufferErrors: number
}

/** Sends `count` numbered packets, one every `everyMs`, from one end to the other. */
async function stream(lab: Lab, from: string, to: string, count: number, everyMs: number): Promise<Arrivals> {
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

const afterMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

t.test(
  'hitless: a relay that falls silent costs not one packet, in either direction',
  namespaces,
  async (t) => {
    await using lab = await openLab({
      relay: true,
      diamond: { hitless: true },
      prefix: 'x0tdia-',
      probeMs: 100,
      offloadsOff: false,
      lossRatio: 0,
    })
    const streams = Promise.all([stream(lab, 'a', 'b', 2000, 3), stream(lab, 'b', 'a', 2000, 3)])
    await afterMs(2500)
    lab.node('r').kill('SIGSTOP')
    for (const { count, repeated, bufferErrors } of await streams) {
      t.equal(count + bufferErrors, 2000)
      t.equal(repeated, 0)
    }
    t.match(lab.output(), /a: neighbour-down .*"r"/, 'it was noticed')
  },
)

t.test('a relay that answers probes but eats data is left within a second', namespaces, async (t) => {
  await using lab = await openLab({
    relay: true,
    diamond: { hitless: false },
    prefix: 'x0tdia-',
    probeMs: 100,
    offloadsOff: false,
    lossRatio: 0,
  })
  const streams = Promise.all([stream(lab, 'a', 'b', 1000, 5), stream(lab, 'b', 'a', 1000, 5)])
  await afterMs(2000)
  // The first byte of the UDP payload: 0x10 is data. Dropped before the relay's node sees it.
  lab.run('r', 'nft', 'add table inet eater')
  lab.run('r', 'nft', 'add chain inet eater in { type filter hook input priority 0; }')
  lab.run('r', 'nft', 'add rule inet eater in udp dport 7700 @th,64,8 0x10 drop')
  for (const { count, gapMs } of await streams) {
    t.ok(count >= 800, `${count} of 1000 arrived`)
    t.ok(gapMs < 1000, `a gap of ${Math.round(gapMs)} ms`)
  }
  t.match(lab.output(), /a: path-suspect .*"r"/)
  t.match(lab.output(), /b: path-suspect .*"r"/)
})
