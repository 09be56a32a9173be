import { createHash } from 'node:crypto'
import { messageOf } from '@x0t/core'
import type { CryptoBackend } from './crypto-backend.ts'
import { hybridSign, hybridVerify } from './hybrid-signature.ts'
import { createIdentity } from './identity.ts'
import { nativeBackend } from './native-backend.ts'
import { loadNobleBackend } from './portable.ts'

/** The outcome of one check. */
export interface SelfTestResult {
  readonly backend: 'native' | 'noble' | 'both'
  /** A sentence that holds if `ok`. */
  readonly claim: string
  readonly ok: boolean
  /** Why it does not hold. */
  readonly failure?: string
}

const wycheproofMessage = Buffer.from('Hello world')

type Check = readonly [claim: string, holds: () => boolean]

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const countingBytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const equal = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0

/** Known answers and cross-checks of both back ends on this machine; takes some tens of milliseconds. */
export async function runSelfTest(
  backends?: readonly [CryptoBackend, CryptoBackend],
): Promise<readonly SelfTestResult[]> {
  const [one, other] = backends ?? [nativeBackend, await loadNobleBackend()]
  // The deterministic variant, which only noble offers.
  const { ml_dsa65 } = await import('@noble/post-quantum/ml-dsa.js')
  const { publicKey, secretKey } = ml_dsa65.keygen(new Uint8Array(32).fill(0x2a))
  const signature = ml_dsa65.sign(wycheproofMessage, secretKey, { extraEntropy: false })
  return [
    ...[one, other].flatMap((backend) => run(backend.name, knownAnswers(backend, publicKey, signature))),
    ...run('both', [...crossChecks(one, other), ...crossChecks(other, one), ...hybridChecks()]),
  ]
}

function run(backend: SelfTestResult['backend'], checks: readonly Check[]): SelfTestResult[] {
  return checks.map(([claim, holds]) => {
    try {
      return holds() ? { backend, claim, ok: true } : { backend, claim, ok: false, failure: 'another result' }
    } catch (error) {
      return { backend, claim, ok: false, failure: messageOf(error) }
    }
  })
}

function knownAnswers(
  backend: CryptoBackend,
  dsaPublicKey: Uint8Array,
  dsaSignature: Uint8Array,
): readonly Check[] {
  const { ed25519, x25519, mldsa65, mlkem768 } = backend
  return [
    [
      'Ed25519 gives the key and signature of RFC 8032 §7.1, test 2',
      () => {
        const seed = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')
        const publicKey = hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
        const signature = hex(
          '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
            '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
        )
        const message = hex('72')
        return (
          equal(ed25519.publicKey(seed), publicKey) &&
          equal(ed25519.sign(seed, message), signature) &&
          ed25519.verify(publicKey, message, signature) &&
          !ed25519.verify(publicKey, hex('73'), signature)
        )
      },
    ],
    [
      'X25519 gives the shared secret of RFC 7748 §6.1',
      () => {
        const bob = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
        const alicePublic = hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
        return equal(
          x25519.sharedSecret(bob, alicePublic),
          hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'),
        )
      },
    ],
    [
      'ML-DSA-65 gives the public key of RFC 9881, appendix C',
      () =>
        sha256(mldsa65.publicKey(countingBytes(32))) ===
        'd666806e11cee19a7c989f7445f90dd419cf4d2d51db8c0fdb4c0f0a542238c9',
    ],
    [
      'ML-DSA-65 verifies the deterministic signature of Wycheproof, case 1',
      () => {
        return (
          sha256(dsaSignature) === '39fbbb0d97a52c79844213b325af823a7f16a174e00a5b3daeb3e6e6d1c89681' &&
          mldsa65.verify(dsaPublicKey, wycheproofMessage, dsaSignature) &&
          !mldsa65.verify(dsaPublicKey, wycheproofMessage, dsaSignature, hex('00'))
        )
      },
    ],
    [
      'ML-KEM-768 gives the public key of RFC 9935, appendix C',
      () =>
        sha256(mlkem768.publicKey(countingBytes(64))) ===
        '0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9',
    ],
    [
      'ML-KEM-768 rejects a foreign ciphertext implicitly, with SHAKE256(z ‖ c) of FIPS 203, algorithm 18',
      () => {
        const ciphertext = new Uint8Array(1088)
        const z = countingBytes(64).subarray(32)
        const expected = createHash('shake256', { outputLength: 32 }).update(z).update(ciphertext).digest()
        return equal(mlkem768.decapsulate(countingBytes(64), ciphertext), expected)
      },
    ],
    [
      'HKDF-SHA512 gives the seed of a known identity',
      () =>
        equal(
          backend.hkdfSha512(new Uint8Array(32).fill(7), 'x0t/v1/sign-ed25519/0', 32),
          hex('1bdb48f07e8bbaebf59c58acccecd19180c6bcfb037a29ffe7337393b2f0b6bc'),
        ),
    ],
  ]
}

function crossChecks(one: CryptoBackend, other: CryptoBackend): readonly Check[] {
  const message = Buffer.from('x0t self-test')
  const context = Buffer.from('x0t/v1/self-test')
  return [
    [
      `${other.name} verifies the ML-DSA-65 signature of ${one.name}, under its context only`,
      () => {
        const seed = countingBytes(32)
        const signature = one.mldsa65.sign(seed, message, context)
        const publicKey = other.mldsa65.publicKey(seed)
        return (
          other.mldsa65.verify(publicKey, message, signature, context) &&
          !other.mldsa65.verify(publicKey, message, signature)
        )
      },
    ],
    [
      `${other.name} opens the ML-KEM-768 ciphertext of ${one.name}`,
      () => {
        const seed = countingBytes(64)
        const { sharedSecret, ciphertext } = one.mlkem768.encapsulate(other.mlkem768.publicKey(seed))
        return equal(other.mlkem768.decapsulate(seed, ciphertext), sharedSecret)
      },
    ],
    [
      `${other.name} agrees with ${one.name} on X25519 and Ed25519`,
      () => {
        const seed = countingBytes(32)
        const peer = one.x25519.publicKey(new Uint8Array(32).fill(9))
        return (
          equal(one.x25519.sharedSecret(seed, peer), other.x25519.sharedSecret(seed, peer)) &&
          other.ed25519.verify(one.ed25519.publicKey(seed), message, one.ed25519.sign(seed, message))
        )
      },
    ],
  ]
}

function hybridChecks(): readonly Check[] {
  return [
    [
      'a hybrid signature holds only with both halves and its context',
      () => {
        const identity = createIdentity(countingBytes(32))
        const keys = {
          ed25519PublicRaw: identity.ed25519.publicRaw,
          mldsa65PublicRaw: identity.mldsa65.publicRaw,
        }
        const message = Buffer.from('x0t self-test')
        const signature = hybridSign(identity, message, 'self-test')
        const holds = (changed: number): boolean => {
          const copy = Uint8Array.from(signature)
          copy[changed]! ^= 1
          return hybridVerify(keys, message, 'self-test', copy)
        }
        return (
          hybridVerify(keys, message, 'self-test', signature) &&
          !hybridVerify(keys, message, 'other', signature) &&
          !holds(0) &&
          !holds(signature.length - 1)
        )
      },
    ],
  ]
}
