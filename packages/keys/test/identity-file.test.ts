import t from 'tap'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { X0tError, type Clock } from '@x0t/core'
import {
  ageIdentityOf,
  ageRecipientOf,
  createIdentity,
  createIdentityFiles,
  decodePrivateJwk,
  decodePrivateKeyPem,
  decodeRotationPem,
  encodePrivateJwk,
  encodePrivateKeyPem,
  encodePublicJwk,
  encodePublicKeyPem,
  encodeRotationPem,
  exportKeys,
  inspectKeyFile,
  inspectKeyText,
  keyAlgorithms,
  keyIdOf,
  keySeed,
  listKeyDirectory,
  openArmor,
  openKeyFile,
  parseIdentity,
  parsePublicIdentity,
  publicIdentityFile,
  readIdentityFile,
  rotate,
  rotateIdentityFile,
  sealToArmor,
  serializeIdentity,
  verifyRotation,
  writeIdentityFile,
  writeSecretFile,
} from '@x0t/keys'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { countingBytes } from './vectors.ts'

const masterSeed = countingBytes(32)
const createdMs = Date.UTC(2026, 0, 2, 3, 4, 5)
const record = { name: 'alice', masterSeed, epoch: 0, createdMs }
const identity = createIdentity(masterSeed)
const quick = { passphrase: 'correct horse', scryptLogN: 10 }
const clockAt = (wallMs: number): Clock => ({
  wallMs: () => wallMs,
  monotonicMs: () => 0,
  setTimer: () => () => {},
})

t.test('an identity comes back from a file with a passphrase', async (t) => {
  const path = join(t.testdir(), 'a.key')
  await writeIdentityFile(path, record, { protection: quick })
  t.match(readFileSync(path, 'utf8'), /^-----BEGIN AGE ENCRYPTED FILE-----\n/)
  const stored = await readIdentityFile(path, { passphrase: () => 'correct horse' })
  t.match(stored, { name: 'alice', epoch: 0, createdMs, protection: 'passphrase' })
  t.same(stored.masterSeed, masterSeed)
  t.equal(stored.identity.nodeId, identity.nodeId)
  await t.rejects(readIdentityFile(path, { passphrase: 'wrong' }), { code: 'KEY_PASSPHRASE_WRONG' })
  await t.rejects(readIdentityFile(path, { passphrase: '' }), { code: 'KEY_PASSPHRASE_WRONG' })
  await t.rejects(readIdentityFile(path), { code: 'KEY_PASSPHRASE_NEEDED' })
  await t.rejects(
    writeIdentityFile(path, record, { protection: { passphrase: '' }, force: true }),
    { code: 'KEY_PASSPHRASE_NEEDED' },
    'an empty passphrase is none',
  )
})

t.test('an identity comes back from a file for age recipients, post-quantum and classical', async (t) => {
  const path = join(t.testdir(), 'a.key')
  const classical = await generateX25519Identity()
  const recipients = [ageRecipientOf(masterSeed, 3), await identityToRecipient(classical)]
  await writeIdentityFile(path, record, { protection: { recipients } })
  for (const ageIdentity of [ageIdentityOf(masterSeed, 3), classical]) {
    const stored = await readIdentityFile(path, { ageIdentities: [ageIdentity] })
    t.match(stored, { protection: 'recipients', name: 'alice' })
  }
  const ageIdentities = [ageIdentityOf(masterSeed, 4)]
  await t.rejects(readIdentityFile(path, { ageIdentities }), { code: 'KEY_RECIPIENT_MISMATCH' })
  await t.rejects(readIdentityFile(path), { code: 'KEY_RECIPIENT_MISMATCH' })
  const secret = 'AGE-SECRET-KEY-1NONSENSE'
  const failure = await readIdentityFile(path, { ageIdentities: [secret] }).catch((error: unknown) => error)
  t.match(failure, { code: 'KEY_INVALID' })
  t.notMatch(String(failure), /NONSENSE/, 'no secret in the message')
  for (const bad of [[], ['age1nonsense'], [classical]])
    await t.rejects(writeIdentityFile(path, record, { protection: { recipients: bad }, force: true }), {
      code: 'KEY_RECIPIENT_INVALID',
    })
})

t.test('an identity without encryption is protected by its mode', async (t) => {
  const path = join(t.testdir(), 'a.key')
  await writeIdentityFile(path, record, { protection: 'none' })
  t.match(await readIdentityFile(path), { protection: 'none', name: 'alice' })
  chmodSync(path, 0o640)
  await t.rejects(readIdentityFile(path), { code: 'KEY_MODE_TOO_OPEN' })
})

t.test('a damaged file is told from a wrong passphrase', async (t) => {
  const armor = await sealToArmor(serializeIdentity(record), quick)
  const lines = armor.split('\n')
  await t.rejects(openArmor(lines.toSpliced(5, 1).join('\n'), quick), { code: 'KEY_AGE_INVALID' })
  await t.rejects(openArmor(lines.slice(0, 4).join('\n'), quick), { code: 'KEY_AGE_INVALID' })
  const last = lines.at(-3)!
  const changed = lines.with(
    lines.length - 3,
    last.startsWith('A') ? `B${last.slice(1)}` : `A${last.slice(1)}`,
  )
  await t.rejects(openArmor(changed.join('\n'), quick), { code: 'KEY_AGE_INVALID' })
  await t.rejects(openArmor('-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n', quick), { code: 'KEY_AGE_INVALID' })
})

t.test('no damage to an age file makes its reader fail otherwise than by its error', async (t) => {
  const recipients = [ageRecipientOf(masterSeed, 0)]
  const good = Buffer.from(await sealToArmor(serializeIdentity(record), { recipients }))
  const ageIdentities = [ageIdentityOf(masterSeed, 0)]
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), fc.nat(2), async (at, byte, removed) => {
      const damaged = Buffer.concat([good.subarray(0, at), Buffer.of(byte), good.subarray(at + removed)])
      try {
        const content = await openArmor(damaged.toString('latin1'), { ageIdentities })
        return Buffer.from(content).equals(serializeIdentity(record))
      } catch (error) {
        return error instanceof X0tError && !error.message.includes('AGE-SECRET-KEY')
      }
    }),
    { seed: 4, numRuns: 150 },
  )
  t.pass('150 damaged files')
})

t.test('the content of an identity file is checked field by field', async (t) => {
  const good = JSON.parse(serializeIdentity(record).toString()) as Record<string, unknown>
  const parse = (changes: Record<string, unknown>) => () =>
    parseIdentity(Buffer.from(JSON.stringify({ ...good, ...changes })))
  t.doesNotThrow(parse({}))
  t.throws(parse({ version: 2 }), { code: 'KEY_VERSION_UNSUPPORTED' })
  const other = createIdentity(masterSeed, 1).nodeId
  t.throws(parse({ nodeId: other }), { code: 'KEY_ID_MISMATCH' })
  t.throws(parse({ epoch: 1 }), { code: 'KEY_ID_MISMATCH' })
  for (const changes of [
    { type: 'other' },
    { version: '1' },
    { version: 0 },
    { name: 7 },
    { name: 'n'.repeat(201) },
    { epoch: -1 },
    { epoch: 2 ** 32 },
    { created: 'yesterday' },
    { created: 5 },
    { nodeId: 'x' },
    { nodeId: 5 },
    { masterSeed: 'AAAA' },
    { masterSeed: `${String(good['masterSeed'])}=` },
    { masterSeed: null },
    { surprise: true },
  ])
    t.throws(parse(changes), { code: 'KEY_INVALID' }, JSON.stringify(changes).slice(0, 40))
  for (const text of ['', 'null', '[]', '{', '\u{0}'])
    t.throws(() => parseIdentity(Buffer.from(text)), { code: 'KEY_INVALID' })
  t.throws(() => parseIdentity(Buffer.of(0xff, 0xfe)), { code: 'KEY_INVALID' })
})

t.test('a public identity is bound to its id by both signatures', async (t) => {
  const text = publicIdentityFile(record)
  const value = parsePublicIdentity(text)
  t.match(value, { name: 'alice', nodeId: identity.nodeId, epoch: 0, createdMs })
  t.equal(value.ageRecipient, ageRecipientOf(masterSeed, 0))
  for (const algorithm of keyAlgorithms)
    t.same([...value.keys[algorithm]], [...identity[algorithm].publicRaw])

  const good = JSON.parse(text) as Record<string, unknown> & { keys: unknown[] }
  const parse = (changes: Record<string, unknown>) => () =>
    parsePublicIdentity(JSON.stringify({ ...good, ...changes }))
  t.throws(parse({ version: 2 }), { code: 'KEY_VERSION_UNSUPPORTED' })
  t.throws(parse({ nodeId: createIdentity(masterSeed, 1).nodeId }), { code: 'KEY_ID_MISMATCH' })
  t.throws(
    parse({ keys: [...good.keys.slice(1), encodePrivateJwk({ algorithm: 'x25519', seed: masterSeed })] }),
    {
      code: 'KEY_IS_PRIVATE',
    },
  )
  t.throws(parse({ ageRecipient: 'age1nonsense' }), { code: 'KEY_RECIPIENT_INVALID' })
  for (const changes of [
    { name: 'mallory' },
    { epoch: 1 },
    { created: '2026-01-02T03:04:06.000Z' },
    { ageRecipient: ageRecipientOf(masterSeed, 1) },
    { keys: good.keys.with(2, encodePublicJwk({ algorithm: 'x25519', raw: countingBytes(32) })) },
    { keys: good.keys.slice(1) },
    { keys: good.keys.with(0, good.keys[1]) },
    { keys: 'none' },
    { type: 'other' },
    { version: 'one' },
    { epoch: 0.5 },
    { created: 'never' },
    { nodeId: 'x' },
    { signature: 7 },
    { signature: '' },
  ])
    t.throws(parse(changes), { code: 'KEY_INVALID' }, JSON.stringify(changes).slice(0, 40))
  t.throws(() => parsePublicIdentity('not json'), { code: 'KEY_INVALID' })
  t.throws(() => parsePublicIdentity(serializeIdentity(record).toString()), { code: 'KEY_IS_PRIVATE' })
})

t.test('a rotation record shows that the old keys name the new ones', async (t) => {
  const { next, rotationRecord } = rotate(record, clockAt(createdMs + 1000))
  t.match(next, { epoch: 1, createdMs: createdMs + 1000, name: 'alice' })
  const rotation = verifyRotation(rotationRecord)
  const after = createIdentity(masterSeed, 1)
  t.match(rotation, {
    oldNodeId: identity.nodeId,
    newNodeId: after.nodeId,
    oldEpoch: 0,
    newEpoch: 1,
    createdMs: createdMs + 1000,
  })
  t.same([...rotation.newMldsa65PublicRaw], [...after.mldsa65.publicRaw])
  t.same(decodeRotationPem(encodeRotationPem(rotationRecord)), rotationRecord)
  t.throws(() => rotate(record, clockAt(createdMs - 1)), { code: 'KEY_CLOCK_BEHIND' })
  t.throws(() => rotate({ ...record, epoch: 2 ** 32 - 1 }, clockAt(createdMs)), RangeError)
})

t.test('no byte of a rotation record can be changed', async (t) => {
  const { rotationRecord } = rotate(record, clockAt(createdMs))
  const code = 'KEY_ROTATION_INVALID'
  // Magic, epochs, time, each key, each of the four signatures.
  for (const at of [0, 19, 23, 31, 40, 1000, 2020, 3000, 4010, 7000, 7330, 7390, 10_000, 10_740]) {
    const changed = Buffer.from(rotationRecord)
    changed[at]! ^= 1
    t.throws(() => verifyRotation(changed), { code }, String(at))
  }
  t.throws(() => verifyRotation(rotationRecord.subarray(1)), { code })
  t.throws(() => verifyRotation(Buffer.concat([rotationRecord, Buffer.of(0)])), { code })
  const huge = Buffer.from(rotationRecord)
  huge.fill(255, 24, 32)
  t.throws(() => verifyRotation(huge), { code, message: /time/ })
})

t.test('files of an identity', async (t) => {
  t.test('are made together, and never over others', async (t) => {
    const directory = join(t.testdir(), 'keys')
    const options = { directory, name: 'alice', protection: 'none' as const, clock: clockAt(createdMs) }
    const files = await createIdentityFiles(options)
    t.equal((await readIdentityFile(files.keyPath)).identity.nodeId, files.identity.nodeId)
    t.equal(parsePublicIdentity(readFileSync(files.publicPath, 'utf8')).nodeId, files.identity.nodeId)
    await t.rejects(createIdentityFiles(options), { code: 'KEY_EXISTS' })
    const again = await createIdentityFiles({ ...options, force: true })
    t.not(again.identity.nodeId, files.identity.nodeId)
    for (const name of ['', '.hidden', '../up', 'a/b', 'x'.repeat(65)])
      await t.rejects(createIdentityFiles({ ...options, name }), { code: 'KEY_NAME_INVALID', exitCode: 2 })
  })

  t.test('rotate to the next epoch with a record beside them', async (t) => {
    const directory = t.testdir()
    const files = await createIdentityFiles({
      directory,
      name: 'alice',
      protection: quick,
      masterSeed,
      clock: clockAt(createdMs),
    })
    const passphrase = quick.passphrase
    const stored = await readIdentityFile(files.keyPath, { passphrase })
    const rotated = await rotateIdentityFile(files.keyPath, stored, { protection: quick })
    t.equal(rotated.oldNodeId, identity.nodeId)
    const next = await readIdentityFile(files.keyPath, { passphrase })
    t.equal(next.epoch, 1)
    t.same(next.masterSeed, masterSeed, 'the words stay valid')
    const rotation = verifyRotation(decodeRotationPem(readFileSync(rotated.rotationPath!, 'utf8')))
    t.match(rotation, { oldNodeId: identity.nodeId, newNodeId: next.identity.nodeId })
    t.equal(parsePublicIdentity(readFileSync(files.publicPath, 'utf8')).nodeId, next.identity.nodeId)
    await t.rejects(
      rotateIdentityFile(files.keyPath, stored, { protection: quick }),
      { code: 'KEY_CHANGED_MEANWHILE' },
      'what was read before the rotation cannot replace it',
    )
  })

  t.test('get a new seed after a compromise, and the old file is kept', async (t) => {
    const files = await createIdentityFiles({ directory: t.testdir(), name: 'a', protection: 'none' })
    const before = readFileSync(files.keyPath)
    const stored = await readIdentityFile(files.keyPath)
    const rotated = await rotateIdentityFile(files.keyPath, stored, { protection: 'none', newSeed: true })
    const now = await readIdentityFile(files.keyPath)
    t.equal(now.epoch, 0)
    t.not(Buffer.compare(now.masterSeed, stored.masterSeed), 0)
    t.equal(rotated.rotationPath, undefined, 'a stolen key can vouch for nothing')
    t.same(readFileSync(rotated.formerPath!), before)
  })
})

t.test('every kind of file is recognised and opened', async (t) => {
  const root = t.testdir()
  const seed = keySeed(masterSeed, 'mldsa65', 0)
  const raw = identity.mldsa65.publicRaw
  const keyId = keyIdOf({ algorithm: 'mldsa65', raw })
  const write = async (name: string, content: string): Promise<string> => {
    await writeSecretFile(join(root, name), content)
    return join(root, name)
  }
  const privatePem = await write('a.pem', encodePrivateKeyPem({ algorithm: 'mldsa65', seed }))
  const publicPem = await write('b.pem', encodePublicKeyPem({ algorithm: 'mldsa65', raw }))
  const privateJwk = await write('c.jwk', JSON.stringify(encodePrivateJwk({ algorithm: 'mldsa65', seed })))
  const publicJwk = await write('d.jwk', JSON.stringify(encodePublicJwk({ algorithm: 'mldsa65', raw })))
  const { rotationRecord } = rotate(record, clockAt(createdMs))
  const rotation = await write('e.rotation', encodeRotationPem(rotationRecord))
  const { keyPath, publicPath } = await createIdentityFiles({
    directory: root,
    name: 'f',
    protection: 'none',
    masterSeed,
  })
  await write('notes.txt', 'no key at all')
  await writeIdentityFile(join(root, 'g.key'), record, { protection: quick })

  t.same(await inspectKeyFile(privatePem), {
    kind: 'private-key',
    algorithm: 'mldsa65',
    keyId,
    encrypted: false,
  })
  t.match(await inspectKeyFile(privateJwk), { kind: 'private-key', keyId })
  t.match(await inspectKeyFile(publicJwk), { kind: 'public-key', keyId })
  t.match(await inspectKeyFile(keyPath), { kind: 'identity', nodeId: identity.nodeId, epoch: 0 })
  t.match(await inspectKeyFile(rotation), { kind: 'rotation', oldNodeId: identity.nodeId, newEpoch: 1 })
  t.match(await inspectKeyFile(join(root, 'g.key')), { kind: 'encrypted-file', protection: 'passphrase' })
  t.throws(() => inspectKeyText('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), {
    code: 'KEY_INVALID',
  })
  t.throws(() => inspectKeyText('{'), { code: 'KEY_INVALID' })

  const listed = await listKeyDirectory(root)
  t.same(
    listed.map(({ summary }) => summary.kind),
    [
      'private-key',
      'public-key',
      'private-key',
      'public-key',
      'rotation',
      'identity',
      'public-identity',
      'encrypted-file',
    ],
    'by name; what is no key is passed over',
  )
  await t.rejects(listKeyDirectory(join(root, 'none')), { code: 'KEY_NOT_FOUND' })
  await t.rejects(listKeyDirectory(publicPem), { code: 'KEY_NOT_FOUND' })

  t.match(await openKeyFile(privatePem), { kind: 'private-key', key: { algorithm: 'mldsa65' } })
  t.match(await openKeyFile(privateJwk), { kind: 'private-key', key: { algorithm: 'mldsa65' } })
  t.match(await openKeyFile(publicPem), { kind: 'public-key', key: { algorithm: 'mldsa65' } })
  t.match(await openKeyFile(publicJwk), { kind: 'public-key', key: { algorithm: 'mldsa65' } })
  t.match(await openKeyFile(keyPath), { kind: 'identity', stored: { name: 'f' } })
  t.match(await openKeyFile(publicPath), { kind: 'public-identity', publicIdentity: { name: 'f' } })
  t.match(await openKeyFile(join(root, 'g.key'), { passphrase: quick.passphrase }), { kind: 'identity' })
  await t.rejects(openKeyFile(rotation), { code: 'KEY_INVALID' })
  chmodSync(privatePem, 0o644)
  await t.rejects(openKeyFile(privatePem), { code: 'KEY_MODE_TOO_OPEN' })
})

t.test('private keys are exported to the formats of other programs', async (t) => {
  const root = t.testdir()
  const { keyPath, publicPath } = await createIdentityFiles({
    directory: root,
    name: 'a',
    protection: 'none',
    masterSeed,
  })
  const opened = await openKeyFile(keyPath)

  const plain = await exportKeys(opened, 'pkcs8', 'none')
  t.same(
    plain.map(({ suffix }) => suffix),
    keyAlgorithms.map((algorithm) => `${algorithm}.pem`),
  )
  for (const { key, content } of plain) {
    const decoded = decodePrivateKeyPem(content)
    t.equal(decoded.algorithm, key)
    t.same(decoded.seed, keySeed(masterSeed, decoded.algorithm, 0))
  }

  const [encrypted] = await exportKeys(opened, 'pkcs8', quick, 'mldsa65')
  t.match(encrypted!.content, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
  t.same(decodePrivateKeyPem(encrypted!.content, quick.passphrase).seed, keySeed(masterSeed, 'mldsa65', 0))

  const path = join(root, 'single.pem')
  writeFileSync(path, encrypted!.content, { mode: 0o600 })
  t.match(await inspectKeyFile(path), { kind: 'encrypted-private-key', encrypted: true })
  await t.rejects(openKeyFile(path), { code: 'KEY_PASSPHRASE_NEEDED' })
  const single = await openKeyFile(path, { passphrase: () => quick.passphrase })
  await t.rejects(exportKeys(single, 'jwk', 'none', 'x25519'), { code: 'KEY_INVALID' })
  await t.rejects(exportKeys(single, 'age', 'none'), { code: 'KEY_INVALID' })
  const [jwk] = await exportKeys(single, 'jwk', quick)
  t.equal(jwk!.suffix, 'mldsa65.jwk.age')
  const openedJwk = Buffer.from(await openArmor(jwk!.content, quick)).toString()
  t.same(decodePrivateJwk(JSON.parse(openedJwk)).seed, keySeed(masterSeed, 'mldsa65', 0))

  const recipients = [ageRecipientOf(masterSeed, 0)]
  const [sealed] = await exportKeys(opened, 'pkcs8', { recipients }, 'ed25519')
  t.equal(sealed!.suffix, 'ed25519.pem.age')
  const [age] = await exportKeys(opened, 'age', 'none')
  t.match(age!.content, `\n${ageIdentityOf(masterSeed, 0)}\n`)

  await t.rejects(exportKeys(await openKeyFile(publicPath), 'pkcs8', 'none'), { code: 'KEY_IS_PUBLIC' })
  t.notOk(existsSync(join(root, 'a.mldsa65.pem')), 'exporting itself writes nothing')
})
