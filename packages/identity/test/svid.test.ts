import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  Certificate,
  KeyUsageFlags,
  id_kp_clientAuth,
  id_kp_serverAuth,
} from '@peculiar/asn1-x509'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { hasCode, type NodeId } from '@x0t/core'
import {
  certificatePem,
  certificatesOfPem,
  createAuthority,
  createTrustBundle,
  decodeTrustBundle,
  encodeTrustBundle,
  issueSvid,
  leafRules,
  nodeSpiffeId,
  parseCertificate,
  restoreAuthority,
  svidSubjectOf,
  verifyHostKey,
  verifySvid,
} from '@x0t/identity'
import { authorityRules } from '../src/authority-rules.ts'
import { decodeHostKey, encodeHostKey, signHostKey } from '../src/host-key-extension.ts'
import { extensionOf, rawExtension } from '../src/sign-certificate.ts'
import { chainKey, SvidMemory } from '../src/svid-memory.ts'
import {
  clockAt,
  hourMs,
  identityOf,
  issuerOf,
  leafCertificate,
  nowMs,
  seededRandom,
  signingCertificate,
} from './certificate-maker.ts'

const alice = identityOf('alice')
const mallory = identityOf('mallory')
const ca = issuerOf('authority of home')
const bundle = createTrustBundle('home.x0t', [signingCertificate(ca)])
const nobody = () => false
const random = seededRandom('svid')

function verify(
  chain: Uint8Array[],
  trusted = bundle,
  isBanned: (id: NodeId) => boolean = nobody,
  at = nowMs,
) {
  return verifySvid(chain, trusted, { nowMs: at, isBanned })
}

function refuses(t: Test, code: string, chain: Uint8Array[], trusted = bundle): void {
  t.throws(() => verify(chain, trusted), { code })
}

t.test('an issued SVID verifies and says whose it is', (t) => {
  const authority = createAuthority({ meshName: 'home', random, clock: clockAt(nowMs) })
  const svid = issueSvid(authority, { ...svidSubjectOf(alice), ttlMs: hourMs, clock: clockAt(nowMs), random })
  const verified = verify([...svid.chainDer], authority.bundle)
  t.equal(verified.nodeId, alice.nodeId)
  t.equal(verified.spiffeId, `spiffe://home.x0t/node/${alice.nodeId}`)
  t.equal(verified.notAfterMs, nowMs + hourMs)
  t.equal(verified.notBeforeMs, nowMs - 300_000, 'begins 5 minutes ago, for clocks that are behind')
  t.same(verified.publicKeys, {
    ed25519PublicRaw: alice.ed25519.publicRaw,
    mldsa65PublicRaw: alice.mldsa65.publicRaw,
  })
  t.equal(svid.serial.length, 16, 'the serial number has 127 bits')
  t.ok(svid.serial[0]! < 0x80 && svid.serial[0]! > 0, 'and is positive')
  t.same(
    verify([...svid.chainDer, authority.certificateDer], authority.bundle).nodeId,
    alice.nodeId,
    'with root',
  )
  t.end()
})

t.test('an SVID does not outlive its authority', (t) => {
  const authority = createAuthority({ meshName: 'home', random, clock: clockAt(nowMs) })
  const endMs = authority.bundle.authorities[0]!.notAfterMs
  const late = issueSvid(authority, {
    ...svidSubjectOf(alice),
    ttlMs: hourMs,
    clock: clockAt(endMs - 60_000),
    random,
  })
  t.equal(late.notAfterMs, endMs)
  t.end()
})

t.test('an authority comes back from its seed and certificate, and not from those of another', (t) => {
  const authority = createAuthority({ meshName: 'home', random, clock: clockAt(nowMs) })
  const other = createAuthority({ meshName: 'home', random, clock: clockAt(nowMs) })
  t.same(restoreAuthority(authority).certificateHash, authority.certificateHash)
  t.throws(() => restoreAuthority({ seed: other.seed, certificateDer: authority.certificateDer }), {
    code: 'AUTHORITY_MISMATCH',
  })
  const nameless = signingCertificate(ca, ca, { extensions: { uris: undefined } })
  const seedOfCa = ca.privateKey.export({ format: 'raw-seed' })
  t.throws(() => restoreAuthority({ seed: seedOfCa, certificateDer: nameless }), {
    code: 'AUTHORITY_MISMATCH',
  })
  t.end()
})

t.test('no SVID is issued for an Ed25519 key that did not sign, or for a lifetime out of range', (t) => {
  const authority = createAuthority({ meshName: 'home', random, clock: clockAt(nowMs) })
  const subject = { ...svidSubjectOf(alice), hostKeySignature: signHostKey(mallory) }
  const options = { ttlMs: hourMs, clock: clockAt(nowMs), random }
  t.throws(() => issueSvid(authority, { ...subject, ...options }), { code: 'SVID_HYBRID_SIGNATURE' })
  for (const ttlMs of [0, -1, NaN, 9_999, 31 * 86_400_000])
    t.throws(() => issueSvid(authority, { ...svidSubjectOf(alice), ...options, ttlMs }), RangeError)
  t.end()
})

t.test('the bytes of a chain', (t) => {
  const leaf = leafCertificate(ca, alice)
  t.equal(verify([leaf]).nodeId, alice.nodeId, 'the unchanged leaf of these tests holds')
  refuses(t, 'SVID_MALFORMED', [])
  refuses(t, 'SVID_MALFORMED', [Buffer.from('garbage')])
  refuses(t, 'SVID_MALFORMED', [Buffer.concat([leaf, Buffer.of(0)])])
  refuses(t, 'SVID_MALFORMED', [leaf.subarray(0, -1)])
  refuses(t, 'SVID_MALFORMED', [new Uint8Array(16_385)])
  refuses(
    t,
    'SVID_CHAIN_TOO_LONG',
    Array.from({ length: 5 }, () => leaf),
  )
  const twice = {
    keyUsage: extensionOf.keyUsage(KeyUsageFlags.digitalSignature),
    again: extensionOf.keyUsage(1),
  }
  refuses(t, 'SVID_MALFORMED', [leafCertificate(ca, alice, { extensions: twice })])
  t.end()
})

t.test('the path: RFC 5280 §6.1', (t) => {
  const leaf = leafCertificate(ca, alice)
  const other = issuerOf('authority of others')
  const twin = issuerOf('forger', ca.name)
  t.test('a leaf of another authority is refused', (t) => {
    refuses(t, 'SVID_WRONG_AUTHORITY', [leafCertificate(other, alice)])
    refuses(t, 'SVID_WRONG_AUTHORITY', [leafCertificate(other, alice), signingCertificate(other)])
    t.end()
  })
  t.test('an authority with an identical name is another authority', (t) => {
    refuses(t, 'SVID_WRONG_AUTHORITY', [leafCertificate(twin, alice)])
    const ownName = { authorityKeyId: extensionOf.authorityKeyId(ca.keyId) }
    refuses(t, 'SVID_SIGNATURE', [leafCertificate(twin, alice, { extensions: ownName })])
    refuses(t, 'SVID_SIGNATURE', [
      leafCertificate(twin, alice, { extensions: { authorityKeyId: undefined } }),
    ])
    t.end()
  })
  t.test('a self-signed certificate is refused', (t) => {
    const own = { ...ca, privateKey: alice.mldsa65.privateKey }
    refuses(t, 'SVID_SIGNATURE', [leafCertificate(own, alice)])
    t.end()
  })
  t.test('one changed byte in the signed part is noticed', (t) => {
    const forged = new Uint8Array(leaf)
    const at = Buffer.from(leaf).indexOf(alice.nodeId) // inside the SAN
    forged[at] = forged[at]! ^ 1
    refuses(t, 'SVID_SIGNATURE', [forged])
    t.end()
  })
  t.test('two authorities of one name in the bundle both count', (t) => {
    const noKeyId = { extensions: { subjectKeyId: undefined, authorityKeyId: undefined } }
    const both = createTrustBundle('home.x0t', [
      signingCertificate(twin, twin, noKeyId),
      signingCertificate(ca, ca, noKeyId),
    ])
    t.equal(verify([leaf], both).nodeId, alice.nodeId)
    refuses(t, 'SVID_SIGNATURE', [leafCertificate({ ...other, name: ca.name }, alice, noKeyId)], both)
    t.end()
  })
  t.test('an intermediate may stand between, each rule for it kept', (t) => {
    const middle = issuerOf('intermediate')
    const under = leafCertificate(middle, alice)
    t.equal(verify([under, signingCertificate(ca, middle)]).nodeId, alice.nodeId)
    t.equal(verify([under, signingCertificate(ca, middle), signingCertificate(ca)]).nodeId, alice.nodeId)
    refuses(t, 'SVID_WRONG_AUTHORITY', [under])
    const broken = (changes: Parameters<typeof signingCertificate>[2]) => [
      under,
      signingCertificate(ca, middle, changes),
    ]
    const { keyCertSign, cRLSign, digitalSignature } = KeyUsageFlags
    refuses(t, 'AUTHORITY_EXPIRED', broken({ notAfterMs: nowMs - 1000 }))
    refuses(t, 'AUTHORITY_NOT_YET_VALID', broken({ notBeforeMs: nowMs + 1000 }))
    refuses(t, 'AUTHORITY_NOT_CA', broken({ extensions: { basicConstraints: undefined } }))
    refuses(
      t,
      'AUTHORITY_NOT_CA',
      broken({ extensions: { basicConstraints: extensionOf.basicConstraints(false) } }),
    )
    const uncritical = rawExtension('2.5.29.19', false, Buffer.from('30030101ff', 'hex'))
    refuses(t, 'AUTHORITY_NOT_CA', broken({ extensions: { basicConstraints: uncritical } }))
    refuses(t, 'AUTHORITY_KEY_USAGE', broken({ extensions: { keyUsage: undefined } }))
    refuses(t, 'AUTHORITY_KEY_USAGE', broken({ extensions: { keyUsage: extensionOf.keyUsage(cRLSign) } }))
    refuses(
      t,
      'AUTHORITY_KEY_USAGE',
      broken({ extensions: { keyUsage: extensionOf.keyUsage(keyCertSign, false) } }),
    )
    const both = extensionOf.keyUsage(keyCertSign | digitalSignature)
    refuses(t, 'AUTHORITY_KEY_USAGE', broken({ extensions: { keyUsage: both } }))
    const constraints = rawExtension('2.5.29.30', true, Buffer.from('3000', 'hex'))
    refuses(t, 'AUTHORITY_NAME_CONSTRAINTS', broken({ extensions: { constraints } }))
    refuses(
      t,
      'SVID_CRITICAL_EXTENSION',
      broken({ extensions: { other: rawExtension('1.2.3.4', true, Buffer.of(5, 0)) } }),
    )
    const sans = ['spiffe://other.x0t', 'spiffe://home.x0t/path']
    for (const uri of sans)
      refuses(t, 'AUTHORITY_SAN', broken({ extensions: { uris: extensionOf.uris([uri], false) } }))
    const two = extensionOf.uris(['spiffe://home.x0t', 'spiffe://home.x0t'], false)
    refuses(t, 'AUTHORITY_SAN', broken({ extensions: { uris: two } }))
    t.end()
  })
  t.test('pathLen bounds the signing certificates below', (t) => {
    const middle = issuerOf('intermediate')
    const short = signingCertificate(ca, ca, {
      extensions: { basicConstraints: extensionOf.basicConstraints(true, 0) },
    })
    const strict = createTrustBundle('home.x0t', [short])
    t.equal(verify([leaf], strict).nodeId, alice.nodeId)
    refuses(
      t,
      'AUTHORITY_PATH_LENGTH',
      [leafCertificate(middle, alice), signingCertificate(ca, middle)],
      strict,
    )
    t.end()
  })
  t.test('a leaf cannot issue', (t) => {
    const minted = leafCertificate(
      { ...issuerOf('x'), privateKey: mallory.mldsa65.privateKey, name: 'mallory' },
      alice,
      {
        extensions: { authorityKeyId: undefined },
      },
    )
    const parent = signingCertificate(
      ca,
      { ...issuerOf('x'), publicRaw: mallory.mldsa65.publicRaw, name: 'mallory' },
      {
        extensions: {
          basicConstraints: extensionOf.basicConstraints(false),
          keyUsage: extensionOf.keyUsage(KeyUsageFlags.digitalSignature),
        },
      },
    )
    refuses(t, 'AUTHORITY_NOT_CA', [minted, parent])
    t.end()
  })
  t.test('the authority itself must be in its dates', (t) => {
    const ended = createTrustBundle('home.x0t', [signingCertificate(ca, ca, { notAfterMs: nowMs - 1000 })])
    const future = createTrustBundle('home.x0t', [signingCertificate(ca, ca, { notBeforeMs: nowMs + 1000 })])
    refuses(t, 'AUTHORITY_EXPIRED', [leaf], ended)
    refuses(t, 'AUTHORITY_NOT_YET_VALID', [leaf], future)
    t.end()
  })
  t.test('unknown critical extensions and other algorithms are refused', (t) => {
    const unknown = { extensions: { other: rawExtension('1.2.3.4', true, Buffer.of(5, 0)) } }
    refuses(t, 'SVID_CRITICAL_EXTENSION', [leafCertificate(ca, alice, unknown)])
    const harmless = { extensions: { other: rawExtension('1.2.3.4', false, Buffer.of(5, 0)) } }
    t.equal(verify([leafCertificate(ca, alice, harmless)]).nodeId, alice.nodeId, 'not critical: ignored')
    refuses(t, 'SVID_ALGORITHM', [withAlgorithm(leaf, new AlgorithmIdentifier({ algorithm: '1.3.101.112' }))])
    const parameters = new AlgorithmIdentifier({ algorithm: '2.16.840.1.101.3.4.3.18', parameters: null })
    refuses(t, 'SVID_ALGORITHM', [withAlgorithm(leaf, parameters)])
    t.end()
  })
  t.end()
})

t.test('the leaf: X509-SVID.md §2 to §4', (t) => {
  const broken = (extensions: Parameters<typeof leafCertificate>[2]) => [
    leafCertificate(ca, alice, extensions),
  ]
  const own = nodeSpiffeId('home.x0t', alice.nodeId)
  const uris = (...list: string[]) => broken({ extensions: { uris: extensionOf.uris(list, true) } })
  const { digitalSignature, keyCertSign, cRLSign } = KeyUsageFlags
  const usage = (flags: number, critical = true) =>
    broken({ extensions: { keyUsage: extensionOf.keyUsage(flags, critical) } })
  refuses(t, 'SVID_NO_SAN', broken({ subject: 'x', extensions: { uris: undefined } }))
  refuses(t, 'SVID_TWO_SANS', uris(own, own))
  refuses(t, 'SVID_SUBJECT', broken({ extensions: { uris: extensionOf.uris([own], false) } }))
  t.equal(
    verify(broken({ subject: 'x', extensions: { uris: extensionOf.uris([own], false) } })).nodeId,
    alice.nodeId,
  )
  refuses(t, 'SVID_ID_INVALID', uris('https://home.x0t/'))
  refuses(t, 'SVID_ID_INVALID', uris('spiffe://home.x0t'))
  refuses(t, 'SVID_ID_INVALID', uris('spiffe://home.x0t/workload/web'))
  refuses(t, 'SVID_ID_INVALID', uris(`${own}/../x`))
  refuses(t, 'SVID_WRONG_TRUST_DOMAIN', uris(nodeSpiffeId('other.x0t', alice.nodeId)))
  refuses(
    t,
    'SVID_LEAF_IS_CA',
    broken({ extensions: { basicConstraints: extensionOf.basicConstraints(true) } }),
  )
  refuses(t, 'SVID_KEY_USAGE', broken({ extensions: { keyUsage: undefined } }))
  refuses(t, 'SVID_KEY_USAGE', usage(digitalSignature, false))
  refuses(t, 'SVID_KEY_USAGE', usage(KeyUsageFlags.keyAgreement))
  refuses(t, 'SVID_KEY_USAGE', usage(digitalSignature | keyCertSign))
  refuses(t, 'SVID_KEY_USAGE', usage(digitalSignature | cRLSign))
  for (const one of [id_kp_serverAuth, id_kp_clientAuth])
    refuses(
      t,
      'SVID_EXTENDED_KEY_USAGE',
      broken({ extensions: { extendedKeyUsage: extensionOf.extendedKeyUsage([one]) } }),
    )
  t.equal(
    verify(broken({ extensions: { extendedKeyUsage: undefined } })).nodeId,
    alice.nodeId,
    'it may be absent',
  )
  refuses(t, 'SVID_EXPIRED', broken({ notAfterMs: nowMs - 1000 }))
  refuses(t, 'SVID_NOT_YET_VALID', broken({ notBeforeMs: nowMs + 1000 }))
  t.end()
})

t.test('an SVID holds to the second of its end', (t) => {
  const leaf = leafCertificate(ca, alice)
  t.equal(verify([leaf], bundle, nobody, nowMs + hourMs).nodeId, alice.nodeId)
  t.throws(() => verify([leaf], bundle, nobody, nowMs + hourMs + 1), { code: 'SVID_EXPIRED' })
  t.equal(verify([leaf], bundle, nobody, nowMs - hourMs).nodeId, alice.nodeId)
  t.throws(() => verify([leaf], bundle, nobody, nowMs - hourMs - 1), { code: 'SVID_NOT_YET_VALID' })
  t.end()
})

t.test('a chain that was accepted before is judged anew by dates, bans, bundle and every byte', (t) => {
  const leaf = leafCertificate(ca, alice)
  const first = verify([leaf])
  t.equal(verify([leaf.slice()]), first, 'remembered by its bytes')
  t.throws(() => verify([leaf], bundle, (id) => id === alice.nodeId), { code: 'SVID_BANNED' })
  t.throws(() => verify([leaf], bundle, nobody, nowMs + hourMs + 1), { code: 'SVID_EXPIRED' })
  const other = createTrustBundle('home.x0t', [signingCertificate(issuerOf('authority of home'))])
  t.not(verify([leaf], other), first, 'under its own bundle only')
  const stranger = createTrustBundle('home.x0t', [signingCertificate(issuerOf('another authority'))])
  t.throws(() => verify([leaf], stranger), { code: 'SVID_WRONG_AUTHORITY' })
  for (const at of [4, leaf.length >> 1, leaf.length - 1]) {
    const changed = leaf.slice()
    changed[at]! ^= 1
    t.throws(() => verify([changed]), `byte ${at}`)
  }
  t.equal(verify([leaf]), first)
  t.end()
})

t.test('the memory of accepted chains is bounded', (t) => {
  const memory = new SvidMemory<number>()
  for (let i = 0; i < 5000; i++) memory.set(`chain ${i}`, { found: i, fromMs: 0, untilMs: 10 })
  t.equal(memory.get('chain 0', 5), undefined)
  t.equal(memory.get('chain 4999', 5), 4999)
  t.equal(memory.get('chain 4999', 11), undefined)
  t.not(chainKey([Buffer.from('ab'), Buffer.from('c')]), chainKey([Buffer.from('a'), Buffer.from('bc')]))
  t.end()
})

t.test('hybrid rules: whoever breaks one key alone cannot pass for the node', (t) => {
  const broken = (hostKey: Parameters<typeof encodeHostKey>[0]) => [
    leafCertificate(ca, alice, { extensions: { hostKey: extensionOf.hostKey(encodeHostKey(hostKey)) } }),
  ]
  const ed25519PublicRaw = alice.ed25519.publicRaw
  refuses(t, 'SVID_NO_HYBRID_KEY', [leafCertificate(ca, alice, { extensions: { hostKey: undefined } })])
  const garbage = extensionOf.hostKey(Buffer.from('3000', 'hex'))
  refuses(t, 'SVID_NO_HYBRID_KEY', [leafCertificate(ca, alice, { extensions: { hostKey: garbage } })])
  // The authority or the ML-DSA key is broken, the Ed25519 key is not: no signature over the new SPKI can be made.
  refuses(t, 'SVID_HYBRID_SIGNATURE', broken({ ed25519PublicRaw, signature: new Uint8Array(64) }))
  refuses(t, 'SVID_HYBRID_SIGNATURE', broken({ ed25519PublicRaw, signature: signHostKey(mallory) }))
  // The attacker uses an Ed25519 key of its own: the id is another.
  const { privateKey } = mallory.ed25519
  const signature = signHostKey({ ed25519: mallory.ed25519, mldsa65: alice.mldsa65 })
  t.ok(privateKey)
  refuses(t, 'SVID_ID_MISMATCH', broken({ ed25519PublicRaw: mallory.ed25519.publicRaw, signature }))
  refuses(t, 'SVID_ID_MISMATCH', [
    leafCertificate(ca, mallory, {
      extensions: { uris: extensionOf.uris([nodeSpiffeId('home.x0t', alice.nodeId)], true) },
    }),
  ])
  t.end()
})

t.test('the extension is that of the libp2p TLS specification', (t) => {
  const hostKey = { ed25519PublicRaw: alice.ed25519.publicRaw, signature: signHostKey(alice) }
  const der = encodeHostKey(hostKey)
  t.same(decodeHostKey(der), hostKey)
  t.equal(Buffer.from(der.subarray(0, 8)).toString('hex'), '3068042408011220')
  t.equal(decodeHostKey(der.subarray(1)), undefined)
  const otherType = new Uint8Array(der)
  otherType[41] = 5
  t.equal(decodeHostKey(otherType), undefined)
  const spki = alice.mldsa65.publicKey.export({ type: 'spki', format: 'der' })
  const text = Buffer.concat([Buffer.from('libp2p-tls-handshake:'), spki])
  t.ok(verifyHostKey({ ...hostKey, signature: sign(null, text, alice.ed25519.privateKey) }, spki))
  t.notOk(verifyHostKey({ ...hostKey, signature: new Uint8Array(63) }, spki))
  t.throws(() => encodeHostKey({ ...hostKey, signature: new Uint8Array(63) }), RangeError)
  t.end()
})

t.test('a banned node is refused although its SVID holds', (t) => {
  const leaf = leafCertificate(ca, alice)
  t.throws(() => verify([leaf], bundle, (id) => id === alice.nodeId), { code: 'SVID_BANNED' })
  t.equal(verify([leaf], bundle, (id) => id === mallory.nodeId).nodeId, alice.nodeId)
  t.end()
})

t.test('a trust bundle holds 1 to 8 authorities of its own trust domain', (t) => {
  const der = signingCertificate(ca)
  t.throws(() => createTrustBundle('home.x0t', []), { code: 'BUNDLE_INVALID' })
  t.throws(
    () =>
      createTrustBundle(
        'home.x0t',
        Array.from({ length: 9 }, () => der),
      ),
    { code: 'BUNDLE_INVALID' },
  )
  t.throws(() => createTrustBundle('other.x0t', [der]), { code: 'BUNDLE_INVALID' })
  t.throws(() => createTrustBundle('home.x0t/path', [der]), { code: 'BUNDLE_INVALID' })
  t.throws(() => createTrustBundle('home.x0t', [leafCertificate(ca, alice)]), { code: 'BUNDLE_INVALID' })
  t.throws(() => createTrustBundle('home.x0t', [Buffer.from('x')]), { code: 'BUNDLE_INVALID' })
  const back = decodeTrustBundle(encodeTrustBundle(bundle))
  t.same([back.trustDomain, back.authorities[0]!.der], ['home.x0t', bundle.authorities[0]!.der])
  t.end()
})

t.test('PEM goes there and back, also for chains', (t) => {
  const ders = [leafCertificate(ca, alice), signingCertificate(ca)]
  t.same(certificatesOfPem(ders.map(certificatePem).join('')), ders)
  t.same(certificatesOfPem('no certificate'), [])
  t.end()
})

t.test('whatever bytes a certificate has, it is read or refused with the code', (t) => {
  const leaf = leafCertificate(ca, alice)
  const mutated = fc
    .array(fc.tuple(fc.nat({ max: leaf.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const bytes = new Uint8Array(leaf)
      for (const [at, value] of changes) bytes[at < 400 ? at : at % 700] = value
      return bytes
    })
  const nested = fc.nat({ max: 8000 }).map((depth) => Buffer.alloc(depth * 2, Buffer.of(0x30, 0x80)))
  const bytes = fc.oneof(mutated, fc.uint8Array({ maxLength: 300 }), nested)
  fc.assert(
    fc.property(bytes, (der) => {
      try {
        verify([der])
        return Buffer.compare(der, leaf) === 0
      } catch (error) {
        return error instanceof Error && 'code' in error && /^(SVID|AUTHORITY)_/.test(String(error.code))
      }
    }),
    { seed: 42, numRuns: 600 },
  )
  t.end()
})

const folder = `${import.meta.dirname}/../../../../shared/data/identity/go-spiffe/svid/x509svid/testdata`
const noSamples = existsSync(folder) ? false : 'the go-spiffe certificates are not in ../shared/data/identity'
t.test("go-spiffe's sample certificates meet the same verdict", { skip: noSamples }, (t) => {
  const chainOf = (name: string) =>
    certificatesOfPem(readFileSync(`${folder}/${name}`, 'utf8')).map(parseCertificate)
  for (const name of readdirSync(folder).filter((name) => /^good-.*\.pem$/.test(name)))
    t.match(leafRules(chainOf(name)[0]!), /^spiffe:\/\/.+\/.+/, name)
  const leafFaults = {
    'wrong-leaf-ca-true.pem': 'SVID_LEAF_IS_CA',
    'wrong-leaf-cert-sign.pem': 'SVID_KEY_USAGE',
    'wrong-leaf-crl-sign.pem': 'SVID_KEY_USAGE',
    'wrong-leaf-empty-id.pem': 'SVID_NO_SAN',
    'wrong-leaf-no-digital-signature.pem': 'SVID_KEY_USAGE',
  }
  for (const [name, code] of Object.entries(leafFaults))
    t.throws(() => leafRules(chainOf(name)[0]!), { code }, name)
  // Their keys are classical, so the algorithm is what our own rules refuse first.
  for (const name of ['wrong-intermediate-no-ca.pem', 'wrong-intermediate-no-key-cert-sign.pem'])
    t.throws(() => authorityRules(chainOf(name)[1]!, 'example.org'), { code: 'SVID_ALGORITHM' }, name)
  t.throws(() => chainOf('corrupt-cert.pem'), { code: 'CERTIFICATE_MALFORMED' })
  t.end()
})

const openssl = process.env['X0T_TEST_OPENSSL'] ?? 'openssl'
const versionText = spawnSync(openssl, ['version'], { encoding: 'utf8' }).stdout ?? ''
const [major = 0, minor = 0] = (/^OpenSSL (\d+)\.(\d+)/.exec(versionText)?.slice(1) ?? []).map(Number)
const isRecent = major > 3 || (major === 3 && minor >= 5)
const noOpenssl = isRecent ? false : 'no openssl of version 3.5 or later (set X0T_TEST_OPENSSL to one)'
t.test('OpenSSL 3.5 verifies the chain and refuses one of another authority', { skip: noOpenssl }, (t) => {
  const folder = mkdtempSync(`${tmpdir()}/x0t-identity-`)
  t.teardown(() => rmSync(folder, { recursive: true }))
  const write = (name: string, der: Uint8Array) => {
    writeFileSync(`${folder}/${name}`, certificatePem(der))
    return `${folder}/${name}`
  }
  const authority = createAuthority({ meshName: 'home', random, clock: clockAt(nowMs) })
  const other = createAuthority({ meshName: 'home', random, clock: clockAt(nowMs) })
  const svid = issueSvid(authority, { ...svidSubjectOf(alice), ttlMs: hourMs, clock: clockAt(nowMs), random })
  const leaf = write('leaf.pem', svid.chainDer[0]!)
  const at = ['-attime', String(nowMs / 1000)]
  for (const purpose of ['sslserver', 'sslclient']) {
    const args = [
      'verify',
      '-x509_strict',
      ...at,
      '-purpose',
      purpose,
      '-CAfile',
      write('ca.pem', authority.certificateDer),
    ]
    t.match(execFileSync(openssl, [...args, leaf], { encoding: 'utf8' }), /: OK/)
  }
  const wrong = spawnSync(openssl, [
    'verify',
    ...at,
    '-CAfile',
    write('other.pem', other.certificateDer),
    leaf,
  ])
  t.not(wrong.status, 0)
  t.end()
})

t.test('a certificate with a classical key is no SVID of a node', (t) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  t.equal(
    verifyHostKey({ ed25519PublicRaw: alice.ed25519.publicRaw, signature: signHostKey(alice) }, spki),
    false,
  )
  const short = leafCertificate(ca, {
    ...alice,
    mldsa65: { ...alice.mldsa65, publicRaw: new Uint8Array(1951) },
  })
  refuses(t, 'SVID_ALGORITHM', [short])
  t.notOk(hasCode(new Error('x'), 'SVID_ALGORITHM'))
  t.end()
})

/** The certificate with both names of its signature algorithm replaced. */
function withAlgorithm(der: Uint8Array<ArrayBuffer>, algorithm: AlgorithmIdentifier): Uint8Array {
  const certificate = AsnConvert.parse(der, Certificate)
  certificate.tbsCertificate.signature = algorithm
  certificate.signatureAlgorithm = algorithm
  delete certificate.tbsCertificateRaw
  return new Uint8Array(AsnConvert.serialize(certificate))
}
