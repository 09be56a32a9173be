import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import {
  certificatePem,
  createAuthority,
  createBanList,
  createBanRecord,
  createJoinToken,
  issueSvid,
  openIdentityStore,
  parseJoinToken,
  readAuthorityFile,
  svidSubjectOf,
  verifySvid,
} from '@x0t/identity'
import { clockAt, hourMs, identityOf, nowMs, seededRandom } from './certificate-maker.ts'

const random = seededRandom('store')
const clock = clockAt(nowMs)
const home = createAuthority({ meshName: 'home', random, clock })
const alice = identityOf('alice')
const root = mkdtempSync(`${tmpdir()}/x0t-identity-`)
t.teardown(() => rmSync(root, { recursive: true }))

t.test('what was stored is there at the next start', async (t) => {
  const directory = `${root}/restart`
  const svid = issueSvid(home, { ...svidSubjectOf(alice), ttlMs: hourMs, clock, random })
  const { text, record } = createJoinToken({
    authority: home,
    addresses: ['[::1]:1'],
    ttlMs: hourMs,
    clock,
    random,
  })
  const ban = createBanRecord(home, { nodeId: identityOf('bob').nodeId, serial: 3, clock })
  {
    await using store = await openIdentityStore(directory)
    t.equal(store.readMembership(), undefined)
    t.equal(await store.readAuthority(), undefined)
    store.writeMembership({ chainDer: svid.chainDer, bundle: home.bundle })
    await store.writeAuthority(home)
    store.tokens.add(record)
    t.equal(store.tokens.redeem(record.id, alice.nodeId, nowMs), 'redeemed')
    const { publicKeys } = svidSubjectOf(alice)
    store.nodes.add({ nodeId: alice.nodeId, name: 'a', publicKeys, enrolledAtMs: nowMs, tokenId: undefined })
    createBanList(home.bundle, store.banStore).merge(ban)
    t.equal(store.nonces.take(Buffer.from('nonce'), nowMs, nowMs + 10), true)
  }
  await using store = await openIdentityStore(directory)
  const { chainDer, bundle } = store.readMembership()!
  t.equal(verifySvid(chainDer, bundle, { nowMs, isBanned: () => false }).nodeId, alice.nodeId)
  t.same((await store.readAuthority())!.certificateHash, home.certificateHash)
  t.equal(store.tokens.redeem(parseJoinToken(text).id, identityOf('bob').nodeId, nowMs), 'used')
  t.match(store.nodes.list(), [{ nodeId: alice.nodeId, name: 'a', tokenId: undefined, svid: undefined }])
  t.equal(createBanList(home.bundle, store.banStore).isBanned(ban.nodeId), true)
  t.equal(store.nonces.take(Buffer.from('nonce'), nowMs + 10, nowMs + 20), false)
  t.equal(store.nonces.take(Buffer.from('nonce'), nowMs + 11, nowMs + 21), true, 'forgotten after its time')
  const other = createAuthority({ meshName: 'home', random, clock })
  t.same(
    createBanList(other.bundle, store.banStore).list(),
    [],
    'bans of an authority that is gone do not count',
  )
})

t.test('the authority is 0600, never overwritten, and damage is named', async (t) => {
  const directory = `${root}/authority`
  await using store = await openIdentityStore(directory)
  await store.writeAuthority(home)
  const path = `${directory}/authority.pem`
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(directory).mode & 0o777, 0o700)
  t.equal(statSync(`${directory}/identity.db`).mode & 0o777, 0o600)
  t.equal(statSync(`${directory}/identity.db-wal`).mode & 0o777, 0o600)
  await t.rejects(store.writeAuthority(createAuthority({ meshName: 'home', random, clock })), {
    code: 'KEY_EXISTS',
  })
  const pem = readFileSync(path, 'utf8')
  const write = (content: string) => writeFileSync(path, content)
  write(pem + certificatePem(home.certificateDer))
  await t.rejects(readAuthorityFile(path), { code: 'STATE_DAMAGED' })
  write(pem.slice(0, pem.indexOf('-----BEGIN CERT')))
  await t.rejects(readAuthorityFile(path), { code: 'STATE_DAMAGED' })
  write(certificatePem(home.certificateDer))
  await t.rejects(readAuthorityFile(path), { code: 'STATE_DAMAGED' })
  write(pem)
  chmodSync(path, 0o644)
  await t.rejects(readAuthorityFile(path), { code: 'KEY_MODE_TOO_OPEN' })
})

t.test('a file that is no database, and one of a newer x0t, are refused by name', async (t) => {
  const damaged = `${root}/damaged`
  mkdirSync(damaged)
  writeFileSync(
    `${damaged}/identity.db`,
    'this is no database, but long enough to be taken for one'.repeat(100),
  )
  await t.rejects(openIdentityStore(damaged), { code: 'STATE_DAMAGED' })
  const newer = `${root}/newer`
  mkdirSync(newer)
  const database = new DatabaseSync(`${newer}/identity.db`)
  database.exec('PRAGMA user_version = 99')
  database.close()
  await t.rejects(openIdentityStore(newer), { code: 'STATE_NEWER' })
})

t.test('of two processes that redeem one token at once, one gets it', async (t) => {
  const directory = `${root}/race`
  await using first = await openIdentityStore(directory)
  await using second = await openIdentityStore(directory)
  const { record } = createJoinToken({
    authority: home,
    addresses: ['[::1]:1'],
    ttlMs: hourMs,
    clock,
    random,
  })
  first.tokens.add(record)
  const results = [
    first.tokens.redeem(record.id, alice.nodeId, nowMs),
    second.tokens.redeem(record.id, identityOf('bob').nodeId, nowMs),
  ]
  t.same(results, ['redeemed', 'used'])
})

t.test('a process killed while it writes loses nothing that it had finished', async (t) => {
  const directory = `${root}/killed`
  // Redeems tokens, one after another, and says so after each.
  const script = `
    import { openIdentityStore } from '@x0t/identity'
    const store = await openIdentityStore(${JSON.stringify(directory)})
    for (let i = 0; i < 100000; i++) {
      const id = String(i)
      store.tokens.add({ id, verifier: new Uint8Array(32), createdAtMs: 1, expiresAtMs: 9, name: undefined })
      store.tokens.redeem(id, '${alice.nodeId}', 5)
      process.stdout.write(id + '\\n')
    }
  `
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script]
  const child = spawn(process.execPath, args, {
    cwd: `${import.meta.dirname}/..`,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
    if (output.split('\n').length > 20) child.kill('SIGKILL')
  })
  await once(child, 'close')
  const said = output.split('\n').slice(0, -1).map(Number)
  t.ok(said.length >= 20)
  await using store = await openIdentityStore(directory)
  for (const id of said) t.equal(store.tokens.redeem(String(id), identityOf('bob').nodeId, 5), 'used')
  const whole = store.tokens.list().filter(({ usedBy }) => usedBy === undefined)
  t.ok(whole.length <= 1, 'at most the one in progress is added and not yet used')
})

t.test('closing twice does no harm', async () => {
  const store = await openIdentityStore(`${root}/twice`)
  await store[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

t.test('the example of the README runs', async (t) => {
  const readme = readFileSync(`${import.meta.dirname}/../README.md`, 'utf8')
  const example = /```ts\n([\s\S]*?)```/
    .exec(readme)![1]!
    .replace("'identity-state'", JSON.stringify(`${root}/readme`))
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', example]
  const child = spawn(process.execPath, args, {
    cwd: `${import.meta.dirname}/..`,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  const [code] = (await once(child, 'close')) as [number]
  t.equal(code, 0)
  t.match(output, /^spiffe:\/\/home\.x0t\/node\/[a-z2-7]{52}\n\[ 'server', 'client' \]\n$/)
})
