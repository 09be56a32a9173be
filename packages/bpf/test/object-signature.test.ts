import { createHash, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  objectSignatureContext,
  signObject,
  verifyObject,
  type ObjectSigner,
  type ObjectVerifier,
  type SigningKeys,
} from '@x0t/bpf'

const raw = (key: KeyObject, length: number): Uint8Array =>
  key.export({ type: 'spki', format: 'der' }).subarray(-length)

const inputOf = (message: Uint8Array, context: string) =>
  Buffer.concat([Buffer.from(`${context}\0`), message])

/** Real keys; 32 letters for the 52 of a key id suffice to commit to them here. */
const keyIdOf = (keys: SigningKeys): string =>
  createHash('sha512')
    .update(keys.mldsa65PublicRaw)
    .update(keys.ed25519PublicRaw)
    .digest('hex')
    .slice(0, 52)
    .replace(/[0189]/g, 'z')

const publicKeys = new Map<string, { readonly mldsa65: KeyObject; readonly ed25519: KeyObject }>()

function createSigner(): ObjectSigner {
  const mldsa65 = generateKeyPairSync('ml-dsa-65')
  const ed25519 = generateKeyPairSync('ed25519')
  const keys = {
    mldsa65PublicRaw: raw(mldsa65.publicKey, 1952),
    ed25519PublicRaw: raw(ed25519.publicKey, 32),
  }
  const keyId = keyIdOf(keys)
  publicKeys.set(keyId, { mldsa65: mldsa65.publicKey, ed25519: ed25519.publicKey })
  return {
    keyId,
    keys,
    sign: (message, context) =>
      Buffer.concat([
        sign(null, inputOf(message, context), mldsa65.privateKey),
        sign(null, inputOf(message, context), ed25519.privateKey),
      ]),
  }
}

const verifier: ObjectVerifier = {
  keyIdOf,
  verify(keys, message, context, signature) {
    const found = publicKeys.get(keyIdOf(keys))
    const input = inputOf(message, context)
    return (
      found !== undefined &&
      verify(null, input, found.mldsa65, signature.subarray(0, 3309)) &&
      verify(null, input, found.ed25519, signature.subarray(3309))
    )
  },
}

const object = Buffer.from('\x7fELF of a program')
const manifest = Buffer.from('{"programs":{}}')
const signer = createSigner()
const both = signObject({ object, manifest }, signer)
const alone = signObject({ object }, signer)
const trust = { verifier, isTrusted: (keyId: string) => keyId === signer.keyId }

t.test('a signature holds for its object, its manifest and its signer', (t) => {
  t.same(verifyObject({ object, manifest }, both, trust), { keyId: signer.keyId })
  t.same(verifyObject({ object }, alone, trust), { keyId: signer.keyId })
  const { format, algorithm, keyId, objectSha512 } = JSON.parse(both) as Record<string, string>
  t.same(
    { format, algorithm, keyId, objectSha512 },
    {
      format: 'x0t.bpf-signature/1',
      algorithm: 'ML-DSA-65+Ed25519',
      keyId: signer.keyId,
      objectSha512: createHash('sha512').update(object).digest('hex'),
    },
  )
  t.end()
})

t.test('what is signed is one text under a context of its own', (t) => {
  const seen: string[] = []
  const spy: ObjectSigner = {
    ...signer,
    sign(message, context) {
      seen.push(context, Buffer.from(message).toString())
      return signer.sign(message, context)
    },
  }
  signObject({ object: new Uint8Array(0) }, spy)
  // SHA-512 of nothing, FIPS 180-4.
  const empty =
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce' +
    '47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e'
  t.same(seen, [
    objectSignatureContext,
    `x0t.bpf-signature/1\nML-DSA-65+Ed25519\n${signer.keyId}\nobject ${empty}\nmanifest none\n`,
  ])
  t.end()
})

t.test('anything but exactly what was signed is refused, and it says what differs', (t) => {
  const other = Buffer.from('other')
  const refused: readonly (readonly [Parameters<typeof verifyObject>[0], string, RegExp])[] = [
    [{ object: other, manifest }, both, /another object file/],
    [{ object, manifest: other }, both, /another manifest/],
    [{ object }, both, /covers a manifest, and none was given/],
    [{ object, manifest }, alone, /does not cover the manifest/],
  ]
  for (const [content, text, message] of refused)
    t.throws(() => verifyObject(content, text, trust), { code: 'BPF_SIGNATURE_INVALID', message })
  t.end()
})

/** The signature with one change, written in the one way that it can be. */
function changed(change: (file: Record<string, Record<string, string>>) => void, text = both): string {
  const file = JSON.parse(text) as Record<string, Record<string, string>>
  change(file)
  return `${JSON.stringify(file, undefined, 2)}\n`
}

const flip = (base64: string): string => {
  const bytes = Buffer.from(base64, 'base64')
  bytes[5]! ^= 1
  return bytes.toString('base64')
}

t.test('each half of the signature must hold by itself', (t) => {
  for (const half of ['mldsa65', 'ed25519']) {
    const text = changed((file) => {
      file['signatures']![half] = flip(file['signatures']![half]!)
    })
    t.throws(() => verifyObject({ object, manifest }, text, trust), {
      code: 'BPF_SIGNATURE_INVALID',
      message: /does not hold/,
    })
  }
  t.end()
})

t.test('keys that are not those of the key id are refused, and so is a stranger’s good signature', (t) => {
  const stranger = createSigner()
  const theirs = signObject({ object, manifest }, stranger)
  t.throws(() => verifyObject({ object, manifest }, theirs, trust), { code: 'BPF_SIGNATURE_UNTRUSTED' })
  const claimed = changed((file) => Object.assign(file, { keyId: signer.keyId }), theirs)
  t.throws(() => verifyObject({ object, manifest }, claimed, trust), {
    code: 'BPF_SIGNATURE_INVALID',
    message: /are not those of/,
  })
  t.end()
})

t.test('a file that is not written exactly as a signature is refused', (t) => {
  const malformed: readonly string[] = [
    '',
    '{}',
    'null',
    '[]',
    both.trimEnd(),
    ` ${both}`,
    both.replace('"keyId"', '"x": 1,\n  "keyId"'),
    both.replace('{', `{\n  "format": "x0t.bpf-signature/1",`),
    JSON.stringify(JSON.parse(both)),
    changed((file) => Object.assign(file, { format: 'x0t.bpf-signature/2' })),
    changed((file) => Object.assign(file, { algorithm: 'Ed25519' })),
    changed((file) => Object.assign(file, { keyId: 'SHORT' })),
    changed((file) => Object.assign(file, { objectSha512: 'AB'.repeat(64) })),
    changed((file) => Object.assign(file, { manifestSha512: 1 })),
    changed((file) => Object.assign(file, { keys: 1 })),
    changed((file) => Object.assign(file, { signatures: null })),
    changed((file) => void delete file['signatures']!['mldsa65']),
    changed((file) => void (file['signatures']!['ed25519'] = '')),
    changed((file) => void (file['keys']!['ed25519'] += ' ')),
    both + ' '.repeat(20_000),
  ]
  for (const text of malformed)
    t.throws(
      () => verifyObject({ object, manifest }, text, trust),
      { code: 'BPF_SIGNATURE_INVALID' },
      text.slice(0, 60),
    )
  t.end()
})

t.test('no change of any character of a signature passes', (t) => {
  const places = fc.record({
    at: fc.nat(both.length - 1),
    character: fc.string({ minLength: 1, maxLength: 2 }),
  })
  fc.assert(
    fc.property(places, ({ at, character }) => {
      const text = both.slice(0, at) + character + both.slice(at + 1)
      fc.pre(text !== both)
      t.throws(() => verifyObject({ object, manifest }, text, trust), { code: 'BPF_SIGNATURE_INVALID' })
    }),
    { numRuns: 200, seed: 4405 },
  )
  t.end()
})
