import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { nodeIdFromBytes } from '@x0t/core'
import { digestOf, recordIdOf, type PublishAction } from '@x0t/dao'
import { findArtifact, listArtifacts, storeArtifact } from '../src/dao/execution/artifact-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'x0t-artifacts-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const bytes = new Uint8Array(1000).fill(1)
const signature = Buffer.from('a signature')
const proposal = recordIdOf(Buffer.from('a proposal'))
const action: PublishAction = {
  type: 'publish_artifact',
  artifact: 'program',
  name: 'flow.o',
  digest: digestOf(bytes),
  sizeBytes: 1000,
  signer: nodeIdFromBytes(new Uint8Array(32).fill(1)),
  signatureDigest: digestOf(signature),
}
const content = { bytes, signature, proposal }

t.test('a home without published files has none', async (t) => {
  t.same(await listArtifacts(join(folder, 'none')), { artifacts: [], damaged: [] })
  t.equal(await findArtifact(join(folder, 'none'), action), undefined)
})

t.test('a file appears with its signature and a note, readable by its owner only', async (t) => {
  const directory = join(folder, 'one')
  const path = await storeArtifact(directory, action, content)
  t.same(new Uint8Array(readFileSync(path)), bytes)
  t.equal(readFileSync(`${path}.sig`, 'utf8'), 'a signature')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(dirname(path)).mode & 0o777, 0o700)
  t.match(await listArtifacts(directory), {
    artifacts: [{ name: 'flow.o', digest: action.digest, proposal, signer: action.signer, path }],
    damaged: [],
  })
  t.equal(await storeArtifact(directory, action, content), path, 'once more changes nothing')
})

t.test('another version of a file stands beside the first', async (t) => {
  const directory = join(folder, 'two')
  const next = { ...action, digest: digestOf(Buffer.from('next')), sizeBytes: 4 }
  await storeArtifact(directory, action, content)
  await storeArtifact(directory, next, { ...content, bytes: Buffer.from('next') })
  t.equal((await listArtifacts(directory)).artifacts.length, 2)
})

t.test('what is damaged is told, and replaced when it is stored again', async (t) => {
  const directory = join(folder, 'three')
  const path = await storeArtifact(directory, action, content)
  for (const spoil of [
    () => writeFileSync(path, 'other'),
    () => rmSync(`${path}.sig`),
    () => writeFileSync(join(dirname(path), '.artifact.json'), '{'),
    () => writeFileSync(join(dirname(path), '.artifact.json'), '{"v":2}'),
    () => rmSync(path),
  ]) {
    spoil()
    t.equal(await findArtifact(directory, action), undefined)
    t.same((await listArtifacts(directory)).damaged, [dirname(path)])
    t.equal(await storeArtifact(directory, action, content), path)
    t.not(await findArtifact(directory, action), undefined)
  }
})

t.test('what was left half written is not listed', async (t) => {
  const directory = join(folder, 'four')
  mkdirSync(join(directory, '.new-abc'), { recursive: true })
  writeFileSync(join(directory, '.new-abc', 'flow.o'), bytes)
  t.same(await listArtifacts(directory), { artifacts: [], damaged: [] })
})

t.test(
  'a folder that cannot be read is an error, not an absence',
  { skip: process.getuid?.() === 0 && 'root reads all' },
  async (t) => {
    const directory = join(folder, 'five')
    const path = await storeArtifact(directory, action, content)
    chmodSync(dirname(path), 0o000)
    t.teardown(() => chmodSync(dirname(path), 0o700))
    await t.rejects(findArtifact(directory, action), { code: 'ARTIFACT_UNREADABLE' })
  },
)
