/**
 * The four algorithms of an identity, with their sizes in bytes (RFC 8032, RFC 7748, FIPS 204, FIPS 203) and the DER
 * that precedes the raw key in SPKI and in seed-only PKCS#8 (RFC 8410, RFC 9881, RFC 9935).
 */
export const algorithms = {
  ed25519: {
    nodeName: 'ed25519',
    jwkName: 'Ed25519',
    publicBytes: 32,
    seedBytes: 32,
    spkiPrefix: '302a300506032b6570032100',
    pkcs8Prefix: '302e020100300506032b657004220420',
  },
  mldsa65: {
    nodeName: 'ml-dsa-65',
    jwkName: 'ML-DSA-65',
    publicBytes: 1952,
    seedBytes: 32,
    spkiPrefix: '308207b2300b0609608648016503040312038207a100',
    pkcs8Prefix: '3034020100300b060960864801650304031204228020',
  },
  x25519: {
    nodeName: 'x25519',
    jwkName: 'X25519',
    publicBytes: 32,
    seedBytes: 32,
    spkiPrefix: '302a300506032b656e032100',
    pkcs8Prefix: '302e020100300506032b656e04220420',
  },
  mlkem768: {
    nodeName: 'ml-kem-768',
    jwkName: 'ML-KEM-768',
    publicBytes: 1184,
    seedBytes: 64,
    spkiPrefix: '308204b2300b0609608648016503040402038204a100',
    pkcs8Prefix: '3054020100300b060960864801650304040204428040',
  },
} as const

export type KeyAlgorithm = keyof typeof algorithms

export const keyAlgorithms = Object.keys(algorithms) as readonly KeyAlgorithm[]

/** Lengths of signatures and of a KEM's output, bytes. */
export const ed25519SignatureBytes = 64
export const mldsa65SignatureBytes = 3309
export const mlkem768CiphertextBytes = 1088
export const sharedSecretBytes = 32
