import t from 'tap'
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readPublicFile, readSecretFile, writeSecretFile } from '@x0t/keys'

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const writer = join(import.meta.dirname, 'killed-writer.ts')

t.test('a secret is written with mode 0600 into directories of mode 0700, whatever the umask', async (t) => {
  const root = t.testdir()
  for (const mask of [0o000, 0o022, 0o777]) {
    const before = process.umask(mask)
    try {
      await writeSecretFile(join(root, `m${mask}`, 'deep', 'a.key'), 'secret')
    } finally {
      process.umask(before)
    }
    const directory = join(root, `m${mask}`)
    t.same(
      [mode(directory), mode(join(directory, 'deep')), mode(join(directory, 'deep/a.key'))],
      ['700', '700', '600'],
    )
  }
  t.equal((await readSecretFile(join(root, 'm0/deep/a.key'))).toString(), 'secret')
})

t.test('an existing file is replaced only with force, and no temporary file stays', async (t) => {
  const path = join(t.testdir({ 'a.key': 'old' }), 'a.key')
  await t.rejects(writeSecretFile(path, 'new'), { code: 'KEY_EXISTS', hint: /--force/ })
  t.equal(readFileSync(path, 'utf8'), 'old')
  await writeSecretFile(path, 'new', { force: true })
  t.equal(readFileSync(path, 'utf8'), 'new')
  t.equal(mode(path), '600')
  t.same(readdirSync(join(path, '..')), ['a.key'])
})

t.test('a file is replaced on condition only while it holds what was read', async (t) => {
  const path = join(t.testdir({ 'a.key': 'read' }), 'a.key')
  await writeSecretFile(path, 'second', { expected: Buffer.from('read') })
  await t.rejects(writeSecretFile(path, 'third', { expected: Buffer.from('read') }), {
    code: 'KEY_CHANGED_MEANWHILE',
  })
  t.equal(readFileSync(path, 'utf8'), 'second')
  t.same(readdirSync(join(path, '..')), ['a.key'])
})

t.test('nothing is written through a symbolic link or over a directory', async (t) => {
  const root = t.testdir({ 'target.key': 'kept', folder: {} })
  symlinkSync(join(root, 'target.key'), join(root, 'link.key'))
  symlinkSync(join(root, 'nowhere'), join(root, 'dangling.key'))
  for (const force of [false, true]) {
    for (const name of ['link.key', 'dangling.key'])
      await t.rejects(writeSecretFile(join(root, name), 'x', { force }), { code: 'KEY_IS_SYMLINK' }, name)
    await t.rejects(writeSecretFile(join(root, 'folder'), 'x', { force }), { code: 'KEY_EXISTS' })
  }
  t.equal(readFileSync(join(root, 'target.key'), 'utf8'), 'kept')
  t.notOk(existsSync(join(root, 'nowhere')))
  t.ok(lstatSync(join(root, 'link.key')).isSymbolicLink())
})

t.test('a directory that everybody may write to is refused, unless it is sticky', async (t) => {
  const root = t.testdir({ open: {}, sticky: {} })
  chmodSync(join(root, 'open'), 0o777)
  chmodSync(join(root, 'sticky'), 0o1777)
  await t.rejects(writeSecretFile(join(root, 'open/a.key'), 'x'), { code: 'KEY_DIRECTORY_UNSAFE' })
  await writeSecretFile(join(root, 'sticky/a.key'), 'x')
  t.same(readdirSync(join(root, 'open')), [])
})

t.test('a content that fails while it is written leaves the old file and nothing else', async (t) => {
  const path = join(t.testdir({ 'a.key': 'old' }), 'a.key')
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half')
    throw new Error('source ended')
  }
  await t.rejects(writeSecretFile(path, failing(), { force: true }), {
    code: 'KEY_WRITE_FAILED',
    message: /source ended/,
  })
  t.equal(readFileSync(path, 'utf8'), 'old')
  t.same(readdirSync(join(path, '..')), ['a.key'])
})

t.test('a path under a file is an error that tells the cause', async (t) => {
  const root = t.testdir({ file: 'x' })
  await t.rejects(writeSecretFile(join(root, 'file/a.key'), 'x'), {
    code: 'KEY_WRITE_FAILED',
    message: /ENOTDIR/,
  })
})

t.test('a full disk leaves nothing half-written', canMountTmpfs(), async (t) => {
  const small = mkdtempSync(join(tmpdir(), 'x0t-keys-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small])
  t.teardown(() => {
    execFileSync('umount', [small])
    rmdirSync(small)
  })
  await writeSecretFile(join(small, 'a.key'), 'old')
  await t.rejects(writeSecretFile(join(small, 'a.key'), randomBytes(200_000), { force: true }), {
    code: 'KEY_WRITE_FAILED',
    message: /ENOSPC/,
  })
  t.equal(readFileSync(join(small, 'a.key'), 'utf8'), 'old')
  t.same(readdirSync(small), ['a.key'])
})

t.test('killed before any of its operations, a write leaves the old or the new file, whole', async (t) => {
  const root = t.testdir()
  const content = 'n'.repeat(5000)
  for (const force of ['', 'force']) {
    const path = (name: string): string => join(root, `${force}${name}`, 'a.key')
    const run = (target: string, killAt: number) =>
      spawnSync(process.execPath, [...process.execArgv, writer, target, content, String(killAt), force])
    if (force === 'force') prepare(path('all'))
    const operations = Number(run(path('all'), 0).stdout.toString())
    t.ok(operations >= 10, `${operations} operations`)
    let replaced = 0
    for (let killAt = 1; killAt <= operations; killAt++) {
      const target = path(String(killAt))
      if (force === 'force') prepare(target)
      t.equal(run(target, killAt).signal, 'SIGKILL')
      const found = existsSync(target) ? readFileSync(target, 'utf8') : 'none'
      if (found === content) replaced++
      else t.equal(found, force === 'force' ? 'old' : 'none', `killed before operation ${killAt}`)
    }
    t.ok(replaced > 0 && replaced < operations, 'both outcomes were seen')
  }
  function prepare(target: string): void {
    mkdirSync(join(target, '..'), { recursive: true, mode: 0o700 })
    writeFileSync(target, 'old', { mode: 0o600 })
  }
})

t.test('of processes that write the same name at once, one wins and the others are told', async (t) => {
  const path = join(t.testdir(), 'a.key')
  const run = promisify(execFile)
  const outcomes = await Promise.allSettled(
    ['one', 'two', 'three'].map(
      async (content) =>
        await run(process.execPath, [...process.execArgv, writer, path, content.repeat(500), '0']),
    ),
  )
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') t.match(String(outcome.reason), /KEY_EXISTS/)
  t.match(readFileSync(path, 'utf8'), /^((one){500}|(two){500}|(three){500})$/)
})

t.test('a secret that others may read is refused, with the chmod to run', async (t) => {
  const path = join(t.testdir({ 'a.key': 'secret' }), 'a.key')
  for (const open of [0o644, 0o640, 0o604, 0o660, 0o601]) {
    chmodSync(path, open)
    await t.rejects(readSecretFile(path), { code: 'KEY_MODE_TOO_OPEN', hint: `chmod 600 ${path}` })
  }
  t.equal((await readPublicFile(path)).toString(), 'secret', 'a public file may be read by all')
  chmodSync(path, 0o400)
  t.equal((await readSecretFile(path)).toString(), 'secret')
})

t.test('missing, large and irregular files are refused by name', async (t) => {
  const root = t.testdir({ large: 'x'.repeat(101), folder: {} })
  chmodSync(join(root, 'large'), 0o600)
  await t.rejects(readSecretFile(join(root, 'none')), { code: 'KEY_NOT_FOUND' })
  await t.rejects(readSecretFile(join(root, 'large'), { maxBytes: 100 }), { code: 'KEY_TOO_LARGE' })
  t.equal((await readSecretFile(join(root, 'large'), { maxBytes: 101 })).length, 101)
  await t.rejects(readSecretFile(join(root, 'folder')), { code: 'KEY_INVALID' })
  execFileSync('mkfifo', [join(root, 'pipe')])
  await t.rejects(readSecretFile(join(root, 'pipe')), { code: 'KEY_INVALID' }, 'and a pipe does not block')
})

function canMountTmpfs(): { skip?: string } {
  if (process.env['CI'] === 'true' || process.getuid?.() === 0) return {}
  return { skip: 'mounting a small file system needs root' }
}
