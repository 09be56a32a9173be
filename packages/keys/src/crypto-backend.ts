/** A signature scheme with keys as raw bytes. */
export interface Signer {
  /** Raw public key of a seed. */
  publicKey(seed: Uint8Array): Uint8Array
  sign(seed: Uint8Array, message: Uint8Array, context?: Uint8Array): Uint8Array
  /** False for anything but a good signature, also for keys and signatures of the wrong length. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, context?: Uint8Array): boolean
}

/** The result of an encapsulation: both 32-byte secret and what travels to the peer. */
export interface Encapsulation {
  readonly sharedSecret: Uint8Array
  readonly ciphertext: Uint8Array
}

/**
 * One implementation of the four algorithms, on raw keys and seeds. The native back end (OpenSSL inside Node) does the
 * work; noble, in TypeScript, is the portable one. Both pass the same vectors and check each other in tests and in
 * `x0t key check`.
 *
 * `ed25519` is the plain scheme of RFC 8032 and takes no context; `mldsa65` takes one of up to 255 bytes.
 */
export interface CryptoBackend {
  readonly name: 'native' | 'noble'
  /** HKDF with SHA-512 (RFC 5869), without salt. */
  hkdfSha512(secret: Uint8Array, info: string, length: number): Uint8Array<ArrayBuffer>
  readonly ed25519: Signer
  readonly mldsa65: Signer
  readonly mlkem768: {
    /** Raw public key of a 64-byte seed (d ‖ z of FIPS 203). */
    publicKey(seed: Uint8Array): Uint8Array
    /** @throws Error for a public key of wrong length or with coefficients out of range (FIPS 203 §7.2) */
    encapsulate(publicKey: Uint8Array): Encapsulation
    /** A wrong ciphertext of the right length gives other bytes, not an error (implicit rejection). */
    decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array
  }
  readonly x25519: {
    publicKey(privateKey: Uint8Array): Uint8Array
    /** @throws Error for a public key of small order: the secret would be all zero (RFC 7748 §6.1) */
    sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array
  }
}
