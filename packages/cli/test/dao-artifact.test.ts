import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { nodeIdFromBytes } from '@x0t/core'
import { digestOf, recordIdOf } from '@x0t/dao'
import { storeArtifact } from '@x0t/node/artifacts'
import { runCli, shortFolder } from './run-cli.ts'

t.test('published files are listed with their signer, and a damaged one ends with exit code 3', async (t) => {
  const home = shortFolder(t)
  const list = async (...words: string[]): ReturnType<typeof runCli> =>
    await runCli(['dao', 'artifact', 'list', '--home', home, ...words])
  t.match(await list(), { code: 0, stdout: /no published files/ })
  const bytes = Buffer.from('a model')
  const signer = nodeIdFromBytes(new Uint8Array(32).fill(1))
  const proposal = recordIdOf(Buffer.from('a proposal'))
  await storeArtifact(
    join(home, 'artifacts'),
    {
      type: 'publish_artifact',
      artifact: 'model',
      name: 'model.bin',
      digest: digestOf(bytes),
      sizeBytes: bytes.length,
      signer,
      signatureDigest: digestOf(bytes),
    },
    { bytes, signature: bytes, proposal },
  )
  t.match((await list()).stdout, new RegExp(`model\\.bin +model +7 +${signer} +${proposal} `))
  t.match(JSON.parse((await list('--json')).stdout), {
    artifacts: [{ name: 'model.bin', signer }],
    damaged: [],
  })
  mkdirSync(join(home, 'artifacts', 'broken'))
  writeFileSync(join(home, 'artifacts', 'broken', '.artifact.json'), '{')
  t.match(await list(), { code: 3, stdout: /damaged: .*broken/ })
})
