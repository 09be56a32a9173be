import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  cutArtifact,
  digestOf,
  joinArtifact,
  maxArtifactBytes,
  modelSignatureContext,
  signerOfArtifact,
  type ArtifactPiece,
  type SignedRecord,
} from '@x0t/dao'
import { signFile } from '@x0t/keys'
import { nodeOf } from './support/sample-proposal.ts'
import { identityNamed } from './support/sample-records.ts'

const file = new Uint8Array(200_000).map((_, at) => at % 251)
const recordsOf = (pieces: readonly ArtifactPiece[], author = nodeOf(1)): SignedRecord[] =>
  pieces.map((body) => ({ record: { kind: 'artifact', author, body } }) as unknown as SignedRecord)

t.test('a file is put together from pieces in any order, and doubles do no harm', async (t) => {
  const pieces = cutArtifact(file)
  t.equal(pieces.length, 4) // ceil(200,000 / 65,536)
  const shuffled = [pieces[2]!, pieces[0]!, pieces[3]!, pieces[0]!, pieces[1]!]
  t.same(joinArtifact(recordsOf(shuffled), digestOf(file)), file)
})

t.test('pieces that lack are counted', async (t) => {
  const pieces = cutArtifact(file)
  t.same(joinArtifact(recordsOf(pieces.slice(1)), digestOf(file)), { have: 3, of: 4 })
  t.same(joinArtifact([], digestOf(file)), { have: 0, of: 0 })
})

t.test('nobody spoils the file of another with pieces of the same digest', async (t) => {
  const pieces = cutArtifact(file)
  const junk = pieces.map((piece) => ({ ...piece, bytes: new Uint8Array(10) }))
  const odd = pieces.map((piece, at) => ({ ...piece, of: at === 0 ? 9999 : 64, index: at === 1 ? -1 : at }))
  const all = [...recordsOf(junk, nodeOf(2)), ...recordsOf(odd, nodeOf(3)), ...recordsOf(pieces)]
  t.same(joinArtifact(all, digestOf(file)), file)
  t.same(joinArtifact(recordsOf(junk, nodeOf(2)), digestOf(file)), { have: 4, of: 4 })
})

t.test('an empty file and one of more than 4 MiB are refused', async (t) => {
  t.throws(() => cutArtifact(new Uint8Array(0)), { code: 'DAO_ARTIFACT_TOO_LARGE' })
  t.throws(() => cutArtifact(new Uint8Array(maxArtifactBytes + 1)), { code: 'DAO_ARTIFACT_TOO_LARGE' })
  t.equal(cutArtifact(new Uint8Array(maxArtifactBytes)).length, 64)
})

t.test('a model is signed as a file with the context of models', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'x0t-artifact-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'model.bin')
  writeFileSync(path, file)
  const maker = identityNamed('maker')
  const signature = await signFile(maker, path, modelSignatureContext)
  t.equal(await signerOfArtifact('model', file, signature), maker.nodeId)
  await t.rejects(signerOfArtifact('model', file.slice(1), signature), { code: 'DAO_ARTIFACT_UNSIGNED' })
  const plain = await signFile(maker, path)
  await t.rejects(signerOfArtifact('model', file, plain), { code: 'DAO_ARTIFACT_UNSIGNED' })
  await t.rejects(signerOfArtifact('model', file, 'no signature'), { code: 'DAO_ARTIFACT_UNSIGNED' })
  await t.rejects(signerOfArtifact('program', file, signature), { code: 'DAO_ARTIFACT_UNSIGNED' })
})
