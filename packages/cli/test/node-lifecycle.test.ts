import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { main } from '../src/main.ts'
import { runCli as run, shortFolder, type CliResult } from './run-cli.ts'

// Detached nodes inherit the environment, in which the test runner may have left a word for processes of Node.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('X0T_')),
) as Record<string, string>
const runCli = (argv: readonly string[], more: { readonly stdin?: string } = {}): Promise<CliResult> =>
  run(argv, { env, ...more })

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

t.test('join --detach enrols, starts, and leaves two nodes that can be stopped', async (t) => {
  const [first, second] = [`${shortFolder(t)}/a`, `${shortFolder(t)}/b`]
  const address = `127.0.0.1:${await freePort()}`
  json(await runCli(['node', 'start', '--detach', '--json', '--home', first, '--listen', address, ...quiet]))
  t.teardown(() => runCli(['node', 'stop', '--home', first]))
  const invitation = json(await runCli(['node', 'invite', '--home', first, '--address', address, '--json']))
  const listen = `127.0.0.1:${await freePort()}`
  const join = [
    'node',
    'join',
    '-',
    '--via',
    address,
    '--detach',
    '--home',
    second,
    '--listen',
    listen,
    ...quiet,
  ]
  const joined = await runCli([...join, '--set', 'session.renew_seconds=60'], {
    stdin: String(invitation['token']),
  })
  t.match(joined, { code: 0, stdout: /^node +[a-z2-7]{52}$/m })
  t.teardown(() => runCli(['node', 'stop', '--home', second]))
  t.match(json(await runCli(['node', 'status', '--home', second, '--json'])), { role: 'member' })
  const { settings } = json(await runCli(['config', 'show', '--running', '--home', second, '--json']))
  t.match(
    (settings as { name: string }[]).find(({ name }) => name === 'session.renew_seconds'),
    { value: 60, source: 'flag' },
  )
  t.equal((await runCli(['node', 'stop', '--home', second])).code, 0)
  t.equal((await runCli(['node', 'stop', '--home', first])).code, 0)
})

t.test('a detached start that is interrupted ends its process', async (t) => {
  const home = `${shortFolder(t)}/h`
  const streams = { stdin: process.stdin, stdout: new PassThrough(), stderr: new PassThrough(), env }
  const started = main(
    ['node', 'start', '--detach', '--home', home, '--listen', '127.0.0.1:1', ...quiet],
    streams,
  )
  // The log file is opened just before the process is spawned.
  while (!existsSync(`${home}/node.log`)) await new Promise((resolve) => setImmediate(resolve))
  process.emit('SIGINT', 'SIGINT')
  t.equal(await started, 130)
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

  const svid = ['node', 'svid', '--home', home]
  const { stdout } = await runCli(svid)
  t.match(stdout, /^SPIFFE ID +spiffe:\/\/demo\.x0t\/node\/[a-z2-7]{52}$/m)
  t.match(stdout, /^valid until +\d{4}-\d\d-\d\dT.*Z$/m)
  t.match(stdout, /^authority +sha256:[0-9a-f]{64}$/m)
  const [chain, bundle] = [
    (await runCli([...svid, '--pem'])).stdout,
    (await runCli([...svid, '--bundle'])).stdout,
  ]
  const [leaf, authority] = [new X509Certificate(chain), new X509Certificate(bundle)]
  t.ok(leaf.verify(authority.publicKey), 'the authority in the bundle signed the SVID')
  t.match(json(await runCli([...svid, '--json'])), { chainPem: chain, bundlePem: bundle })
  t.match(await runCli(['node', 'svid', '--home', `${home}-none`]), { code: 1, stderr: /NODE_NOT_MADE/ })
})
