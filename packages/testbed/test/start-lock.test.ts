import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { bedFolder } from '../src/bed-folder.ts'
import { readProcess } from '../src/process-table.ts'
import { lockStart } from '../src/start-lock.ts'

const runFolder = await mkdtemp(join(tmpdir(), 'x0t-lock-'))
t.teardown(() => rm(runFolder, { recursive: true, force: true }))
const folder = bedFolder(runFolder, 'lab')
await mkdir(folder.hostFolder('a'), { recursive: true })
const { signal } = new AbortController()

t.test('one at a time starts a host', async (t) => {
  const order: string[] = []
  const start = async (name: string): Promise<void> => {
    await using lock = await lockStart(folder, 'a', signal)
    void lock
    order.push(`${name} begins`)
    await new Promise((resolve) => setImmediate(resolve))
    order.push(`${name} ends`)
  }
  await Promise.all([start('one'), start('two'), start('three')])
  for (let at = 0; at < order.length; at += 2)
    t.equal(order[at + 1], order[at]!.replace('begins', 'ends'), order.join(', '))
  t.strictSame(await readdir(folder.hostFolder('a')), [], 'nothing is left')
})

t.test('the lock of a process that ended is void, that of a living one holds', async (t) => {
  const path = join(folder.hostFolder('a'), 'starting')
  const { pid, startTicks } = (await readProcess(process.pid))!
  await writeFile(path, `${pid} ${startTicks - 1}`)
  await (await lockStart(folder, 'a', signal))[Symbol.asyncDispose]()
  await writeFile(path, `${pid} ${startTicks}`)
  await t.rejects(lockStart(folder, 'a', AbortSignal.abort(new Error('enough'))), /enough/)
})
