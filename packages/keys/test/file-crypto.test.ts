import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { armor, generateX25519Identity, identityToRecipient } from 'age-encryption'
import {
  ageIdentityOf,
  ageRecipientOf,
  createIdentity,
  createIdentityFiles,
  decodePrivateKeyPem,
  decryptFile,
  encodePkcs8,
  encodePrivateKeyPem,
  encodePublicKeyPem,
  encryptFile,
  encryptPkcs8,
  keyAlgorithms,
  keySeed,
  nativeBackend,
  protectionOfFile,
  readIdentityFile,
  sealToArmor,
  signFile,
  verifyFile,
} from '@x0t/keys'
import { countingBytes } from './vectors.ts'

const masterSeed = countingBytes(32)
const identity = createIdentity(masterSeed)
const recipient = ageRecipientOf(masterSeed, 0)
const ageIdentities = [ageIdentityOf(masterSeed, 0)]

t.test('a signed file verifies under its context, and names its signer', async (t) => {
  const path = join(t.testdir({ file: 'x'.repeat(200_000) }), 'file')
  const signature = await signFile(identity, path, 'release')
  t.same(await verifyFile(path, signature, 'release'), { valid: true, signer: identity.nodeId })
  t.match(await verifyFile(path, signature, ''), { valid: false })
  t.match(await verifyFile(path, signature, 'releas'), { valid: false })
  writeFileSync(path, 'y')
  t.same(await verifyFile(path, signature, 'release'), { valid: false, signer: identity.nodeId })
})

t.test('a signature with another signer put in does not verify', async (t) => {
  const path = join(t.testdir({ file: 'content' }), 'file')
  const own = Buffer.from((await signFile(identity, path)).split('\n').slice(1, -2).join(''), 'base64')
  const other = createIdentity(masterSeed, 1)
  Buffer.concat([other.ed25519.publicRaw, other.mldsa65.publicRaw]).copy(own, 16)
  const lines = own.toString('base64').match(/.{1,64}/g)!
  const forged = `-----BEGIN X0T SIGNATURE-----\n${lines.join('\n')}\n-----END X0T SIGNATURE-----\n`
  t.same(await verifyFile(path, forged), { valid: false, signer: other.nodeId })
})

t.test('what is no signature, and files that are missing, are refused', async (t) => {
  const root = t.testdir({ file: 'content' })
  const path = join(root, 'file')
  const pem = (bytes: string) => `-----BEGIN X0T SIGNATURE-----\n${bytes}\n-----END X0T SIGNATURE-----\n`
  await t.rejects(verifyFile(path, pem('AAAA')), { code: 'KEY_INVALID' })
  await t.rejects(verifyFile(path, 'AAAA'), { code: 'KEY_INVALID' })
  await t.rejects(signFile(identity, join(root, 'none')), { code: 'KEY_NOT_FOUND' })
  await t.rejects(signFile(identity, root), { code: 'KEY_UNREADABLE' })
  await t.rejects(signFile(identity, path, 'c'.repeat(244)), RangeError)
  await t.rejects(signFile(identity, path, '', AbortSignal.abort()), { name: 'AbortError' })
})

t.test('files of every size come back from encryption', async (t) => {
  const root = t.testdir()
  // Around the 64 KiB chunks of age.
  for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const content = randomBytes(size)
    const plain = join(root, `${size}`)
    writeFileSync(plain, content)
    await encryptFile(plain, `${plain}.age`, [recipient])
    t.equal(await protectionOfFile(`${plain}.age`), 'recipients')
    await decryptFile(`${plain}.age`, `${plain}.back`, { ageIdentities })
    t.same(readFileSync(`${plain}.back`), content, `${size} bytes`)
  }
})

t.test('nothing appears of a file that is cut off, damaged or for others', async (t) => {
  const root = t.testdir({ plain: 'p'.repeat(150_000) })
  const path = (name: string): string => join(root, name)
  await encryptFile(path('plain'), path('good'), [recipient])
  const good = readFileSync(path('good'))
  const last = Buffer.from(good)
  last[last.length - 1]! ^= 1
  const header = Buffer.from(good)
  header[100]! ^= 1
  for (const [name, content] of Object.entries({
    cut: good.subarray(0, -70_000),
    last,
    header,
    start: good.subarray(0, 30),
    none: Buffer.alloc(0),
    other: Buffer.from('some text of another kind'),
  })) {
    writeFileSync(path(name), content)
    const outcome = await decryptFile(path(name), path('out'), { ageIdentities }).catch(
      (error: unknown) => error,
    )
    t.match(outcome, { code: /^KEY_(AGE_INVALID|RECIPIENT_MISMATCH)$/ }, name)
  }
  const foreign = { ageIdentities: [ageIdentityOf(masterSeed, 1)] }
  await t.rejects(decryptFile(path('good'), path('out'), foreign), { code: 'KEY_RECIPIENT_MISMATCH' })
  await t.rejects(decryptFile(path('absent'), path('out'), { ageIdentities }), { code: 'KEY_NOT_FOUND' })
  await t.rejects(encryptFile(path('absent'), path('out'), [recipient]), { code: 'KEY_NOT_FOUND' })
  await t.rejects(encryptFile(path('plain'), path('out'), ['age1nonsense']), {
    code: 'KEY_RECIPIENT_INVALID',
  })
  await t.rejects(encryptFile(path('plain'), path('good'), [recipient]), { code: 'KEY_EXISTS' })
  const abort = { signal: AbortSignal.abort() }
  await t.rejects(encryptFile(path('plain'), path('out'), [recipient], abort))
  t.notOk(readdirSync(root).includes('out'))
  t.same(
    readdirSync(root).filter((name) => name.endsWith('.tmp')),
    [],
  )
})

t.test('armoured files and files with a passphrase are decrypted too', async (t) => {
  const root = t.testdir({ plain: 'content' })
  const path = (name: string): string => join(root, name)
  await encryptFile(path('plain'), path('binary'), [recipient])
  writeFileSync(path('armoured'), armor.encode(readFileSync(path('binary'))))
  await decryptFile(path('armoured'), path('one'), { ageIdentities })
  t.equal(readFileSync(path('one'), 'utf8'), 'content')
  const protection = { passphrase: 'p', scryptLogN: 10 }
  writeFileSync(path('locked'), await sealToArmor(Buffer.from('content'), protection))
  t.equal(await protectionOfFile(path('locked')), 'passphrase')
  await decryptFile(path('locked'), path('two'), { passphrase: 'p' })
  t.equal(readFileSync(path('two'), 'utf8'), 'content')
  await t.rejects(decryptFile(path('locked'), path('three'), { passphrase: 'q' }), {
    code: 'KEY_PASSPHRASE_WRONG',
  })
  await t.rejects(decryptFile(path('locked'), path('three'), {}), { code: 'KEY_PASSPHRASE_NEEDED' })
  await t.rejects(decryptFile(path('binary'), path('three'), {}), { code: 'KEY_RECIPIENT_MISMATCH' })
  writeFileSync(path('torn'), readFileSync(path('armoured'), 'utf8').split('\n').slice(0, 9).join('\n'))
  await t.rejects(decryptFile(path('torn'), path('three'), { ageIdentities }), { code: 'KEY_AGE_INVALID' })
})

t.test('a classical recipient works where it is given in so many words', async (t) => {
  const root = t.testdir({ plain: 'content' })
  const classical = await generateX25519Identity()
  await encryptFile(join(root, 'plain'), join(root, 'age'), [recipient, await identityToRecipient(classical)])
  await decryptFile(join(root, 'age'), join(root, 'out'), { ageIdentities: [classical] })
  t.equal(readFileSync(join(root, 'out'), 'utf8'), 'content')
})

t.test(
  'the openssl program',
  needsProgram('openssl', ['version'], /OpenSSL (\d+)\.(\d+)/, 3, 5),
  async (t) => {
    const root = t.testdir()
    const run = (...args: string[]): string =>
      execFileSync('openssl', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    const names = { ed25519: 'ED25519', mldsa65: 'ML-DSA-65', x25519: 'X25519', mlkem768: 'ML-KEM-768' }
    for (const algorithm of keyAlgorithms) {
      const seed = keySeed(masterSeed, algorithm, 0)
      const raw = nativeBackend[algorithm].publicKey(seed)
      writeFileSync(join(root, 'key.pem'), encodePrivateKeyPem({ algorithm, seed }))
      t.equal(
        run('pkey', '-in', 'key.pem', '-pubout'),
        encodePublicKeyPem({ algorithm, raw }),
        `reads ${algorithm}`,
      )
      writeFileSync(join(root, 'enc.pem'), encryptPkcs8(encodePkcs8({ algorithm, seed }), 'pass'))
      t.equal(
        run('pkey', '-in', 'enc.pem', '-passin', 'pass:pass', '-pubout'),
        encodePublicKeyPem({ algorithm, raw }),
        `reads encrypted ${algorithm}`,
      )
      run('genpkey', '-algorithm', names[algorithm], '-out', 'theirs.pem')
      const theirs = decodePrivateKeyPem(readFileSync(join(root, 'theirs.pem'), 'utf8'))
      t.equal(
        encodePublicKeyPem({ algorithm, raw: nativeBackend[algorithm].publicKey(theirs.seed) }),
        run('pkey', '-in', 'theirs.pem', '-pubout'),
        `we read its ${algorithm}`,
      )
    }
    const publicPem = encodePublicKeyPem({ algorithm: 'mldsa65', raw: identity.mldsa65.publicRaw })
    writeFileSync(join(root, 'pub.pem'), publicPem)
    writeFileSync(join(root, 'message'), 'hello')
    const seed = keySeed(masterSeed, 'mldsa65', 0)
    writeFileSync(join(root, 'sig'), nativeBackend.mldsa65.sign(seed, Buffer.from('hello')))
    const verify = ['pkeyutl', '-verify', '-pubin', '-inkey', 'pub.pem', '-in', 'message', '-sigfile', 'sig']
    t.match(run(...verify), /Verified Successfully/)

    // The ML-DSA half of a hybrid file signature, checked by OpenSSL alone.
    const signature = await signFile(identity, join(root, 'message'), 'x')
    const bytes = Buffer.from(signature.split('\n').slice(1, -2).join(''), 'base64')
    const context = Buffer.from('x0t/v1/file/x')
    const representative = Buffer.concat([
      Buffer.from('CompositeAlgorithmSignatures2025COMPSIG-MLDSA65-Ed25519-SHA512'),
      Buffer.of(context.length),
      context,
      createHash('sha512').update('hello').digest(),
    ])
    writeFileSync(join(root, 'message'), representative)
    writeFileSync(join(root, 'sig'), bytes.subarray(2000, 2000 + 3309))
    const label = Buffer.from('COMPSIG-MLDSA65-Ed25519-SHA512').toString('hex')
    t.match(run(...verify, '-pkeyopt', `hexcontext-string:${label}`), /Verified Successfully/)
  },
)

t.test('the age program', needsProgram('age', ['--version'], /v?(\d+)\.(\d+)/, 1, 3), async (t) => {
  const root = t.testdir({ plain: 'for age' })
  const path = (name: string): string => join(root, name)
  writeFileSync(path('identity'), `${ageIdentities[0]}\n`, { mode: 0o600 })
  await encryptFile(path('plain'), path('ours.age'), [recipient])
  execFileSync('age', ['-d', '-i', path('identity'), '-o', path('out'), path('ours.age')])
  t.equal(readFileSync(path('out'), 'utf8'), 'for age')
  t.equal(execFileSync('age-keygen', ['-y', path('identity')], { encoding: 'utf8' }).trim(), recipient)
  execFileSync('age', ['-r', recipient, '-o', path('theirs.age'), path('plain')])
  await decryptFile(path('theirs.age'), path('back'), { ageIdentities })
  t.equal(readFileSync(path('back'), 'utf8'), 'for age')
  // An identity file that age itself encrypted to a recipient.
  const { keyPath } = await createIdentityFiles({
    directory: root,
    name: 'node',
    protection: { recipients: [recipient] },
    masterSeed,
    epoch: 2,
  })
  const content = execFileSync('age', ['-d', '-i', path('identity'), keyPath])
  t.equal((JSON.parse(content.toString()) as { epoch: number }).epoch, 2)
  t.equal((await readIdentityFile(keyPath, { ageIdentities })).epoch, 2)
})

/** Options of a test that needs a program of at least this version. */
function needsProgram(
  program: string,
  args: readonly string[],
  pattern: RegExp,
  major: number,
  minor: number,
): { skip?: string } {
  const { stdout, error } = spawnSync(program, args, { encoding: 'utf8' })
  const wanted = `${program} ${major}.${minor} or later`
  if (error !== undefined) return { skip: `needs ${wanted}; there is none` }
  const [, haveMajor = '0', haveMinor = '0'] = pattern.exec(stdout) ?? []
  const enough = Number(haveMajor) > major || (Number(haveMajor) === major && Number(haveMinor) >= minor)
  return enough ? {} : { skip: `needs ${wanted}; here is ${stdout.trim().slice(0, 40)}` }
}
