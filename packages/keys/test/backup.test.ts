import t from 'tap'
import fc from 'fast-check'
import { X0tError } from '@x0t/core'
import { mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import slip39 from 'slip39'
import { parseShareScheme, seedOfShares, seedOfWords, sharesOfSeed, wordsOfSeed } from '@x0t/keys'
import { countingBytes, hex, needsVectors, vectorJson } from './vectors.ts'

const seed = countingBytes(32)
// BIP39 test vector: 32 zero bytes.
const zeroWords = `${'abandon '.repeat(23)}art`

t.test('words are those of the master seed itself', async (t) => {
  t.equal(wordsOfSeed(new Uint8Array(32)), zeroWords)
  t.same(seedOfWords(zeroWords), new Uint8Array(32))
  t.same(seedOfWords(wordsOfSeed(seed)), seed)
  t.throws(() => wordsOfSeed(seed.subarray(1)), RangeError)
})

t.test('case, spaces, numbers and line ends of words do not matter', async (t) => {
  const numbered = wordsOfSeed(seed)
    .split(' ')
    .map((word, index) => `${index + 1}. ${word.toUpperCase()}`)
    .join('\r\n  ')
  t.same(seedOfWords(`\n${numbered}\n`), seed)
})

t.test('wrong words are named by count, position and checksum', async (t) => {
  const words = wordsOfSeed(seed).split(' ')
  const code = 'KEY_WORDS_INVALID'
  t.throws(() => seedOfWords(words.slice(1).join(' ')), { code, message: /23 words, not 24/ })
  const misspelt = words.with(4, 'abandom')
  t.throws(() => seedOfWords(misspelt.join(' ')), { code, message: /word 5 is not/, hint: /abandon/ })
  t.throws(() => seedOfWords(words.with(0, 'xyzzy').join(' ')), { code, message: /word 1 / })
  const swapped = words.with(0, words[1]!).with(1, words[0]!)
  t.throws(() => seedOfWords(swapped.join(' ')), { code, message: /checksum/ })
  t.throws(() => seedOfWords(''), { code })
})

t.test('the official BIP39 vectors hold', needsVectors, async (t) => {
  const { english } = vectorJson('bip39/vectors.json') as { english: [string, string][] }
  t.equal(english.length, 24)
  for (const [entropy, words] of english) {
    t.same(Buffer.from(mnemonicToEntropy(words, wordlist)).toString('hex'), entropy)
    if (entropy.length === 64) t.same(Buffer.from(seedOfWords(words)).toString('hex'), entropy)
  }
})

t.test('any two of three shares give the seed back, and more are fine', async (t) => {
  const shares = await sharesOfSeed(seed, { threshold: 2, shares: 3 })
  t.equal(shares.length, 3)
  for (const share of shares) t.equal(share.split(' ').length, 33)
  const [a, b, c] = shares as [string, string, string]
  for (const set of [
    [a, b],
    [c, a],
    [b, c],
    [a, b, c],
    [a, a, b],
    [`  ${a.toUpperCase()}\n`, b, ''],
  ])
    t.same(await seedOfShares(set), seed)
})

t.test('shares tell what is wrong with them', async (t) => {
  const [a, b] = (await sharesOfSeed(seed, { threshold: 2, shares: 3 })) as [string, string]
  const [foreign] = (await sharesOfSeed(new Uint8Array(32), { threshold: 2, shares: 2 })) as [string]
  const code = 'KEY_SHARES_INVALID'
  await t.rejects(seedOfShares([a]), { code, message: /too few/ })
  await t.rejects(seedOfShares([]), { code, message: /none/ })
  await t.rejects(seedOfShares([foreign, b]), { code, message: /different sets/ })
  const words = a.split(' ')
  const mistyped = words.with(20, words[20] === 'academic' ? 'acid' : 'academic').join(' ')
  await t.rejects(seedOfShares([mistyped, b]), { code, message: /checksum/ })
  await t.rejects(seedOfShares([`${a} more`, b]), { code })
  await t.rejects(seedOfShares(Array.from({ length: 17 }, (_, index) => `${a} ${index}`)), {
    code,
    message: /16/,
  })
})

t.test('a wrong passphrase on shares gives another seed and no error', async (t) => {
  const shares = await sharesOfSeed(seed, { threshold: 2, shares: 2 }, 'right')
  t.same(await seedOfShares(shares, 'right'), seed)
  t.notSame(await seedOfShares(shares, 'wrong'), seed)
  await t.rejects(sharesOfSeed(seed, { threshold: 2, shares: 2 }, 'schlüssel'), {
    code: 'KEY_SHARES_INVALID',
  })
  await t.rejects(sharesOfSeed(seed.subarray(1), { threshold: 2, shares: 2 }), RangeError)
})

t.test('a scheme is k/n with 2 <= k <= n <= 16', async (t) => {
  t.same(parseShareScheme('2/3'), { threshold: 2, shares: 3 })
  t.same(parseShareScheme('16/16'), { threshold: 16, shares: 16 })
  for (const text of ['1/1', '1/3', '4/3', '2/17', '0/0', '2-3', '', '2/3/4'])
    t.throws(() => parseShareScheme(text), { code: 'KEY_SHARES_INVALID', exitCode: 2 }, text)
})

t.test('the official SLIP-39 vectors hold', needsVectors, async (t) => {
  await sharesOfSeed(seed, { threshold: 2, shares: 2 }) // loads the library and hides what it adds to prototypes
  const vectors = vectorJson('slip39/vectors.json') as [string, string[], string][]
  t.equal(vectors.length, 45)
  for (const [title, shares, secret] of vectors) {
    if (secret === '') {
      t.throws(() => slip39.recoverSecret(shares, 'TREZOR'), title)
      continue
    }
    t.same(Buffer.from(slip39.recoverSecret(shares, 'TREZOR')).toString('hex'), secret, title)
    if (secret.length === 64)
      t.same(await seedOfShares(shares, 'TREZOR'), Uint8Array.from(hex(secret)), title)
    else await t.rejects(seedOfShares(shares, 'TREZOR'), { code: 'KEY_SHARES_INVALID' }, title)
  }
})

t.test('the library of shares leaves no enumerable member on arrays', async (t) => {
  await sharesOfSeed(seed, { threshold: 2, shares: 2 })
  t.same([Object.keys(Array.prototype), Object.keys(String.prototype)], [[], []])
})

t.test('no text makes the readers of backups fail otherwise, nor appears in a message', async (t) => {
  const word = fc.constantFrom(...wordlist.slice(0, 300))
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.array(word, { minLength: 23, maxLength: 34 }).map((words) => words.join(' ')),
  )
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      try {
        seedOfWords(text)
      } catch (error) {
        if (!(error instanceof X0tError) || (text.length > 60 && error.message.includes(text))) return false
      }
      try {
        await seedOfShares([text])
      } catch (error) {
        if (!(error instanceof X0tError) || error.cause !== undefined) return false
        if (text.length > 60 && error.message.includes(text)) return false
      }
      return true
    }),
    { seed: 3, numRuns: 150 },
  )
  t.pass('150 texts')
})
