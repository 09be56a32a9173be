import fc from 'fast-check'
import t from 'tap'
import { maxSequence, openUnit, ReplayWindow, sealUnit, suites, type Suite } from '../src/index.ts'

const key = Uint8Array.from({ length: 32 }, (_, index) => index)
const salt = Uint8Array.of(0xa0, 0xa1, 0xa2, 0xa3)
const spi = 0x01020304
const sender = (suite: Suite) => ({ suite, remoteSpi: spi, sendKey: key, sendSalt: salt })
const receiver = (suite: Suite) => ({ suite, localSpi: spi, receiveKey: key, receiveSalt: salt })

// Made with pyca/cryptography 48: AESGCM and ChaCha20Poly1305 of key 00..1f, nonce a0a1a2a3 0102030405060708,
// additional data 01020304 0102030405060708, plaintext "x0t sealed unit".
const vectors = {
  'aes-256-gcm': '8eca368487de1b7523022886b81c21e62b9fd45a2c8d1fcbfc736cd1dcf615',
  'chacha20-poly1305': 'd11333a33ad94efbc3583b4bf48dd854c0a2290157d26f959c8054c0ca38ac',
}

for (const suite of suites) {
  t.test(
    `${suite}: nonce is salt and number, additional data SPI and number, as another program has them`,
    (t) => {
      const sealed = sealUnit(sender(suite), 0x0102030405060708n, Buffer.from('x0t sealed unit'))
      t.equal(sealed.toString('hex'), vectors[suite])
      t.equal(openUnit(receiver(suite), 0x0102030405060708n, sealed).toString(), 'x0t sealed unit')
      t.end()
    },
  )
}

for (const suite of suites) {
  t.test(`${suite}: any changed bit, SPI or sequence number makes a unit invalid`, (t) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.bigInt(1n, maxSequence),
        fc.nat(),
        (plaintext, sequence, position) => {
          const sealed = sealUnit(sender(suite), sequence, plaintext)
          t.same(openUnit(receiver(suite), sequence, sealed), Buffer.from(plaintext))
          const changed = Buffer.from(sealed)
          changed[position % sealed.length]! ^= 1 << (position % 8)
          t.throws(() => openUnit(receiver(suite), sequence, changed), { code: 'UNIT_INVALID' })
          const other = sequence === 1n ? 2n : sequence - 1n
          t.throws(() => openUnit(receiver(suite), other, sealed), { code: 'UNIT_INVALID' })
          const foreign = { ...receiver(suite), localSpi: spi + 1 }
          t.throws(() => openUnit(foreign, sequence, sealed), { code: 'UNIT_INVALID' })
        },
      ),
      { seed: 4303, numRuns: 60 },
    )
    t.end()
  })
}

t.test('a unit shorter than a tag is invalid, not a crash', (t) => {
  for (let length = 0; length < 16; length++)
    t.throws(() => openUnit(receiver('aes-256-gcm'), 1n, Buffer.alloc(length)), { code: 'UNIT_INVALID' })
  t.end()
})

t.test('sequence numbers begin at 1 and end at 2^64 - 1', (t) => {
  const empty = Buffer.alloc(0)
  t.throws(() => sealUnit(sender('aes-256-gcm'), 0n, empty), RangeError)
  t.throws(() => sealUnit(sender('aes-256-gcm'), maxSequence + 1n, empty), { code: 'SEQUENCE_EXHAUSTED' })
  t.equal(sealUnit(sender('aes-256-gcm'), maxSequence, empty).length, 16)
  t.throws(() => openUnit(receiver('aes-256-gcm'), 0n, Buffer.alloc(16)), { code: 'UNIT_INVALID' })
  t.end()
})

t.test('the replay window agrees with a set of all numbers seen', (t) => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -80, max: 6 }) },
    { weight: 2, arbitrary: fc.integer({ min: -140, max: 200 }) },
    { weight: 1, arbitrary: fc.integer({ min: -5000, max: 5000 }) },
  )
  fc.assert(
    fc.property(
      fc.constantFrom(32, 64, 4096),
      fc.bigInt(1n, maxSequence - 10_000_000n),
      fc.array(step, { maxLength: 400 }),
      (size, start, steps) => {
        const window = new ReplayWindow(size)
        const seen = new Set<bigint>()
        let highest = 0n
        let at = start
        for (const by of steps) {
          const sequence = at + BigInt(by)
          const expected = sequence >= 1n && !seen.has(sequence) && highest - sequence < BigInt(size)
          if (window.isFresh(sequence) !== expected || window.accept(sequence) !== expected) return false
          if (!expected) continue
          seen.add(sequence)
          if (sequence > highest) highest = sequence
          at = highest
        }
        return window.highest === highest
      },
    ),
    { seed: 6479, numRuns: 400 },
  )
  t.end()
})

t.test('a forged number asked about, but never authenticated, does not lock out the real peer', (t) => {
  const window = new ReplayWindow()
  t.ok(window.accept(1n))
  t.ok(window.isFresh(2n ** 63n), 'the forged number looks fresh, its unit will not open')
  t.ok(window.accept(2n))
  t.notOk(window.accept(2n), 'a replay is refused')
  t.end()
})

t.test('a window has a whole number of words', (t) => {
  for (const size of [0, 31, 33, 100.5, -32]) t.throws(() => new ReplayWindow(size), RangeError)
  t.end()
})
