import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import t from 'tap'
import { runCli, shortFolder, type CliResult } from './run-cli.ts'

/** A TCP port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

const quiet = ['--http', 'off', '--tunnel', 'off', '--mdns', 'off']

function json(result: CliResult): Record<string, unknown> {
  if (result.code !== 0) throw new Error(result.stderr)
  return JSON.parse(result.stdout) as Record<string, unknown>
}

t.test('a detached node comes up, lets another one in, refuses a second start, and stops', async (t) => {
  const [first, second] = [`${shortFolder(t)}/a`, `${shortFolder(t)}/b`]
  const address = `127.0.0.1:${await freePort()}`
  const start = ['node', 'start', '--detach', '--home', first, '--listen', address, ...quiet]
  const up = await runCli([...start, '--mesh', 'demo', '--name', 'one', '--json'])
  t.match(json(up), { name: 'one', home: first, first: true, spiffeId: /^spiffe:\/\/demo\.x0t\/node\// })
  t.teardown(() => runCli(['node', 'stop', '--home', first]))
  t.match(up.stderr, /is up with pid/)
  t.equal(statSync(first).mode & 0o777, 0o700)
  t.equal(statSync(`${first}/node.log`).mode & 0o777, 0o600)

  t.match(await runCli(start), { code: 1, stderr: /NODE_ALREADY_RUNNING/ })
  t.match(json(await runCli(['node', 'status', '--home', first, '--json'])), {
    mesh: 'demo',
    role: 'authority',
  })

  const token = (await runCli(['node', 'invite', '--home', first, '--address', address])).stdout.trim()
  const join = ['node', 'join', '--no-start', '--home', second, '--name', 'two', '--json']
  const joined = await runCli([...join, token])
  t.match(json(joined), { created: true, spiffeId: /^spiffe:\/\/demo\.x0t\/node\// })
  t.notOk(joined.stderr.includes(token), 'the token is in no log')
  t.match(await runCli([...join, token]), { code: 1, stderr: /NODE_IS_MEMBER/ })
  const third = ['node', 'join', '-', '--no-start', '--home', `${second}c`]
  t.teardown(() =>
    import('node:fs').then(({ rmSync }) => rmSync(`${second}c`, { recursive: true, force: true })),
  )
  t.match(
    await runCli(third, { stdin: `${token}\n` }),
    { code: 1, stderr: /error [A-Z_]+: / },
    'a token works once',
  )
  t.match(json(await runCli(['node', 'tokens', 'list', '--home', first, '--json'])), {
    tokens: [{ state: 'used' }],
  })

  t.match(await runCli(['node', 'stop', '--home', first]), { code: 0, stdout: /^stopped \(pid \d+\)\n$/ })
  t.equal((await runCli(['node', 'status', '--home', first])).code, 4)
  t.match(readFileSync(`${first}/node.log`, 'utf8'), /"event":"node-up"[^]*"event":"stop-asked"/)
  t.notOk(readFileSync(`${first}/node.log`, 'utf8').includes(token))
})

t.test('a detached start that fails says why', async (t) => {
  const home = shortFolder(t)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const listen = `127.0.0.1:${port}`
  const { code, stdout, stderr } = await runCli([
    'node',
    'start',
    '--detach',
    '--home',
    home,
    '--listen',
    listen,
    ...quiet,
  ])
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /^error [A-Z_]+: .*\b/m)
  t.match((await runCli(['node', 'logs', '--home', home])).stdout, /ERROR node-failed/)
})

t.test('init makes a node once, without starting it', async (t) => {
  const home = `${shortFolder(t)}/h`
  const init = ['node', 'init', '--home', home, '--mesh', 'demo', '--name', 'one', '--json']
  const made = json(await runCli(init))
  t.match(made, { created: true, spiffeId: /^spiffe:\/\/demo\.x0t\// })
  const again = await runCli(init)
  t.match(json(again), { ...made, created: false })
  t.match(again.stderr, /nothing was changed/)
  t.match(await runCli(['node', 'init', '--home', home]), { code: 0, stdout: /^node +[a-z2-7]{52}$/m })
})
