import t from 'tap'
import fc from 'fast-check'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { X0tError } from '@x0t/core'
import {
  algorithms,
  createIdentity,
  decodePem,
  decodePkcs8,
  decodePrivateJwk,
  decodePrivateKeyPem,
  decodePublicJwk,
  decodePublicKeyPem,
  decodeSpki,
  encodePem,
  encodePkcs8,
  encodePrivateJwk,
  encodePrivateKeyPem,
  encodePublicJwk,
  encodePublicKeyPem,
  encodeSpki,
  encryptPkcs8,
  inspectKeyText,
  keyAlgorithms,
  keySeed,
  nativeBackend,
  parseIdentity,
  parsePublicIdentity,
  privateKeyFromSeed,
} from '@x0t/keys'
import { derValue, isWholeSequence } from '../src/der.ts'
import { countingBytes, needsVectors, vectorText } from './vectors.ts'

const masterSeed = new Uint8Array(32).fill(5)
const identity = createIdentity(masterSeed)

for (const algorithm of keyAlgorithms) {
  const seed = keySeed(masterSeed, algorithm, 0)
  const raw = identity[algorithm].publicRaw

  t.test(`${algorithm}: our PKCS#8 and SPKI are byte for byte those of OpenSSL`, async (t) => {
    const native = privateKeyFromSeed(algorithm, seed)
    t.same(encodePkcs8({ algorithm, seed }), native.export({ type: 'pkcs8', format: 'der' }))
    t.same(encodePrivateKeyPem({ algorithm, seed }), native.export({ type: 'pkcs8', format: 'pem' }))
    const publicKey = createPublicKey(native)
    t.same(encodeSpki({ algorithm, raw }), publicKey.export({ type: 'spki', format: 'der' }))
    t.same(encodePublicKeyPem({ algorithm, raw }), publicKey.export({ type: 'spki', format: 'pem' }))
  })

  t.test(`${algorithm}: our JWK is the one of Node, both ways`, async (t) => {
    const native = privateKeyFromSeed(algorithm, seed)
    t.same(encodePrivateJwk({ algorithm, seed }), native.export({ format: 'jwk' }))
    t.same(decodePrivateJwk(native.export({ format: 'jwk' })), { algorithm, seed })
    t.same(decodePublicJwk(encodePublicJwk({ algorithm, raw })), { algorithm, raw: Uint8Array.from(raw) })
  })

  t.test(`${algorithm}: every private format comes back as the seed`, async (t) => {
    t.same(decodePkcs8(encodePkcs8({ algorithm, seed })), { algorithm, seed })
    t.same(decodePrivateKeyPem(encodePrivateKeyPem({ algorithm, seed })), { algorithm, seed })
    const encrypted = encryptPkcs8(encodePkcs8({ algorithm, seed }), 'a passphrase')
    t.same(decodePrivateKeyPem(encrypted, 'a passphrase'), { algorithm, seed })
    const byNode = createPrivateKey({ key: encrypted, passphrase: 'a passphrase' })
    t.equal(byNode.asymmetricKeyType, algorithms[algorithm].nodeName)
  })

  t.test(`${algorithm}: trailing bytes, other lengths and labels are refused`, async (t) => {
    const pkcs8 = encodePkcs8({ algorithm, seed })
    const spki = encodeSpki({ algorithm, raw })
    const more = Buffer.of(0)
    t.throws(() => decodePkcs8(Buffer.concat([pkcs8, more])), { code: 'KEY_INVALID' })
    t.throws(() => decodePkcs8(pkcs8.subarray(0, -1)), { code: 'KEY_INVALID' })
    t.throws(() => decodeSpki(Buffer.concat([spki, more])), { code: 'KEY_INVALID' })
    t.throws(() => decodeSpki(spki.subarray(0, -1)), { code: 'KEY_INVALID' })
    t.throws(() => decodePublicKeyPem(encodePem('PUBLIC KEYS', spki)), { code: 'KEY_INVALID' })
    t.throws(() => decodePrivateKeyPem(encodePem('EC PRIVATE KEY', pkcs8)), { code: 'KEY_INVALID' })
    t.throws(() => encodePkcs8({ algorithm, seed: seed.subarray(1) }), RangeError)
    t.throws(() => encodeSpki({ algorithm, raw: raw.subarray(1) }), RangeError)
  })

  t.test(`${algorithm}: private and public are not taken for each other`, async (t) => {
    const privatePem = encodePrivateKeyPem({ algorithm, seed })
    t.throws(() => decodePublicKeyPem(privatePem), { code: 'KEY_IS_PRIVATE' })
    t.throws(() => decodePrivateKeyPem(encodePublicKeyPem({ algorithm, raw })), { code: 'KEY_IS_PUBLIC' })
    t.throws(() => decodePublicJwk(encodePrivateJwk({ algorithm, seed })), { code: 'KEY_IS_PRIVATE' })
    t.throws(() => decodePrivateJwk(encodePublicJwk({ algorithm, raw })), { code: 'KEY_IS_PUBLIC' })
  })
}

t.test('PEM is one whole block and nothing else', async (t) => {
  const pem = encodePublicKeyPem({ algorithm: 'mldsa65', raw: identity.mldsa65.publicRaw })
  t.equal(decodePem(pem).label, 'PUBLIC KEY')
  t.same(decodePem(pem.replaceAll('\n', '\r\n')), decodePem(pem), 'CRLF is no other content')
  t.same(decodePem(pem.trimEnd()), decodePem(pem))
  const lines = pem.split('\n')
  for (const [why, text] of Object.entries({
    'text before': `hello\n${pem}`,
    'a byte-order mark': `\u{feff}${pem}`,
    'a second block': pem + pem,
    'text after': `${pem}x`,
    'a blank line after': `${pem}\n`,
    'no end': lines.slice(0, -2).join('\n'),
    'another label at the end': pem.replace('END PUBLIC', 'END PRIVATE'),
    'a line of other length': [...lines.slice(0, 2), '', ...lines.slice(2)].join('\n'),
    'a character that is not base64': pem.replace(/\n[A-Za-z]/, '\n!'),
    'no content': '-----BEGIN A-----\n-----END A-----\n',
    nothing: '',
    'too much': `-----BEGIN A-----\n${'A'.repeat(70_000)}`,
  }))
    t.throws(() => decodePem(text), { code: 'KEY_INVALID' }, why)
})

t.test('base64 with stray bits is refused', async (t) => {
  // "AB==" has bits set that belong to no byte; only "AA==" is canonical.
  t.throws(() => decodePem('-----BEGIN A-----\nAB==\n-----END A-----\n'), { code: 'KEY_INVALID' })
  t.same(decodePem('-----BEGIN A-----\nAA==\n-----END A-----\n').bytes, Buffer.of(0))
})

t.test('DER lengths are written and required in the shortest form', async (t) => {
  for (const length of [0, 127, 128, 255, 256, 4000])
    t.equal(isWholeSequence(derValue(0x30, new Uint8Array(length))), true, String(length))
  t.equal(isWholeSequence(Buffer.of(0x30, 0x81, 0x01, 0)), false, 'long form for a short length')
  t.equal(isWholeSequence(Buffer.of(0x30, 0x82, 0x00, 0x01, 0)), false)
  t.equal(isWholeSequence(Buffer.of(0x30, 0x80, 0, 0)), false, 'indefinite length')
  t.equal(isWholeSequence(Buffer.of(0x31, 0)), false)
  t.equal(isWholeSequence(new Uint8Array(0)), false)
  t.throws(() => derValue(0x30, new Uint8Array(70_000)), RangeError)
})

t.test('a JWK whose halves do not belong together is refused', async (t) => {
  const jwk = encodePrivateJwk({ algorithm: 'ed25519', seed: countingBytes(32) }) as { kty: 'OKP'; d: string }
  const other = encodePrivateJwk({ algorithm: 'ed25519', seed: new Uint8Array(32) }) as { d: string }
  t.throws(() => decodePrivateJwk({ ...jwk, d: other.d }), { code: 'KEY_INVALID' })
  t.throws(() => decodePrivateJwk({ ...jwk, d: `${jwk.d}=` }), { code: 'KEY_INVALID' })
  t.throws(() => decodePublicJwk({ kty: 'RSA' }), { code: 'KEY_ALGORITHM_UNKNOWN' })
  t.throws(() => decodePublicJwk({ kty: 'AKP', alg: 'ML-DSA-44', pub: '' }), {
    code: 'KEY_ALGORITHM_UNKNOWN',
  })
  t.throws(() => decodePublicJwk({ kty: 'OKP', crv: 'ML-DSA-65', x: '' }), { code: 'KEY_ALGORITHM_UNKNOWN' })
  for (const value of [null, 7, [], 'text']) t.throws(() => decodePublicJwk(value), { code: 'KEY_INVALID' })
})

t.test('encrypted PKCS#8 names a wrong, an empty and a missing passphrase', async (t) => {
  const pkcs8 = encodePkcs8({ algorithm: 'mldsa65', seed: countingBytes(32) })
  const encrypted = encryptPkcs8(pkcs8, 'right')
  t.throws(() => decodePrivateKeyPem(encrypted, 'wrong'), { code: 'KEY_PASSPHRASE_WRONG' })
  t.throws(() => decodePrivateKeyPem(encrypted, ''), { code: 'KEY_PASSPHRASE_WRONG' })
  t.throws(() => decodePrivateKeyPem(encrypted), { code: 'KEY_PASSPHRASE_NEEDED' })
  t.throws(() => encryptPkcs8(pkcs8, ''), { code: 'KEY_PASSPHRASE_NEEDED' })
  const { bytes } = decodePem(encrypted)
  const longer = encodePem('ENCRYPTED PRIVATE KEY', Buffer.concat([bytes, Buffer.of(0)]))
  t.throws(() => decodePrivateKeyPem(longer, 'right'), { code: 'KEY_INVALID' })
})

t.test('what Node encrypts by itself is read too', async (t) => {
  const native = privateKeyFromSeed('x25519', countingBytes(32))
  const pem = native.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'p',
  })
  t.same(decodePrivateKeyPem(pem, 'p').seed, countingBytes(32))
})

t.test('keys of other algorithms are named as such', async (t) => {
  for (const type of ['ml-dsa-44', 'ml-kem-1024', 'ed448'] as const) {
    const { privateKey, publicKey } = generateKeyPairSync(type as 'ed448')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    t.throws(() => decodePrivateKeyPem(pem), { code: 'KEY_ALGORITHM_UNKNOWN' }, type)
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    t.throws(() => decodeSpki(spki), { code: 'KEY_ALGORITHM_UNKNOWN' }, type)
  }
})

t.test('an ML-KEM key with coefficients out of range is refused', async (t) => {
  const spki = Buffer.concat([
    Buffer.from(algorithms.mlkem768.spkiPrefix, 'hex'),
    new Uint8Array(1184).fill(255),
  ])
  t.throws(() => decodeSpki(spki), { code: 'KEY_INVALID' })
})

t.test('examples of RFC 9881 and RFC 9935', needsVectors, async (t) => {
  for (const [folder, name, algorithm, seedLength] of [
    ['rfc9881-mldsa', 'ML-DSA-65', 'mldsa65', 32],
    ['rfc9935-mlkem', 'ML-KEM-768', 'mlkem768', 64],
  ] as const) {
    const read = (file: string): string => vectorText(`${folder}/${file}`)
    const expected = { algorithm, seed: countingBytes(seedLength) }
    t.same(decodePrivateKeyPem(read(`${name}-seed.priv`)), expected)
    t.same(decodePrivateKeyPem(read(`${name}-both.priv`)), expected)
    t.throws(() => decodePrivateKeyPem(read(`${name}-expanded.priv`)), { code: 'KEY_NO_SEED' })
    const { raw } = decodePublicKeyPem(read(`${name}.pub`))
    t.same([...raw], [...nativeBackend[algorithm].publicKey(expected.seed)])
    t.equal(encodePrivateKeyPem(expected), read(`${name}-seed.priv`))
    t.equal(encodePublicKeyPem({ algorithm, raw }), read(`${name}.pub`))
  }
  for (const name of ['ML-DSA-44', 'ML-DSA-87'])
    t.throws(() => decodePrivateKeyPem(vectorText(`rfc9881-mldsa/${name}-seed.priv`)), {
      code: 'KEY_ALGORITHM_UNKNOWN',
    })
  const bad = [1, 2, 3].map((index) => `rfc9881-mldsa/bad-ML-DSA-44-${index}.priv`)
  bad.push(...[1, 2, 3, 4].map((index) => `rfc9935-mlkem/bad-ML-KEM-512-${index}.priv`))
  for (const file of bad) t.throws(() => decodePrivateKeyPem(vectorText(file)), { code: 'KEY_INVALID' }, file)
})

t.test(
  'no input makes a reader fail otherwise than by its error, and no message repeats the input',
  async (t) => {
    const secretText = encodePrivateKeyPem({ algorithm: 'mlkem768', seed: countingBytes(64) })
    const secretJwk = JSON.stringify(encodePrivateJwk({ algorithm: 'ed25519', seed: countingBytes(32) }))
    const readers: ((text: string) => unknown)[] = [
      (text) => decodePem(text),
      (text) => decodePrivateKeyPem(text, 'p'),
      (text) => decodePublicKeyPem(text),
      (text) => decodePkcs8(Buffer.from(text, 'latin1')),
      (text) => decodeSpki(Buffer.from(text, 'latin1')),
      (text) => parseIdentity(Buffer.from(text, 'latin1')),
      (text) => parsePublicIdentity(text),
      (text) => inspectKeyText(text),
      (text) => decodePrivateJwk(JSON.parse(text)),
    ]
    const damaged = fc
      .tuple(fc.constantFrom(secretText, secretJwk), fc.nat(), fc.string({ maxLength: 3 }))
      .map(([text, at, part]) => {
        const index = at % text.length
        return text.slice(0, index) + part + text.slice(index + 1)
      })
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.json(), damaged), (text) => {
        for (const read of readers) {
          try {
            read(text)
          } catch (error) {
            if (error instanceof SyntaxError && read === readers.at(-1)) continue // JSON.parse of the test itself
            if (!(error instanceof X0tError)) return false
            if (/ISIjJCUm|AAECAwQF|ICEiIyQl/.test(error.message)) return false // base64 of the seed
          }
        }
        return true
      }),
      { seed: 2, numRuns: 400 },
    )
    t.pass('400 inputs')
  },
)
