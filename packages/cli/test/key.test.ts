import t from 'tap'
import { chmodSync, openSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { NodeId } from '@x0t/core'
import { main } from '../src/main.ts'
import { keyListView, keySummaryView, selfTestView, verificationView } from '../src/views/key.ts'
import { runCli } from './run-cli.ts'

interface CreatedJson {
  readonly nodeId: string
  readonly keyFile: string
  readonly publicFile: string
  readonly ageRecipient: string
  readonly epoch: number
  readonly words?: string
}

/** Runs `x0t … --json` and parses what it printed; fails unless it ended with 0. */
async function json(...argv: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runCli([...argv, '--json'])
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`)
  return JSON.parse(stdout)
}

async function keygen(directory: string, ...more: string[]): Promise<CreatedJson> {
  return (await json('keygen', '--out', directory, '--no-passphrase', ...more)) as CreatedJson
}

/** A passphrase file of mode 0600. */
function passphraseFile(directory: string, name: string, text: string): string {
  writeFileSync(join(directory, name), text, { mode: 0o600 })
  return join(directory, name)
}

t.test('keygen writes a secret and a public file and prints no secret', async (t) => {
  const out = t.testdir()
  const { code, stdout, stderr } = await runCli(['keygen', '--out', out, '--no-passphrase'])
  t.equal(code, 0)
  t.match(stdout, /node id: +[a-z2-7]{52}\n/)
  t.match(stdout, /address: +fd78:/)
  t.match(stderr, /next: x0t key backup/)
  t.same(readdirSync(out), ['identity.key', 'identity.pub'])
  t.equal(statSync(join(out, 'identity.key')).mode & 0o777, 0o600)
  const { masterSeed } = JSON.parse(readFileSync(join(out, 'identity.key'), 'utf8')) as { masterSeed: string }
  t.notMatch(stdout + stderr, masterSeed)
})

t.test('keygen refuses to replace files, and bad names, without asking for a passphrase', async (t) => {
  const out = t.testdir()
  await keygen(out)
  t.match(await runCli(['keygen', '--out', out, '--no-passphrase']), { code: 1, stderr: /KEY_EXISTS/ })
  t.match(await runCli(['keygen', '--out', out, '--name', '../up']), { code: 2, stderr: /KEY_NAME_INVALID/ })
  const again = await keygen(out, '--force')
  t.equal(again.epoch, 0)
})

t.test('without a terminal and another source of the passphrase keygen says so', async (t) => {
  const out = t.testdir()
  t.match(await runCli(['keygen', '--out', out]), {
    code: 2,
    stderr: /KEY_PASSPHRASE_NEEDED.*\n.*--passphrase-file/,
  })
  t.same(readdirSync(out), [])
})

t.test('two protections at once are refused', async (t) => {
  const both = ['keygen', '--out', t.testdir(), '--no-passphrase', '--recipient', 'age1x']
  t.match(await runCli(both), { code: 2, stderr: /exclude each other/ })
  t.match(await runCli(['keygen', '--scrypt-log-n', '9', '--no-passphrase']), { code: 2, stderr: /10 to 20/ })
})

t.test('a passphrase from a file protects an identity, can be changed and removed', async (t) => {
  const out = t.testdir()
  const first = passphraseFile(out, 'first', 'correct horse battery\n')
  const second = passphraseFile(out, 'second', 'another long passphrase\r\n')
  const quick = ['--scrypt-log-n', '10']
  await json('keygen', '--out', out, '--passphrase-file', first, ...quick)
  const key = join(out, 'identity.key')

  const locked = await runCli(['key', 'show', key])
  t.match(locked, { code: 0, stdout: /encrypted-file[^]*yes \(passphrase\)/, stderr: /the ids are inside/ })
  const opened = await json('key', 'show', key, '--passphrase-file', first)
  t.match(opened, { kind: 'identity', encrypted: true, protection: 'passphrase', epoch: 0 })
  t.match(await runCli(['key', 'show', key, '--passphrase-file', second]), {
    code: 1,
    stderr: /KEY_PASSPHRASE_WRONG/,
  })

  const change = ['key', 'passphrase', key, '--passphrase-file', first]
  t.match(await runCli([...change, '--new-passphrase-file', second, ...quick]), {
    code: 0,
    stdout: /encrypted with a passphrase before, encrypted with a passphrase now/,
  })
  t.match(await json('key', 'id', key, '--passphrase-file', second), { id: /^[a-z2-7]{52}$/ })
  t.match(await json('key', 'passphrase', key, '--passphrase-file', second, '--no-passphrase'), {
    before: 'passphrase',
    now: 'none',
  })
  t.match(await json('key', 'show', key), { encrypted: false })

  chmodSync(second, 0o644)
  t.match(await runCli(['key', 'passphrase', key, '--new-passphrase-file', second]), {
    code: 1,
    stderr: /KEY_MODE_TOO_OPEN.*\n.*chmod 600/,
  })
})

t.test('a passphrase comes from a file descriptor', async (t) => {
  const out = t.testdir()
  const path = passphraseFile(out, 'p', 'short')
  const descriptor = String(openSync(path, 'r'))
  const made = await runCli(['keygen', '--out', out, '--passphrase-fd', descriptor, '--scrypt-log-n', '10'])
  t.match(made, { code: 0, stderr: /can be guessed/ })
  t.match(await runCli(['keygen', '--out', out, '--name', 'b', '--passphrase-fd', descriptor]), {
    code: 2,
    stderr: /gives no passphrase/,
  })
  t.match(await runCli(['keygen', '--out', out, '--name', 'b', '--passphrase-fd', 'x']), { code: 2 })
  const empty = passphraseFile(out, 'empty', '')
  t.match(await runCli(['keygen', '--out', out, '--name', 'b', '--passphrase-file', empty]), {
    code: 2,
    stderr: /passphrase is empty/,
  })
})

t.test('on a terminal the passphrase is asked for twice, without echo', async (t) => {
  const out = t.testdir()
  const quick = ['--scrypt-log-n', '10']
  const made = await onTerminal(
    ['keygen', '--out', out, ...quick],
    // Ctrl-U drops the line, backspace a character, however many bytes it has.
    ['wrong\u0015lange Passphraseé\u007f\r', 'lange Passphrase\n'],
  )
  t.equal(made.code, 0, made.stderr)
  t.match(made.stderr, /New passphrase: \nAgain: \n/)
  t.notMatch(made.stderr + made.stdout, /lange/)
  t.same(made.rawModes, [true, false, true, false])
  const key = join(out, 'identity.key')
  t.match(await onTerminal(['key', 'id', key], ['lange Passphrase\r']), {
    code: 0,
    stdout: /^[a-z2-7]{52}\n$/,
  })

  const differing = await onTerminal(['keygen', '--out', out, '--name', 'b'], ['one\r', 'two\r'])
  t.match(differing, { code: 2, stderr: /PASSPHRASES_DIFFER/ })
  const interrupted = await onTerminal(['key', 'id', key], ['half\u0003'])
  t.match(interrupted, { code: 130, stderr: /INTERRUPTED/ })
  t.equal(interrupted.rawModes.at(-1), false, 'the terminal echoes again')
  t.match(await onTerminal(['key', 'id', key], ['lange Passphrase\u0004']), { code: 0 })
})

t.test('an identity is encrypted to recipients and opened with their age identity', async (t) => {
  const out = t.testdir()
  const owner = await keygen(out, '--name', 'owner')
  await json('key', 'convert', owner.keyFile, '--to', 'age', '--no-passphrase')
  const ageIdentity = join(out, 'owner.age-identity')
  t.match(readFileSync(ageIdentity, 'utf8'), /\nAGE-SECRET-KEY-PQ-1/)
  const made = await json('keygen', '--out', out, '--name', 'node', '--recipient', owner.publicFile)
  const { keyFile } = made as CreatedJson
  t.match(await json('key', 'show', keyFile, '--age-identity', ageIdentity), { protection: 'recipients' })
  t.match(await runCli(['key', 'id', keyFile]), { code: 1, stderr: /KEY_RECIPIENT_MISMATCH/ })
  const rotate = ['key', 'rotate', keyFile, '--age-identity', ageIdentity]
  t.match(await runCli(rotate), { code: 2, stderr: /say --recipient/ })
  t.match(await json(...rotate, '--recipient', owner.ageRecipient), { epoch: 1, encrypted: true })
})

t.test('key show and list tell what files are', async (t) => {
  const out = t.testdir({ 'notes.txt': 'hello', empty: {} })
  const { nodeId, keyFile, publicFile } = await keygen(out)
  t.match(await runCli(['key', 'show', keyFile]), {
    stdout: new RegExp(`node id: +${nodeId}[^]*encrypted: +no`),
  })
  t.match(await runCli(['key', 'id', publicFile]), { stdout: `${nodeId}\n` })
  const listed = (await json('key', 'list', out)) as unknown[]
  t.equal(listed.length, 2)
  t.match(await runCli(['key', 'list', out]), { stdout: /identity\.key.*identity.*no[^]*public-identity/ })
  t.match(await runCli(['key', 'list', join(out, 'notes.txt')]), { code: 1, stderr: /KEY_NOT_FOUND/ })
  t.match(await runCli(['key', 'list', join(out, 'empty')]), { stdout: 'no keys here\n' })
  t.match(await runCli(['key', 'show', join(out, 'notes.txt')]), { code: 1 })
  chmodSync(keyFile, 0o644)
  t.match(await runCli(['key', 'id', keyFile]), { code: 1, stderr: /KEY_MODE_TOO_OPEN/ })
})

t.test('key public prints the public half in every format', async (t) => {
  const out = t.testdir()
  const { keyFile, publicFile, ageRecipient } = await keygen(out)
  const pem = await runCli(['key', 'public', keyFile])
  t.equal(pem.stdout.match(/BEGIN PUBLIC KEY/g)?.length, 4)
  t.equal((await runCli(['key', 'public', publicFile])).stdout, pem.stdout, 'the public file gives the same')
  t.equal((await runCli(['key', 'public', keyFile, '--format', 'age'])).stdout, `${ageRecipient}\n`)
  const jwk = await runCli(['key', 'public', keyFile, '--format', 'jwk', '--key', 'mldsa65'])
  t.match(JSON.parse(jwk.stdout), { kty: 'AKP', alg: 'ML-DSA-65' })
  t.match(JSON.parse((await runCli(['key', 'public', keyFile, '--format', 'jwk'])).stdout), {
    type: 'x0t-public-identity',
  })
  t.equal(
    (await runCli(['key', 'public', publicFile, '--format', 'jwk'])).stdout,
    readFileSync(publicFile, 'utf8'),
  )
  const raw = await runCli(['key', 'public', keyFile, '--format', 'raw', '--key', 'x25519'])
  const bytes = Buffer.from(raw.stdout.split(' ')[1]!, 'base64')
  t.equal(bytes.length, 32)
  const path = join(out, 'x25519.raw')
  const write = ['key', 'public', keyFile, '--format', 'raw', '--out', path]
  t.match(await runCli(write), { code: 2, stderr: /say --key/ })
  t.match(await runCli([...write, '--key', 'x25519']), { code: 0 })
  t.same(readFileSync(path), bytes)
  t.match(await runCli([...write, '--key', 'x25519']), { code: 1, stderr: /KEY_EXISTS/ })

  const single = join(out, 'single.pem')
  t.match(await runCli(['key', 'public', keyFile, '--key', 'ed25519', '--out', single]), { code: 0 })
  const { keyId } = (await json('key', 'show', single)) as { keyId: string }
  t.match(await runCli(['key', 'id', single]), { stdout: `${keyId}\n` })
  t.match(await runCli(['key', 'public', single, '--key', 'x25519']), { code: 2, stderr: /no key of x25519/ })
  t.match(await runCli(['key', 'public', single, '--format', 'age']), { code: 2 })
  t.match(await runCli(['key', 'public', keyFile, '--format', 'der']), { code: 2 })
})

t.test('key convert writes private keys encrypted unless told otherwise', async (t) => {
  const out = t.testdir()
  const { keyFile } = await keygen(out)
  const pass = passphraseFile(out, 'p', 'a long passphrase')
  const convert = ['key', 'convert', keyFile, '--to', 'pkcs8', '--key', 'mldsa65']
  t.match(await runCli(convert), { code: 2, stderr: /KEY_PASSPHRASE_NEEDED/ })
  t.match(await runCli([...convert, '--new-passphrase-file', pass]), {
    code: 0,
    stdout: /identity\.mldsa65\.pem/,
  })
  const pem = join(out, 'identity.mldsa65.pem')
  t.match(readFileSync(pem, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY/)
  t.equal(statSync(pem).mode & 0o777, 0o600)
  t.match(await runCli(['key', 'id', pem, '--passphrase-file', pass]), {
    code: 0,
    stdout: /^[a-z2-7]{52}\n$/,
  })
  const single = await runCli(['key', 'public', pem, '--passphrase-file', pass])
  t.equal(single.stdout, (await runCli(['key', 'public', keyFile, '--key', 'mldsa65'])).stdout)
  t.match(await runCli([...convert, '--no-passphrase', '--stdout']), {
    stdout: /^-----BEGIN PRIVATE KEY-----\n/,
  })
  t.match(await runCli(['key', 'convert', keyFile, '--to', 'gpg', '--no-passphrase']), { code: 2 })
})

t.test('words bring an identity back, rotated as it was', async (t) => {
  const out = t.testdir()
  const made = await keygen(out, '--words')
  t.equal(made.words!.split(' ').length, 24)
  await json('key', 'rotate', made.keyFile)
  const { nodeId, words } = (await json('key', 'backup', made.keyFile, '--words')) as {
    nodeId: string
    words: string[]
  }
  t.same(words.join(' '), made.words, 'rotation does not change the words')
  const shown = await runCli(['key', 'backup', made.keyFile, '--words'])
  t.match(shown, { stdout: new RegExp(`^ 1\\. ${words[0]}`), stderr: /note the node id/ })

  const wordsFile = passphraseFile(out, 'words', shown.stdout)
  const restore = [
    'key',
    'restore',
    '--words-file',
    wordsFile,
    '--out',
    join(out, 'again'),
    '--no-passphrase',
  ]
  t.match(await json(...restore, '--id', nodeId), { nodeId, epoch: 1 })
  const { nodeId: first } = (await json(...restore, '--force')) as CreatedJson
  t.equal(first, made.nodeId, 'epoch 0 without an id')
  t.match(await json(...restore, '--force', '--epoch', '1'), { nodeId })
  t.match(await runCli([...restore, '--epoch', '-1']), { code: 2 })
  const other = await keygen(out, '--name', 'other')
  t.match(await runCli([...restore, '--force', '--id', other.nodeId]), { code: 1, stderr: /KEY_ID_MISMATCH/ })
  t.match(await runCli([...restore, '--force', '--id', 'nonsense']), { code: 1, stderr: /NODE_ID_INVALID/ })

  const typed = await onTerminal(
    ['key', 'restore', '--out', join(out, 'typed'), '--no-passphrase'],
    [`${words.join('  ')}\r`],
  )
  t.match(typed, { code: 0, stdout: new RegExp(made.nodeId), stderr: /no id was given/ })
  t.notMatch(typed.stderr + typed.stdout, words.slice(0, 3).join(' '))
})

t.test('shares bring an identity back', async (t) => {
  const out = t.testdir()
  const { keyFile, nodeId } = await keygen(out)
  const pass = passphraseFile(out, 'p', 'share passphrase')
  const backup = ['key', 'backup', keyFile, '--shares', '2/3']
  const { files } = (await json(...backup, '--out', join(out, 's'), '--share-passphrase-file', pass)) as {
    files: string[]
  }
  t.equal(files.length, 3)
  t.equal(statSync(files[0]!).mode & 0o777, 0o600)
  const restore = ['key', 'restore', '--no-passphrase', '--out', join(out, 'again'), '--id', nodeId]
  const given = [...restore, '--share-file', files[2]!, files[0]!]
  t.match(await runCli(given), { code: 1, stderr: /KEY_ID_MISMATCH/ }, 'without the passphrase of the shares')
  t.match(await json(...given, '--share-passphrase-file', pass), { nodeId })
  t.match(await runCli([...restore, '--share-file', files[1]!]), { code: 1, stderr: /too few/ })

  t.match(await runCli([...backup, '--stdout']), { code: 0, stdout: /any 2 of these 3[^]*share 3\n/ })
  t.match(await runCli(backup), { code: 2, stderr: /--out DIRECTORY or --stdout/ })
  t.match(await runCli(['key', 'backup', keyFile]), { code: 2, stderr: /either --words or --shares/ })
  t.match(await runCli(['key', 'backup', keyFile, '--shares', '3/2', '--stdout']), { code: 2 })
  t.match(await runCli([...given, '--words-file', pass]), { code: 2 })
})

t.test('key rotate makes the next epoch, or with --new-seed another identity', async (t) => {
  const out = t.testdir()
  const pass = passphraseFile(out, 'p', 'a long passphrase')
  const made = (await json(
    'keygen',
    '--out',
    out,
    '--passphrase-file',
    pass,
    '--scrypt-log-n',
    '10',
  )) as CreatedJson
  const rotate = ['key', 'rotate', made.keyFile, '--passphrase-file', pass, '--scrypt-log-n', '10']
  const rotated = (await json(...rotate)) as CreatedJson & { oldNodeId: string; rotationFile: string }
  t.match(rotated, { oldNodeId: made.nodeId, epoch: 1, encrypted: true })
  t.match(await json('key', 'show', rotated.rotationFile), {
    kind: 'rotation',
    oldNodeId: made.nodeId,
    newNodeId: rotated.nodeId,
  })
  t.match(await runCli(['key', 'show', rotated.rotationFile]), {
    stdout: /old node id:[^]*epoch 0[^]*epoch 1/,
  })
  t.match(await runCli(['key', 'list', out]), { stdout: /rotation.*→/ })
  t.match(await runCli(rotate), { code: 0, stdout: /signed by the old keys[^]*the words stay valid/ })
  const renewed = await runCli([...rotate, '--new-seed'])
  t.match(renewed, { code: 0, stdout: /epoch: +0[^]*admit the new id, and ban the old one/ })
})

t.test('files are signed and verified, and a bad signature is exit code 3', async (t) => {
  const out = t.testdir({ file: 'content' })
  const file = join(out, 'file')
  const { keyFile, publicFile, nodeId } = await keygen(out)
  const other = await keygen(out, '--name', 'other')
  t.match(await runCli(['key', 'sign', file, '--identity', keyFile, '--context', 'release']), { code: 0 })
  const verify = ['key', 'verify', file, '--context', 'release']
  t.match(await runCli([...verify, '--id', nodeId]), { code: 0, stdout: `good signature of ${nodeId}\n` })
  t.match(await runCli([...verify, '--public', publicFile, '--json']), { code: 0, stdout: /"good": true/ })
  t.match(await runCli([...verify, '--id', other.nodeId]), { code: 3, stdout: /BAD.*another signer/ })
  t.match(
    await runCli(['key', 'verify', file, '--id', nodeId]),
    { code: 3, stdout: /BAD/ },
    'another context',
  )
  writeFileSync(file, 'changed')
  t.match(await runCli([...verify, '--id', nodeId, '--json']), { code: 3, stdout: /"good": false/ })
  t.match(await runCli(verify), { code: 2, stderr: /who must have signed/ })
  t.match(await runCli([...verify, '--id', nodeId, '--signature', publicFile]), {
    code: 1,
    stderr: /KEY_INVALID/,
  })
  t.match(await runCli(['key', 'verify', file, '--id', nodeId, '--context', 'c'.repeat(201)]), { code: 2 })
  t.match(await runCli(['key', 'sign', file, '--identity', publicFile]), {
    code: 1,
    stderr: /KEY_IS_PUBLIC/,
  })
})

t.test('files are encrypted and decrypted, also after a rotation', async (t) => {
  const out = t.testdir({ file: 'content' })
  const file = join(out, 'file')
  const { keyFile, publicFile } = await keygen(out)
  t.match(await runCli(['key', 'encrypt', file, '--recipient', publicFile]), { code: 0, stderr: '' })
  await json('key', 'rotate', keyFile)
  const decrypt = ['key', 'decrypt', `${file}.age`, '--identity', keyFile]
  t.match(await runCli(decrypt), { code: 1, stderr: /KEY_EXISTS/ })
  t.match(await runCli([...decrypt, '--out', join(out, 'back')]), { code: 0 })
  t.equal(readFileSync(join(out, 'back'), 'utf8'), 'content')
  t.match(await runCli(['key', 'decrypt', `${file}.age`, '--out', join(out, 'x')]), {
    code: 2,
    stderr: /--identity/,
  })
  t.match(await runCli(['key', 'decrypt', file, '--identity', keyFile]), { code: 2, stderr: /say --out/ })
  const other = await keygen(out, '--name', 'other')
  const foreign = ['key', 'decrypt', `${file}.age`, '--identity', other.keyFile, '--out', join(out, 'y')]
  t.match(await runCli(foreign), { code: 1, stderr: /KEY_RECIPIENT_MISMATCH/ })

  // An X25519 recipient made by age-keygen; its identity was thrown away.
  const classical = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'
  const warned = await runCli(['key', 'encrypt', file, '--out', join(out, 'c.age'), '--recipient', classical])
  t.match(warned, { code: 0, stderr: /classical/ })
  t.match(await runCli(['key', 'encrypt', file]), { code: 2 })

  const pass = passphraseFile(out, 'p', 'a long passphrase')
  await json('keygen', '--out', out, '--name', 'locked', '--passphrase-file', pass, '--scrypt-log-n', '10')
  const locked = [
    'key',
    'decrypt',
    join(out, 'locked.key'),
    '--out',
    join(out, 'opened'),
    '--passphrase-file',
    pass,
  ]
  t.match(await runCli(locked), { code: 0 }, 'an identity file is an age file like any other')
  t.match(readFileSync(join(out, 'opened'), 'utf8'), /"type": "x0t-identity"/)
})

t.test('key check passes here and shows what failed where it does not', async (t) => {
  t.match(await runCli(['key', 'check']), { code: 0, stdout: /all 21 hold/ })
  const results = [
    { backend: 'native', claim: 'one', ok: true },
    { backend: 'noble', claim: 'two', ok: false, failure: 'another result' },
  ] as const
  const text = selfTestView({ ok: false, node: '26', openssl: '3.5', results })
  t.match(text, /FAIL noble +two: another result\n.*1 of 2 FAIL/)
})

t.test('views tell single keys, signatures and encrypted files apart', async (t) => {
  const keyId = 'abcdefghijklmnop'
  const privateKey = { kind: 'private-key', algorithm: 'mldsa65', keyId, encrypted: false } as const
  const signature = { kind: 'signature', encrypted: false } as const
  const locked = { kind: 'encrypted-private-key', encrypted: true } as const
  t.match(keySummaryView(privateKey), /algorithm: +mldsa65\nkey id: +abcdefghijklmnop\nencrypted: +no/)
  t.equal(keySummaryView(signature), 'kind:        signature')
  t.match(keySummaryView(locked), /encrypted: +yes$/)
  const list = keyListView(
    [privateKey, signature, locked].map((summary) => ({ path: summary.kind, summary })),
  )
  t.match(list, /private-key +│ abcdefghij… \(mldsa65\) │ +│ no/)
  t.match(list, /encrypted-private-key │ +│ +│ yes/)
  const id = 'a'.repeat(52) as NodeId
  t.match(verificationView({ file: 'f', good: false, signer: id, expected: id }), /^BAD signature: \n/)
})

/** Runs a command line on a terminal: each prompt is answered by the next text. */
async function onTerminal(
  argv: readonly string[],
  answers: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string; rawModes: boolean[] }> {
  const rawModes: boolean[] = []
  const left = [...answers]
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (raw: boolean): void => void rawModes.push(raw),
  })
  const printed = { stdout: '', stderr: '' }
  const stdout = new PassThrough().on('data', (chunk) => void (printed.stdout += String(chunk)))
  const stderr = new PassThrough().on('data', (chunk) => {
    printed.stderr += String(chunk)
    if (String(chunk).endsWith(': ')) stdin.write(left.shift() ?? '\u0003')
  })
  const code = await main(argv, { stdin, stdout, stderr, env: {} })
  await new Promise((resolve) => setImmediate(resolve))
  return { code, ...printed, rawModes }
}
