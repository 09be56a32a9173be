import fc from 'fast-check'
import t from 'tap'
import {
  base32Decode,
  base32Encode,
  bytesOfNodeId,
  formatIpv6,
  hasCode,
  isNodeId,
  labelOfNodeId,
  messageOf,
  perObject,
  nodeIdFromBytes,
  overlayAddress,
  parseNodeId,
  shortNodeId,
  silentCounters,
  silentLog,
  systemClock,
  systemRandom,
  X0tError,
} from '../src/index.ts'

t.test('base32 agrees with the vectors of RFC 4648 §10, in lower case and without padding', (t) => {
  const vectors = {
    '': '',
    f: 'my',
    fo: 'mzxq',
    foo: 'mzxw6',
    foob: 'mzxw6yq',
    fooba: 'mzxw6ytb',
    foobar: 'mzxw6ytboi',
  }
  for (const [plain, coded] of Object.entries(vectors)) {
    t.equal(base32Encode(Buffer.from(plain)), coded)
    t.equal(Buffer.from(base32Decode(coded)).toString(), plain)
  }
  t.end()
})

t.test('base32 refuses what it would not write', (t) => {
  for (const text of ['MY', 'm1', 'm', 'mz', 'my======', 'mzxw6y']) {
    t.throws(() => base32Decode(text), { code: 'BASE32_INVALID' }, text)
  }
  t.end()
})

t.test('base32 gives back any bytes', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      t.same([...base32Decode(base32Encode(bytes))], [...bytes])
    }),
    { seed: 1, numRuns: 200 },
  )
  t.end()
})

t.test('a node id has one text form', (t) => {
  const id = nodeIdFromBytes(new Uint8Array(32).fill(0xff))
  t.equal(id.length, 52)
  t.equal(parseNodeId(id), id)
  t.same([...bytesOfNodeId(id)], Array(32).fill(255))
  t.same([...labelOfNodeId(id)], Array(8).fill(255))
  t.equal(shortNodeId(id), '7777777777')
  // the last character carries one bit of the id; with any other bit set it is another spelling of the same bytes
  t.notOk(isNodeId(`${id.slice(0, 51)}r`))
  t.throws(() => parseNodeId(id.toUpperCase()), { code: 'NODE_ID_INVALID' })
  t.throws(() => nodeIdFromBytes(new Uint8Array(31)), RangeError)
  t.end()
})

t.test('IPv6 text follows RFC 5952', (t) => {
  const text = (...groups: number[]): string =>
    formatIpv6(Uint8Array.from(groups.flatMap((g) => [g >> 8, g & 255])))
  t.equal(text(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), '2001:db8::1:0:0:1')
  t.equal(text(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), '2001:db8:0:1:1:1:1:1')
  t.equal(text(0, 0, 0, 0, 0, 0, 0, 0), '::')
  t.equal(text(1, 0, 0, 0, 0, 0, 0, 0), '1::')
  t.equal(text(1, 2, 0, 0, 0, 6, 7, 8), '1:2::6:7:8')
  t.equal(overlayAddress(nodeIdFromBytes(new Uint8Array(32))), 'fd78::')
  t.end()
})

t.test('an error carries code, hint and exit code', (t) => {
  const error = new X0tError('KEY_NOT_FOUND', 'no key', { hint: 'x0t keygen', exitCode: 2, cause: 'why' })
  t.ok(hasCode(error, 'KEY_NOT_FOUND'))
  t.notOk(hasCode(error, 'OTHER'))
  t.notOk(hasCode('KEY_NOT_FOUND', 'KEY_NOT_FOUND'))
  t.match(error, { hint: 'x0t keygen', exitCode: 2, cause: 'why', name: 'X0tError' })
  t.match(new X0tError('A', 'b'), { hint: undefined, exitCode: 1, cause: undefined })
  t.equal(messageOf(error), 'no key')
  t.equal(messageOf(3), '3')
  t.end()
})

t.test('the system clock runs timers and cancels them', async (t) => {
  const before = systemClock.monotonicMs()
  systemClock.setTimer(0, () => t.fail('cancelled'))()
  await new Promise<void>((resolve) => {
    const keepAlive = setInterval(() => {}, 1000)
    systemClock.setTimer(1, () => {
      clearInterval(keepAlive)
      resolve()
    })
  })
  t.ok(systemClock.monotonicMs() > before)
  t.ok(Math.abs(systemClock.wallMs() - Date.now()) < 1000)
  t.equal(systemRandom.bytes(9).length, 9)
})

t.test('the silent log and counters take anything', (t) => {
  silentLog.debug('a')
  silentLog.info('a')
  silentLog.warn('a')
  silentLog.error('a', { b: 1 })
  silentCounters.count('a')
  t.end()
})

t.test('what is made per object is made once for each', (t) => {
  let made = 0
  const lengthOf = perObject((list: readonly string[]) => (made++, list.length || undefined))
  const [one, none]: string[][] = [['a'], []]
  t.same([lengthOf(one!), lengthOf(one!), lengthOf(none!), lengthOf(none!)], [1, 1, undefined, undefined])
  t.equal(made, 2)
  t.end()
})
