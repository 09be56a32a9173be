import {
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  sign,
  verify,
  webcrypto,
} from 'node:crypto'
import { x25519 as nobleX25519, ed25519 as nobleEd25519 } from '@noble/curves/ed25519.js'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { hybridSign, hybridVerify } from './hybrid-signature.ts'
import { createIdentity } from './identity.ts'

/** One operation to time. `run` does it once, on keys that are ready. */
export interface CryptoBenchCase {
  readonly primitive: string
  readonly backend: 'native' | 'noble' | 'webcrypto'
  readonly run: () => void | Promise<void>
}

const message = new Uint8Array(256).fill(0x5a)
const seed32 = Uint8Array.from({ length: 32 }, (_, index) => index)
const seed64 = Uint8Array.from({ length: 64 }, (_, index) => index)

/** See `cryptoBenchCases` in portable.ts. */
export async function makeCryptoBenchCases(): Promise<readonly CryptoBenchCase[]> {
  return [...nativeCases(), ...nobleCases(), ...(await webcryptoCases())]
}

function nativeCases(): CryptoBenchCase[] {
  const identity = createIdentity(seed32)
  const { ed25519, mldsa65, x25519, mlkem768 } = identity
  const keys = { ed25519PublicRaw: ed25519.publicRaw, mldsa65PublicRaw: mldsa65.publicRaw }
  const ed25519Signature = sign(null, message, ed25519.privateKey)
  const mldsa65Signature = sign(null, message, mldsa65.privateKey)
  const hybridSignature = hybridSign(identity, message, 'bench')
  const { ciphertext } = encapsulate(mlkem768.publicKey)
  return cases('native', {
    'identity from seed': () => createIdentity(seed32),
    'ed25519 keygen': () => generateKeyPairSync('ed25519'),
    'ed25519 sign': () => sign(null, message, ed25519.privateKey),
    'ed25519 verify': () => verify(null, message, ed25519.publicKey, ed25519Signature),
    'ml-dsa-65 keygen': () => generateKeyPairSync('ml-dsa-65'),
    'ml-dsa-65 sign': () => sign(null, message, mldsa65.privateKey),
    'ml-dsa-65 verify': () => verify(null, message, mldsa65.publicKey, mldsa65Signature),
    'hybrid sign': () => hybridSign(identity, message, 'bench'),
    'hybrid verify': () => hybridVerify(keys, message, 'bench', hybridSignature),
    'x25519 keygen': () => generateKeyPairSync('x25519'),
    'x25519 agree': () => diffieHellman({ privateKey: x25519.privateKey, publicKey: x25519.publicKey }),
    'ml-kem-768 keygen': () => generateKeyPairSync('ml-kem-768'),
    'ml-kem-768 encapsulate': () => encapsulate(mlkem768.publicKey),
    'ml-kem-768 decapsulate': () => decapsulate(mlkem768.privateKey, ciphertext),
  })
}

function nobleCases(): CryptoBenchCase[] {
  const ed25519Public = nobleEd25519.getPublicKey(seed32)
  const ed25519Signature = nobleEd25519.sign(message, seed32)
  const dsa = ml_dsa65.keygen(seed32)
  const dsaSignature = ml_dsa65.sign(message, dsa.secretKey)
  const x25519Public = nobleX25519.getPublicKey(seed32)
  const kem = ml_kem768.keygen(seed64)
  const { cipherText } = ml_kem768.encapsulate(kem.publicKey)
  return cases('noble', {
    'ed25519 keygen': () => nobleEd25519.keygen(),
    'ed25519 sign': () => nobleEd25519.sign(message, seed32),
    'ed25519 verify': () => nobleEd25519.verify(ed25519Signature, message, ed25519Public),
    'ml-dsa-65 keygen': () => ml_dsa65.keygen(),
    'ml-dsa-65 sign': () => ml_dsa65.sign(message, dsa.secretKey),
    'ml-dsa-65 verify': () => ml_dsa65.verify(dsaSignature, message, dsa.publicKey),
    'x25519 keygen': () => nobleX25519.keygen(),
    'x25519 agree': () => nobleX25519.getSharedSecret(seed32, x25519Public),
    'ml-kem-768 keygen': () => ml_kem768.keygen(),
    'ml-kem-768 encapsulate': () => ml_kem768.encapsulate(kem.publicKey),
    'ml-kem-768 decapsulate': () => ml_kem768.decapsulate(cipherText, kem.secretKey),
  })
}

// The curves only: WebCrypto's ML-DSA and ML-KEM are experimental in Node and print a warning.
async function webcryptoCases(): Promise<CryptoBenchCase[]> {
  const { subtle } = webcrypto
  const signing = (await subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const agreeing = (await subtle.generateKey('X25519', false, ['deriveBits'])) as webcrypto.CryptoKeyPair
  const signature = await subtle.sign('Ed25519', signing.privateKey, message)
  const agreement = { name: 'X25519', public: agreeing.publicKey }
  return cases('webcrypto', {
    'ed25519 keygen': () => subtle.generateKey('Ed25519', false, ['sign', 'verify']),
    'ed25519 sign': () => subtle.sign('Ed25519', signing.privateKey, message),
    'ed25519 verify': () => subtle.verify('Ed25519', signing.publicKey, signature, message),
    'x25519 keygen': () => subtle.generateKey('X25519', false, ['deriveBits']),
    'x25519 agree': () => subtle.deriveBits(agreement, agreeing.privateKey, 256),
  })
}

function cases(
  backend: CryptoBenchCase['backend'],
  operations: Readonly<Record<string, () => unknown>>,
): CryptoBenchCase[] {
  return Object.entries(operations).map(([primitive, operation]) => ({
    primitive,
    backend,
    // A synchronous operation stays one, so that no promise is timed with it.
    run: backend === 'webcrypto' ? async () => void (await operation()) : () => void operation(),
  }))
}
