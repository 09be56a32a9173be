import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runShell } from '../src/http/shell-command.ts'

const env = { PATH: process.env['PATH'], WORD: 'seen' }

t.test('a command has its exit code, its environment and its output', async (t) => {
  t.strictSame(await runShell('echo "$WORD"; echo also >&2; exit 3', { env, timeoutMs: 30_000 }), {
    exitCode: 3,
    said: 'seen\nalso',
  })
  t.match(await runShell('kill -9 $$', { env, timeoutMs: 30_000 }), { exitCode: 137 })
  const { said } = await runShell('head -c 100000 /dev/zero | tr "\\0" x; echo end', {
    env,
    timeoutMs: 30_000,
  })
  t.ok(said.length <= 2000 && said.endsWith('xend'), 'only the end of a long output is kept')
})

t.test('what a command leaves in the background lives on and can write', async (t) => {
  const file = join(t.testdir({}), 'lived')
  const { exitCode } = await runShell(`(sleep 0.3; echo words; echo done > ${file}) &`, {
    env,
    timeoutMs: 30_000,
  })
  t.equal(exitCode, 0)
  t.equal(existsSync(file), false, 'the command did not wait for it')
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20))
})

t.test('a command that takes too long is ended with all it started', async (t) => {
  const file = join(t.testdir({}), 'never')
  const { exitCode } = await runShell(`(sleep 2; touch ${file}) & sleep 60`, { env, timeoutMs: 100 })
  t.equal(exitCode, 124)
  await new Promise((resolve) => setTimeout(resolve, 2300))
  t.equal(existsSync(file), false)
})

t.test('an abort ends a command, also one that ignores the first signal', async (t) => {
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 100)
  t.match(await runShell('sleep 60', { env, timeoutMs: 60_000, signal: abort.signal }), { exitCode: 143 })
  const again = new AbortController()
  const file = join(t.testdir({}), 'trapped')
  const stubborn = runShell(`trap "" TERM; touch ${file}; while :; do sleep 0.1; done`, {
    env,
    timeoutMs: 60_000,
    signal: again.signal,
  })
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20))
  again.abort()
  t.match(await stubborn, { exitCode: 137 })
})
