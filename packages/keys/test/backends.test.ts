import t from 'tap'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { cryptoBenchCases, loadNobleBackend, nativeBackend, runSelfTest, type CryptoBackend } from '@x0t/keys'
import { countingBytes, hex, needsVectors, vectorJson } from './vectors.ts'

const nobleBackend = await loadNobleBackend()
const backends = [nativeBackend, nobleBackend]
const message = Buffer.from('one message')
const context = Buffer.from('x0t/v1/test')

interface Groups<T> {
  readonly testGroups: readonly T[]
}

for (const backend of backends) {
  t.test(`${backend.name} back end complies`, async (t) => {
    for (const name of ['ed25519', 'mldsa65'] as const) {
      t.test(`${name} signatures hold for their key and message only`, async (t) => {
        const signer = backend[name]
        const publicKey = signer.publicKey(countingBytes(32))
        const signature = signer.sign(countingBytes(32), message)
        t.equal(signer.verify(publicKey, message, signature), true)
        t.equal(signer.verify(publicKey, Buffer.from('another'), signature), false)
        t.equal(signer.verify(signer.publicKey(new Uint8Array(32)), message, signature), false)
        t.equal(signer.verify(publicKey, message, signature.subarray(1)), false)
        t.equal(signer.verify(publicKey.subarray(1), message, signature), false)
        t.throws(() => signer.sign(new Uint8Array(31), message))
      })
    }

    t.test('ML-DSA-65 signatures hold under their context only', async (t) => {
      const { mldsa65 } = backend
      const publicKey = mldsa65.publicKey(countingBytes(32))
      const signature = mldsa65.sign(countingBytes(32), message, context)
      t.equal(mldsa65.verify(publicKey, message, signature, context), true)
      t.equal(mldsa65.verify(publicKey, message, signature), false)
      t.equal(mldsa65.verify(publicKey, message, mldsa65.sign(countingBytes(32), message), context), false)
    })

    t.test('plain Ed25519 refuses a context rather than become Ed25519ctx', async (t) => {
      t.throws(() => backend.ed25519.sign(countingBytes(32), message, context), TypeError)
      t.throws(
        () => backend.ed25519.verify(new Uint8Array(32), message, new Uint8Array(64), context),
        TypeError,
      )
      t.doesNotThrow(() => backend.ed25519.sign(countingBytes(32), message, new Uint8Array(0)))
    })

    t.test('ML-KEM-768 agrees, and a wrong ciphertext gives another secret without an error', async (t) => {
      const { mlkem768 } = backend
      const seed = countingBytes(64)
      const { sharedSecret, ciphertext } = mlkem768.encapsulate(mlkem768.publicKey(seed))
      t.same([...mlkem768.decapsulate(seed, ciphertext)], [...sharedSecret])
      const changed = Uint8Array.from(ciphertext)
      changed[0]! ^= 1
      t.not(Buffer.compare(mlkem768.decapsulate(seed, changed), sharedSecret), 0)
      t.throws(() => mlkem768.decapsulate(seed, ciphertext.subarray(1)))
      t.throws(() => mlkem768.encapsulate(new Uint8Array(1183)))
      t.throws(() => mlkem768.encapsulate(new Uint8Array(1184).fill(255)), 'coefficients of q or more')
    })

    t.test('X25519 agrees and refuses a peer of small order', async (t) => {
      const { x25519 } = backend
      const alice = countingBytes(32)
      const bob = new Uint8Array(32).fill(9)
      t.same(
        [...x25519.sharedSecret(alice, x25519.publicKey(bob))],
        [...x25519.sharedSecret(bob, x25519.publicKey(alice))],
      )
      t.throws(() => x25519.sharedSecret(alice, new Uint8Array(32)))
    })

    t.test('Wycheproof: ML-DSA-65 verification', needsVectors, async (t) => {
      const { testGroups } = vectorJson('wycheproof/mldsa_65_verify_test.json') as Groups<{
        publicKey: string
        tests: VerifyCase[]
      }>
      let count = 0
      const wrong: number[] = []
      for (const { publicKey, tests } of testGroups) {
        for (const { tcId, msg, sig, ctx = '', result } of tests) {
          count++
          // A context of more than 255 bytes is invalid, which noble and Node say by throwing.
          const holds = falseIfThrows(() =>
            backend.mldsa65.verify(hex(publicKey), hex(msg), hex(sig), hex(ctx)),
          )
          if (holds !== (result === 'valid')) wrong.push(tcId)
        }
      }
      t.equal(count, 210)
      t.same(wrong, [])
    })

    t.test('Wycheproof: ML-KEM-768 key generation and decapsulation', needsVectors, async (t) => {
      const generation = vectorJson('wycheproof/mlkem_768_keygen_seed_test.json') as Groups<{
        tests: KemCase[]
      }>
      const decapsulation = vectorJson('wycheproof/mlkem_768_test.json') as Groups<{ tests: KemCase[] }>
      const wrong: number[] = []
      let count = 0
      for (const { tests } of generation.testGroups) {
        for (const { tcId, seed, ek } of tests) {
          count++
          if (Buffer.from(backend.mlkem768.publicKey(hex(seed))).toString('hex') !== ek) wrong.push(tcId)
        }
      }
      for (const { tests } of decapsulation.testGroups) {
        for (const { tcId, seed, c, K, result } of tests) {
          count++
          const secret = emptyIfThrows(() => backend.mlkem768.decapsulate(hex(seed), hex(c)))
          if ((secret !== '' && secret === K) !== (result === 'valid')) wrong.push(tcId)
        }
      }
      t.equal(count, 293)
      t.same(wrong, [])
    })

    t.test('Wycheproof: ML-KEM-768 takes and refuses the same keys', needsVectors, async (t) => {
      const { testGroups } = vectorJson('wycheproof/mlkem_768_encaps_test.json') as Groups<{
        tests: KemCase[]
      }>
      const wrong: number[] = []
      let count = 0
      for (const { tests } of testGroups) {
        for (const { tcId, ek, result } of tests) {
          count++
          const taken = emptyIfThrows(() => backend.mlkem768.encapsulate(hex(ek)).sharedSecret) !== ''
          if (taken !== (result === 'valid')) wrong.push(tcId)
        }
      }
      t.equal(count, 265)
      t.same(wrong, [])
    })
  })
}

t.test('Wycheproof: deterministic ML-DSA-65 signing gives the published bytes', needsVectors, async (t) => {
  const { testGroups } = vectorJson('wycheproof/mldsa_65_sign_seed_test.json') as Groups<SignGroup>
  let compared = 0
  const wrong: number[] = []
  for (const group of testGroups) {
    if (group.privateSeed.length !== 64) continue // invalid seeds: nothing to sign with
    const seed = hex(group.privateSeed)
    const { secretKey } = ml_dsa65.keygen(seed)
    t.equal(Buffer.from(nativeBackend.mldsa65.publicKey(seed)).toString('hex'), group.publicKey)
    for (const { tcId, msg, ctx = '', sig, result, flags } of group.tests) {
      if (result !== 'valid' || msg === undefined || ctx.length > 510) continue
      const published = hex(sig)
      if (!nativeBackend.mldsa65.verify(hex(group.publicKey), hex(msg), published, hex(ctx))) wrong.push(tcId)
      if (flags.includes('Randomized') || tcId === 109) continue
      const own = ml_dsa65.sign(hex(msg), secretKey, { extraEntropy: false, context: hex(ctx) })
      compared++
      if (!published.equals(own)) wrong.push(tcId)
    }
  }
  t.same(wrong, [])
  t.ok(compared > 70, `${compared} compared`)
})

t.test('the self-test passes here', async (t) => {
  const results = await runSelfTest()
  t.same(
    results.filter(({ ok }) => !ok),
    [],
  )
  t.equal(results.length, 21)
})

t.test('the self-test finds a back end that is wrong or fails', async (t) => {
  const broken: CryptoBackend = {
    ...nativeBackend,
    mldsa65: { ...nativeBackend.mldsa65, verify: () => true },
    mlkem768: {
      ...nativeBackend.mlkem768,
      decapsulate() {
        throw new Error('no such ciphertext')
      },
    },
  }
  const failures = (await runSelfTest([broken, nobleBackend])).filter(({ ok }) => !ok)
  t.ok(failures.some(({ claim }) => claim.startsWith('ML-DSA-65 verifies')))
  t.ok(failures.some(({ failure }) => failure === 'no such ciphertext'))
})

t.test('every benchmark case runs', async (t) => {
  const cases = await cryptoBenchCases()
  for (const { run } of cases) await run()
  t.same([...new Set(cases.map(({ backend }) => backend))], ['native', 'noble', 'webcrypto'])
  t.ok(cases.some(({ primitive, backend }) => primitive === 'ml-dsa-65 verify' && backend === 'noble'))
})

interface VerifyCase {
  readonly tcId: number
  readonly msg: string
  readonly sig: string
  readonly ctx?: string
  readonly result: string
}

interface SignGroup {
  readonly privateSeed: string
  readonly publicKey: string
  readonly tests: readonly SignCase[]
}

interface SignCase {
  readonly tcId: number
  readonly msg?: string
  readonly ctx?: string
  readonly sig: string
  readonly result: string
  readonly flags: readonly string[]
}

interface KemCase {
  readonly tcId: number
  readonly seed: string
  readonly ek: string
  readonly c: string
  readonly K: string
  readonly result: string
}

function falseIfThrows(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}

function emptyIfThrows(make: () => Uint8Array): string {
  try {
    return Buffer.from(make()).toString('hex')
  } catch {
    return ''
  }
}
