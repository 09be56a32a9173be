/**
 * The hybrid identity of a node: Ed25519, X25519, ML-DSA-65 and ML-KEM-768 keys from one master seed, the files that
 * hold them, backup, rotation, signed and encrypted files.
 *
 * @example
 * import { createIdentity, generateMasterSeed, hybridSign, hybridVerify } from '@x0t/keys'
 * const identity = createIdentity(generateMasterSeed())
 * const message = Buffer.from('hello')
 * const signature = hybridSign(identity, message, 'example')
 * const keys = { ed25519PublicRaw: identity.ed25519.publicRaw, mldsa65PublicRaw: identity.mldsa65.publicRaw }
 * hybridVerify(keys, message, 'example', signature) // true
 */
export { errorCodes, type KeyErrorCode } from './errors.ts'
export { algorithms, keyAlgorithms, type KeyAlgorithm } from './algorithm.ts'
export {
  deriveSecret,
  derivationPurposes,
  generateMasterSeed,
  masterSeedBytes,
  maxEpoch,
  type DerivationPurpose,
} from './master-seed.ts'
export { createIdentity, keySeed, nodeIdOfKeys, type Identity, type KeyPair } from './identity.ts'
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
  type SecretContent,
  type WriteSecretFileOptions,
} from './secret-file.ts'
export {
  newIdentityRecord,
  parseIdentity,
  readIdentityFile,
  serializeIdentity,
  writeIdentityFile,
  type IdentityRecord,
  type PassphraseSource,
  type ReadIdentityOptions,
  type StoredIdentity,
  type WriteIdentityOptions,
} from './identity-file.ts'
export { parsePublicIdentity, publicIdentityFile, type PublicIdentity } from './public-identity.ts'
export { ageIdentityOf, ageRecipientOf } from './age-identity.ts'
export { defaultScryptLogN, openArmor, sealToArmor, type AgeKeys, type AgeProtection } from './age-file.ts'
export {
  decodePkcs8,
  decodePrivateKeyPem,
  encodePkcs8,
  encodePrivateKeyPem,
  type PrivateKeySeed,
} from './private-key-format.ts'
export { encryptPkcs8 } from './encrypted-pkcs8.ts'
export {
  decodePublicKeyPem,
  decodeSpki,
  encodePublicKeyPem,
  encodeSpki,
  type PublicKeyBytes,
} from './public-key-format.ts'
export { decodePrivateJwk, decodePublicJwk, encodePrivateJwk, encodePublicJwk, type Jwk } from './jwk.ts'
export { decodePem, encodePem, type PemBlock } from './pem.ts'
export { seedOfWords, wordsOfSeed } from './word-backup.ts'
export { parseShareScheme, seedOfShares, sharesOfSeed, type ShareScheme } from './share-backup.ts'
export {
  createIdentityFiles,
  identityPaths,
  rotateIdentityFile,
  type CreateIdentityFilesOptions,
  type IdentityFiles,
  type RotatedIdentity,
} from './identity-files.ts'
export { openKeyFile, type OpenedKeyFile } from './open-key-file.ts'
export { exportFormats, exportKeys, type ExportedKey, type ExportFormat } from './export-keys.ts'
export { epochOfNodeId } from './epoch-search.ts'
export { decodeRotationPem, encodeRotationPem, rotate, verifyRotation, type Rotation } from './rotation.ts'
export { signFile, verifyContent, verifyFile, type FileVerification } from './file-signature.ts'
export { decryptFile, encryptFile, protectionOfFile, type FileTransformOptions } from './file-encryption.ts'
export { inspectKeyFile, inspectKeyText, keyIdOf, type KeyFileSummary } from './inspect-file.ts'
export { listKeyDirectory, type KeyDirectoryEntry } from './key-directory.ts'
export { nativeBackend } from './native-backend.ts'
export type { CryptoBackend, Encapsulation, Signer } from './crypto-backend.ts'
export { runSelfTest, type SelfTestResult } from './self-test.ts'
export { cryptoBenchCases, loadNobleBackend, type CryptoBenchCase } from './portable.ts'
