import t from 'tap'
import fc from 'fast-check'
import { createHash } from 'node:crypto'
import {
  ageIdentityOf,
  ageRecipientOf,
  createIdentity,
  deriveSecret,
  derivationPurposes,
  epochOfNodeId,
  generateMasterSeed,
  hybridSign,
  hybridSignatureBytes,
  hybridSignDigest,
  hybridVerify,
  hybridVerifyDigest,
  keyIdOf,
  nodeIdOfKeys,
  type DerivationPurpose,
} from '@x0t/keys'
import { base32Encode } from '@x0t/core'
import { identityToRecipient } from 'age-encryption'
import { countingBytes, hex } from './vectors.ts'

const seed = new Uint8Array(32).fill(7)

// HKDF-SHA512 of 32 bytes 07 without salt, info x0t/v1/<purpose>/0: computed apart, with Python's hmac.
const derived: Record<DerivationPurpose, string> = {
  'sign-ed25519': '1bdb48f07e8bbaebf59c58acccecd19180c6bcfb037a29ffe7337393b2f0b6bc',
  'sign-mldsa65': 'cc9d91df8526757d527d5fd377010aa39ec0b61010f9bc2f5c63ab5563921c2f',
  'kem-x25519': '15c6b5e1f223f2c97defcd5ec7d12b36ee6a02791993a5bbc73657e265dec7dd',
  'kem-mlkem768':
    'd0e5ecd49167ff59cf7cd0f8e80a1282ebba8217e427b873b84cd335d035b1ea51ff02346c8c4036aeb8ea48b3179cc4d48bee98674187c3c2de0c87c8da7b55',
  libp2p: '96093ed20e0afec2fd0d1faba0417924e3f58519a6fad22582ea4c8ea6e19e37',
  age: '45e3114a0b68e2f7e632485f6985e8dcc7f47013268bd1988f11b2fe8c82e9ea',
}

for (const purpose of Object.keys(derivationPurposes) as DerivationPurpose[]) {
  t.test(`what is derived for ${purpose} never changes`, async (t) => {
    t.equal(Buffer.from(deriveSecret(seed, purpose, 0)).toString('hex'), derived[purpose])
  })
}

t.test('another epoch gives other secrets', async (t) => {
  t.equal(
    Buffer.from(deriveSecret(seed, 'age', 1)).toString('hex'),
    'f4337fb4e8cd0efba11cf79760e29e07ae2be82a2de23e4c0c018693861d9221',
  )
})

t.test('a master seed comes from the random source that is passed in', async (t) => {
  const random = { bytes: (length: number) => new Uint8Array(length).fill(3) }
  t.same(generateMasterSeed(random), new Uint8Array(32).fill(3))
  t.not(Buffer.compare(generateMasterSeed(), generateMasterSeed()), 0, 'the system gives another each time')
})

t.test('seeds and epochs out of range are refused', async (t) => {
  t.throws(() => createIdentity(new Uint8Array(31)), RangeError)
  for (const epoch of [-1, 0.5, 2 ** 32, Number.NaN]) t.throws(() => createIdentity(seed, epoch), RangeError)
  t.equal(createIdentity(seed, 2 ** 32 - 1).epoch, 2 ** 32 - 1)
})

t.test('an identity has four keys of the standard lengths, the same each time', async (t) => {
  const identity = createIdentity(seed)
  t.equal(identity.ed25519.publicRaw.length, 32)
  t.equal(identity.mldsa65.publicRaw.length, 1952)
  t.equal(identity.x25519.publicRaw.length, 32)
  t.equal(identity.mlkem768.publicRaw.length, 1184)
  t.equal(identity.mldsa65.privateKey.asymmetricKeyType, 'ml-dsa-65')
  t.equal(createIdentity(seed).nodeId, identity.nodeId)
  t.not(createIdentity(seed, 1).nodeId, identity.nodeId)
})

t.test('the node id is SHA-256 of prefix and both signature keys', async (t) => {
  const { ed25519, mldsa65, nodeId } = createIdentity(seed)
  const bytes = Buffer.concat([Buffer.from('x0t-id-v1'), ed25519.publicRaw, mldsa65.publicRaw])
  t.equal(nodeId, base32Encode(createHash('sha256').update(bytes).digest()))
  t.not(nodeIdOfKeys(new Uint8Array(32), mldsa65.publicRaw), nodeId, 'the Ed25519 key counts')
  t.not(nodeIdOfKeys(ed25519.publicRaw, new Uint8Array(1952)), nodeId, 'the ML-DSA-65 key counts')
  t.throws(() => nodeIdOfKeys(ed25519.publicRaw.subarray(1), mldsa65.publicRaw), RangeError)
  t.throws(() => nodeIdOfKeys(ed25519.publicRaw, mldsa65.publicRaw.subarray(1)), RangeError)
})

t.test('the key id is the SHA-256 of the SPKI in base32', async (t) => {
  const { ed25519 } = createIdentity(seed)
  const spki = ed25519.publicKey.export({ type: 'spki', format: 'der' })
  t.equal(
    keyIdOf({ algorithm: 'ed25519', raw: ed25519.publicRaw }),
    base32Encode(createHash('sha256').update(spki).digest()),
  )
})

t.test('the age recipient is the one that age derives from the identity', async (t) => {
  const ageIdentity = ageIdentityOf(seed, 0)
  t.match(ageIdentity, /^AGE-SECRET-KEY-PQ-1[0-9A-Z]+$/)
  t.equal(await identityToRecipient(ageIdentity), ageRecipientOf(seed, 0))
})

t.test('the epoch of an id is found again, and a foreign id is refused', async (t) => {
  t.equal(epochOfNodeId(seed, createIdentity(seed, 5).nodeId), 5)
  const foreign = createIdentity(countingBytes(32)).nodeId
  t.throws(() => epochOfNodeId(seed, foreign), { code: 'KEY_ID_MISMATCH' })
})

t.test('hybrid signatures', async (t) => {
  const identity = createIdentity(seed)
  const keys = { ed25519PublicRaw: identity.ed25519.publicRaw, mldsa65PublicRaw: identity.mldsa65.publicRaw }
  const message = Buffer.from('ban of node 7')
  const signature = hybridSign(identity, message, 'x0t/v1/test')

  t.test('hold under their keys, message and context only', async (t) => {
    t.equal(signature.length, hybridSignatureBytes)
    t.equal(hybridVerify(keys, message, 'x0t/v1/test', signature), true)
    t.equal(hybridVerify(keys, message, Buffer.from('x0t/v1/test'), signature), true)
    t.equal(hybridVerify(keys, message, 'x0t/v1/tes', signature), false)
    t.equal(hybridVerify(keys, Buffer.from('ban of node 8'), 'x0t/v1/test', signature), false)
  })

  t.test('fail where either half is of another key', async (t) => {
    const other = createIdentity(seed, 1)
    const foreign = hybridSign(other, message, 'x0t/v1/test')
    const half = 3309
    const mixed = (from: Uint8Array, to: Uint8Array) =>
      Buffer.concat([from.subarray(0, half), to.subarray(half)])
    t.equal(hybridVerify(keys, message, 'x0t/v1/test', mixed(foreign, signature)), false)
    t.equal(hybridVerify(keys, message, 'x0t/v1/test', mixed(signature, foreign)), false)
    t.equal(
      hybridVerify({ ...keys, mldsa65PublicRaw: other.mldsa65.publicRaw }, message, 'x0t/v1/test', signature),
      false,
    )
  })

  t.test('are false, not an error, for keys and signatures of wrong form', async (t) => {
    t.equal(hybridVerify(keys, message, '', signature.subarray(1)), false)
    t.equal(hybridVerify({ ...keys, ed25519PublicRaw: new Uint8Array(31) }, message, '', signature), false)
    t.equal(hybridVerify({ ...keys, mldsa65PublicRaw: new Uint8Array(3) }, message, '', signature), false)
  })

  t.test('take a context of 255 bytes and no longer one', async (t) => {
    const longest = 'c'.repeat(255)
    t.equal(hybridVerify(keys, message, longest, hybridSign(identity, message, longest)), true)
    t.throws(() => hybridSign(identity, message, `${longest}c`), RangeError)
  })

  t.test('of a digest equal those of the message', async (t) => {
    const digest = createHash('sha512').update(message).digest()
    t.equal(hybridVerifyDigest(keys, digest, 'x0t/v1/test', signature), true)
    t.equal(hybridVerify(keys, message, 'c', hybridSignDigest(identity, digest, 'c')), true)
    t.throws(() => hybridSignDigest(identity, digest.subarray(1), 'c'), RangeError)
  })

  t.test('follow Composite ML-DSA: both halves sign prefix, label, context and SHA-512', async (t) => {
    const { verify } = await import('node:crypto')
    const representative = Buffer.concat([
      hex('436f6d706f73697465416c676f726974686d5369676e61747572657332303235'),
      Buffer.from('COMPSIG-MLDSA65-Ed25519-SHA512'),
      Buffer.from([11]),
      Buffer.from('x0t/v1/test'),
      createHash('sha512').update(message).digest(),
    ])
    const context = Buffer.from('COMPSIG-MLDSA65-Ed25519-SHA512')
    const { mldsa65, ed25519 } = identity
    t.equal(
      verify(null, representative, { key: mldsa65.publicKey, context }, signature.subarray(0, 3309)),
      true,
    )
    t.equal(verify(null, representative, ed25519.publicKey, signature.subarray(3309)), true)
  })

  t.test('break with any changed byte', async (t) => {
    fc.assert(
      fc.property(fc.nat(signature.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const copy = Uint8Array.from(signature)
        copy[at]! ^= change
        return !hybridVerify(keys, message, 'x0t/v1/test', copy)
      }),
      { seed: 1, numRuns: 60 },
    )
    t.pass('60 changes')
  })
})
