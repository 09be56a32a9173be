/**
 * The hybrid identity of a node: Ed25519, X25519, ML-DSA-65 and ML-KEM-768 keys from one master seed.
 *
 * @example
 * import { createIdentity, generateMasterSeed, hybridSign } from '@x0t/keys'
 * const identity = createIdentity(generateMasterSeed())
 * const signature = hybridSign(identity, Buffer.from('hello'), 'example')
 */
export { errorCodes, type KeyErrorCode } from './errors.ts'
export { algorithms, keyAlgorithms, type KeyAlgorithm } from './algorithm.ts'
export {
  deriveSecret,
  derivationPurposes,
  generateMasterSeed,
  masterSeedBytes,
  type DerivationPurpose,
} from './master-seed.ts'
export { createIdentity, nodeIdOfKeys, type Identity, type KeyPair } from './identity.ts'
export { privateKeyFromSeed, publicKeyFromRaw, rawPublicKey } from './key-object.ts'
export {
  hybridSign,
  hybridSignatureBytes,
  hybridSignDigest,
  hybridVerify,
  hybridVerifyDigest,
  maxContextBytes,
  type HybridPublicKeys,
} from './hybrid-signature.ts'
export {
  maxSecretFileBytes,
  readPublicFile,
  readSecretFile,
  writeSecretFile,
  type ReadSecretFileOptions,
  type WriteSecretFileOptions,
} from './secret-file.ts'
export {
  newIdentityRecord,
  readIdentityFile,
  writeIdentityFile,
  type IdentityRecord,
  type PassphraseSource,
  type ReadIdentityOptions,
  type StoredIdentity,
  type WriteIdentityOptions,
} from './identity-file.ts'
export { defaultScryptLogN, type AgeKeys, type AgeProtection } from './age-file.ts'
export { nativeBackend } from './native-backend.ts'
export { nobleBackend } from './noble-backend.ts'
export type { CryptoBackend, Encapsulation, Signer } from './crypto-backend.ts'
