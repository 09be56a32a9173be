import t from 'tap'
import { createSeededRandom, createSimnet, type SimHost, type Simnet } from '../src/index.ts'

interface Recorder {
  readonly simnet: Simnet
  readonly heard: string[]
  readonly hosts: Map<string, SimHost>
}

/** Nodes that write down everything that happens to them. */
function createRecorder(seed: string, ids: readonly string[]): Recorder {
  const simnet = createSimnet({ seed })
  const heard: string[] = []
  const hosts = new Map<string, SimHost>()
  for (const id of ids) {
    simnet.addNode(id, (host) => {
      hosts.set(id, host)
      const note = (text: string): void => void heard.push(`${simnet.nowMs} ${id} ${text}`)
      return {
        receive: (from, bytes) => note(`${from}: ${Buffer.from(bytes).toString()}`),
        receiveDatagram: (from, bytes) => note(`${from}~ ${Buffer.from(bytes).toString()}`),
        linkUp: (other) => note(`up ${other}`),
        linkDown: (other) => note(`down ${other}`),
      }
    })
  }
  return { simnet, heard, hosts }
}

t.test('a message arrives after the latency of its link, and both ends hear of the link first', (t) => {
  const { simnet, heard, hosts } = createRecorder('1', ['a', 'b'])
  simnet.connect('a', 'b', { latencyMs: 7 })
  simnet.start('a')
  simnet.start('b')
  simnet.run(1)
  t.same(hosts.get('a')!.neighbours(), ['b'])
  hosts.get('a')!.send('b', Buffer.from('x'))
  simnet.run(10)
  t.same(heard, ['0 a up b', '0 b up a', '8 b a: x'])
  t.same(simnet.delivered, { messages: 1, bytes: 1 })
  t.equal(simnet.nowMs, 11)
  t.end()
})

t.test('bandwidth spaces messages out: 1,000 bytes at 1 Mbit/s take 8 ms', (t) => {
  const { simnet, heard, hosts } = createRecorder('1', ['a', 'b'])
  simnet.connect('a', 'b', { latencyMs: 1, bitsPerSecond: 1e6 })
  simnet.start('a')
  simnet.start('b')
  simnet.run(0)
  heard.length = 0
  for (const letter of 'xy') hosts.get('a')!.send('b', Buffer.alloc(1000, letter))
  simnet.run(100)
  t.same(
    heard.map((line) => line.slice(0, line.indexOf(' '))),
    ['9', '17'],
  )
  t.end()
})

t.test(
  'under loss reliable messages come late and in order, datagrams are lost in the share asked for',
  (t) => {
    const { simnet, heard, hosts } = createRecorder('loss', ['a', 'b'])
    simnet.connect('a', 'b', { latencyMs: 1, lossRatio: 0.3 })
    simnet.start('a')
    simnet.start('b')
    simnet.run(0)
    heard.length = 0
    for (let i = 0; i < 1000; i++) hosts.get('a')!.send('b', Buffer.from(String(i)))
    simnet.run(1000)
    t.same(
      heard.map((line) => Number(line.split(' ')[3])),
      Array.from({ length: 1000 }, (_, i) => i),
    )
    heard.length = 0
    for (let i = 0; i < 1000; i++) hosts.get('a')!.sendDatagram('b', Buffer.from(String(i)))
    simnet.run(1000)
    // 700 expected, standard deviation sqrt(1000 · 0.3 · 0.7) = 14.5.
    t.ok(Math.abs(heard.length - 700) < 60, String(heard.length))
    t.end()
  },
)

t.test('a cut link loses what is under way and tells both ends after the notice time', (t) => {
  const { simnet, heard, hosts } = createRecorder('1', ['a', 'b'])
  const link = simnet.connect('a', 'b', { latencyMs: 5, noticeMs: 20 })
  simnet.start('a')
  simnet.start('b')
  simnet.run(30)
  heard.length = 0
  hosts.get('a')!.send('b', Buffer.from('lost'))
  simnet.run(1)
  link.down()
  link.down()
  t.notOk(link.isUp())
  hosts.get('a')!.send('b', Buffer.from('too late'))
  simnet.run(30)
  t.same(heard, ['51 a down b', '51 b down a'])
  link.up()
  link.up()
  simnet.run(30)
  t.same(heard.slice(2), ['81 a up b', '81 b up a'])
  t.end()
})

t.test('a link that was down for less than the notice time still breaks the connection', (t) => {
  const { simnet, heard } = createRecorder('1', ['a', 'b'])
  const link = simnet.connect('a', 'b', { noticeMs: 10 })
  simnet.start('a')
  simnet.start('b')
  simnet.run(20)
  heard.length = 0
  link.down()
  simnet.run(5)
  link.up()
  simnet.run(20)
  t.same(heard, ['30 a down b', '30 b down a', '30 a up b', '30 b up a'])
  t.end()
})

t.test('a blackhole swallows one direction and tells no one', (t) => {
  const { simnet, heard, hosts } = createRecorder('1', ['a', 'b'])
  simnet.connect('a', 'b')
  simnet.start('a')
  simnet.start('b')
  simnet.run(1)
  heard.length = 0
  hosts.get('a')!.send('b', Buffer.from('under way'))
  simnet.link('b', 'a').blackhole('a')
  hosts.get('a')!.send('b', Buffer.from('lost'))
  hosts.get('b')!.send('a', Buffer.from('heard'))
  simnet.run(5)
  t.same(heard, ['2 a b: heard'])
  simnet.link('a', 'b').restore()
  hosts.get('a')!.send('b', Buffer.from('again'))
  simnet.link('a', 'b').set({ latencyMs: 3 })
  simnet.run(5)
  t.same(heard.slice(1), ['7 b a: again'])
  simnet.link('a', 'b').blackhole()
  hosts.get('b')!.send('a', Buffer.from('lost'))
  simnet.run(5)
  t.equal(heard.length, 2)
  t.end()
})

t.test(
  'a stopped node loses its timers and its voice; a restarted one boots anew and meets its neighbours',
  (t) => {
    const { simnet, heard, hosts } = createRecorder('1', ['a', 'b'])
    simnet.connect('a', 'b')
    simnet.start('a')
    simnet.start('b')
    simnet.start('b')
    simnet.run(1)
    const old = hosts.get('b')!
    old.clock.setTimer(5, () => heard.push('a dead timer'))
    const cancel = simnet.clock.setTimer(6, () => heard.push('a cancelled timer'))
    simnet.clock.setTimer(7, () => heard.push('a live timer'))
    cancel()
    heard.length = 0
    simnet.stop('b')
    simnet.stop('b')
    t.notOk(simnet.isRunning('b'))
    old.send('a', Buffer.from('from the grave'))
    old.sendDatagram('a', Buffer.from('from the grave'))
    simnet.start('b')
    t.ok(simnet.isRunning('b'))
    simnet.run(20)
    t.same(heard, ['1 a down b', '1 a up b', '1 b up a', 'a live timer'])
    t.not(hosts.get('b'), old)
    t.end()
  },
)

t.test('running until a condition stops at the event that fulfils it', (t) => {
  const simnet = createSimnet({ seed: '1', startWallMs: 1000 })
  let fired = 0
  for (const delayMs of [30, 10, 20, 10]) simnet.clock.setTimer(delayMs, () => fired++)
  t.ok(simnet.runUntil(() => fired === 2, 100))
  t.equal(simnet.nowMs, 10)
  t.equal(simnet.clock.monotonicMs(), 10)
  t.equal(simnet.clock.wallMs(), 1010)
  t.notOk(simnet.runUntil(() => fired === 9, 100))
  t.equal(simnet.nowMs, 110)
  t.end()
})

t.test('events of many times run in order, those of one time in the order of their making', (t) => {
  const simnet = createSimnet({ seed: '1' })
  const random = createSeededRandom('order')
  const ran: [number, number][] = []
  for (let i = 0; i < 500; i++) {
    const atMs = random.integer(50)
    simnet.clock.setTimer(atMs, () => ran.push([atMs, i]))
  }
  simnet.run(50)
  t.same(
    ran,
    ran.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
  )
  t.equal(ran.length, 500)
  t.end()
})

t.test('the seed fixes the run', (t) => {
  const record = (seed: string): string[] => {
    const { simnet, heard, hosts } = createRecorder(seed, ['a', 'b'])
    simnet.connect('a', 'b', { lossRatio: 0.5 })
    simnet.start('a')
    simnet.start('b')
    simnet.run(0)
    for (let i = 0; i < 50; i++) hosts.get('a')!.sendDatagram('b', hosts.get('b')!.random.bytes(4))
    simnet.run(100)
    return heard
  }
  t.same(record('x'), record('x'))
  t.notSame(record('x'), record('y'))
  t.end()
})

t.test('names that do not exist, exist twice, or connect to themselves are a caller’s fault', (t) => {
  const { simnet } = createRecorder('1', ['a', 'b'])
  simnet.connect('a', 'b')
  t.throws(() => simnet.connect('a', 'b'), RangeError)
  t.throws(() => simnet.connect('a', 'a'), RangeError)
  t.throws(() => simnet.addNode('a', () => ({ receive() {} })), RangeError)
  t.throws(() => simnet.start('c'), RangeError)
  simnet.addNode('c', () => ({ receive() {} }))
  t.throws(() => simnet.link('a', 'c'), RangeError)
  t.end()
})

t.test('seeded numbers are uniform enough', (t) => {
  const random = createSeededRandom('uniform')
  const counts = Array.from({ length: 16 }, () => 0)
  for (let i = 0; i < 16_000; i++) counts[random.integer(16)]!++
  // Chi-squared with 15 degrees of freedom exceeds 37.7 in one run of a thousand.
  const chiSquared = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
  t.ok(chiSquared < 37.7, String(chiSquared))
  t.ok(counts.every((count) => count > 0))
  t.equal(random.bytes(5).length, 5)
  t.end()
})

t.test('the example of the README holds', (t) => {
  const simnet = createSimnet({ seed: 'example' })
  const heard: string[] = []
  simnet.addNode('a', (host) => ({ receive() {}, linkUp: (id) => host.send(id, Buffer.from('hello')) }))
  simnet.addNode('b', () => ({
    receive: (from, bytes) => void heard.push(`${from}: ${Buffer.from(bytes).toString()}`),
  }))
  simnet.connect('a', 'b', { latencyMs: 5 })
  simnet.start('a')
  simnet.start('b')
  simnet.run(10)
  t.same(heard, ['a: hello'])
  t.end()
})
