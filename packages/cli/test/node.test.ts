import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { X0tError } from '@x0t/core'
import type { InviteRequest, Status } from '@x0t/local-api'
import { configOf } from '../src/commands/node/config-flags.ts'
import { confirm } from '../src/commands/node/confirm.ts'
import { meshNameOf, type NodeProgram } from '../src/commands/node/node-program.ts'
import { isStartMessage } from '../src/commands/node/ready-message.ts'
import { runForeground } from '../src/commands/node/run-foreground.ts'
import { readToken } from '../src/commands/node/read-token.ts'
import type { CommandContext } from '../src/main.ts'
import { createOutput, type Streams } from '../src/output.ts'
import { bansView, fastPathWord, peersView, statusView, tokensView } from '../src/views/node.ts'
import { bitRate, milliseconds, percent, shortDuration } from '../src/views/units.ts'
import { fakeDaemon, nodeA, nodeB, sampleEvents, samplePeer, sampleStatus } from './fake-daemon.ts'
import { runCli, shortFolder } from './run-cli.ts'

const nowMs = Date.parse('2026-01-01T12:00:00Z')

t.test('every command that needs a running node ends with exit code 4 without one', async (t) => {
  const home = shortFolder(t)
  for (const words of [
    'stop',
    'status',
    'peers',
    'invite',
    'ban x --yes',
    'unban x',
    'bans',
    'tokens list',
    'tokens revoke x',
    'logs -f',
  ]) {
    const { code, stderr } = await runCli(['node', ...words.split(' '), '--home', home])
    t.equal(code, 4, words)
    t.match(stderr, /NO_DAEMON.*\n.*x0t node start/)
  }
})

t.test('a terminal gets the live view, until the node is interrupted', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    status: () => sampleStatus,
    peers: () => ({ peers: [] }),
    meshRoutes: () => ({ routes: [] }),
    async *events(_, { signal }) {
      yield* sampleEvents
      setImmediate(() => process.emit('SIGINT', 'SIGINT'))
      await once(signal, 'abort')
    },
  })
  void daemon
  t.match(await runCli(['node', 'status', '-w', '--home', home], { terminal: true }), { code: 130 })
})

t.test('status and peers show what the node says, to people and to programs', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    status: () => sampleStatus,
    peers: () => ({ peers: [samplePeer] }),
  })
  void daemon
  const status = await runCli(['node', 'status', '--home', home])
  t.match(status, { code: 0, stderr: '', stdout: /alpha[^]*home, holds the authority[^]*x0t0, MTU 1360/ })
  t.match(JSON.parse((await runCli(['node', 'status', '--json'], { env: { X0T_HOME: home } })).stdout), {
    name: 'alpha',
  })
  t.match(
    (await runCli(['node', 'peers', '--home', home])).stdout,
    /beta +bbbbbbbbbb +fd78::2 +192\.0\.2\.7:7800 +udp/,
  )
  t.match(JSON.parse((await runCli(['node', 'peers', '--home', home, '--json'])).stdout), {
    peers: [{ rttMs: 0.42 }],
  })
})

t.test('the socket is the one that the configuration names', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/other.sock`, { bans: () => ({ bans: [] }) })
  void daemon
  const bans = ['node', 'bans', '--home', home]
  t.equal((await runCli(bans)).code, 4)
  t.match(await runCli(bans, { env: { X0T_API_SOCKET: `${home}/other.sock` } }), {
    code: 0,
    stdout: 'no one is banned\n',
  })
  writeFileSync(`${home}/config.toml`, `[api]\nsocket = "${home}/other.sock"\n`)
  t.equal((await runCli(bans)).code, 0)
  writeFileSync(`${home}/config.toml`, `[apo]\nsocket = "${home}/other.sock"\n`)
  t.match(await runCli(bans), { code: 4, stderr: /does not hold; trying/ })
})

t.test('invite prints the token alone on stdout and the rest on stderr', async (t) => {
  const home = shortFolder(t)
  const asked: InviteRequest[] = []
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    invite: (request) => {
      asked.push(request)
      return { id: 'tok1', token: 'x0t1secret', expiresAtMs: Date.now() + request.ttlMs! + 500 }
    },
  })
  void daemon
  const plain = await runCli(['node', 'invite', '--home', home])
  t.match(plain, { code: 0, stdout: 'x0t1secret\n', stderr: /for the next 1h\b[^]*tokens revoke tok1/ })
  const words = ['--expires', '90s', '--name', 'pi', '--address', 'a:1', '--address', '[::1]:2']
  t.match(JSON.parse((await runCli(['node', 'invite', '--home', home, '--json', ...words])).stdout), {
    token: 'x0t1secret',
  })
  t.strictSame(asked, [{ ttlMs: 3_600_000 }, { ttlMs: 90_000, name: 'pi', addresses: ['a:1', '[::1]:2'] }])
  t.match(await runCli(['node', 'invite', '--home', home, '--expires', 'soon']), {
    code: 2,
    stderr: /--expires "soon"/,
  })
  t.match(await runCli(['node', 'invite', '--home', home, '--address', 'a']), {
    code: 2,
    stderr: /host:port/,
  })
})

t.test('tokens are listed without secrets and revoked by id', async (t) => {
  const home = shortFolder(t)
  const open = {
    id: 'tok1',
    name: null,
    state: 'open',
    createdAtMs: 0,
    expiresAtMs: Date.now() + 3_600_500,
    usedBy: null,
  } as const
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    tokens: () => ({ tokens: [open, { ...open, id: 'tok2', state: 'used', expiresAtMs: 1, usedBy: nodeB }] }),
    revokeToken: ({ id }) => ({ id }),
  })
  void daemon
  const { stdout } = await runCli(['node', 'tokens', 'list', '--home', home])
  t.match(stdout, /tok1 +- +open +in 1h\b/)
  t.match(stdout, /tok2 +- +used +is past +bbbbbbbbbb/)
  t.match(await runCli(['node', 'tokens', 'revoke', 'tok1', '--home', home]), {
    code: 0,
    stdout: 'revoked tok1\n',
  })
  t.equal(tokensView({ tokens: [] }, 0), 'no join tokens')
})

t.test('a ban needs --yes, or a yes on a terminal', async (t) => {
  const home = shortFolder(t)
  const banned: unknown[] = []
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    ban: (request) => {
      banned.push(request)
      return { id: nodeB, name: 'beta', reason: request.reason ?? '', bannedAtMs: nowMs }
    },
    unban: () => ({ id: nodeB }),
    bans: () => ({ bans: [{ id: nodeB, name: null, reason: 'lost\u001b[2J', bannedAtMs: nowMs }] }),
  })
  void daemon
  const ban = ['node', 'ban', 'beta', '--home', home]
  t.match(await runCli(ban), { code: 2, stderr: /CONFIRMATION_NEEDED[^]*--yes/ })
  t.match(await runCli(ban, { terminal: true, stdin: 'n\n' }), { code: 1, stderr: /nothing was changed/ })
  t.strictSame(banned, [])
  t.match(await runCli(ban, { terminal: true, stdin: 'y\n' }), { code: 0, stdout: `banned beta ${nodeB}\n` })
  t.equal((await runCli([...ban, '--yes', '--reason', 'lost'])).code, 0)
  t.strictSame(banned, [{ node: 'beta' }, { node: 'beta', reason: 'lost' }])
  t.match(await runCli(['node', 'unban', 'beta', '--home', home]), {
    code: 0,
    stdout: `lifted the ban of ${nodeB}\n`,
  })
  t.match((await runCli(['node', 'bans', '--home', home])).stdout, /2026-01-01T12:00 +lost\uFFFD\[2J/)
  t.equal(bansView({ bans: [] }), 'no one is banned')
})

t.test('stop waits for the end of the process', async (t) => {
  const home = shortFolder(t)
  let stopped = 0
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    status: () => ({ ...sampleStatus, pid: stopped === 0 ? process.pid : 2 ** 22 + 1 }),
    stop: () => {
      stopped++
      return { stopping: true }
    },
  })
  void daemon
  t.match(await runCli(['node', 'stop', '--home', home]), { code: 0, stdout: /^stopped/ })
  t.match(JSON.parse((await runCli(['node', 'stop', '--home', home, '--json'])).stdout), {
    stopped: true,
    pid: 2 ** 22 + 1,
  })
  t.equal(stopped, 2)
})

t.test('logs shows the end of the file, records as lines, other text as it is', async (t) => {
  const home = shortFolder(t)
  const logs = ['node', 'logs', '--home', home]
  t.match(await runCli(logs), { code: 1, stderr: /LOG_NOT_FOUND[^]*journalctl/ })
  const record = { level: 'info', time: '2026-01-01T10:00:00.000Z', peer: 'beta', event: 'neighbour-up' }
  writeFileSync(`${home}/node.log`, `first\n${JSON.stringify(record)}\nError: crash\u001b[2J\n[1]\n`)
  const { stdout } = await runCli([...logs, '-n', '3'])
  t.match(stdout.split('\n'), [
    /^10:00:00\.000 INFO +neighbour-up +peer=beta$/,
    'Error: crash\\u001b[2J',
    '[1]',
    '',
  ])
  const lines = (await runCli([...logs, '--json'])).stdout.trim().split('\n')
  t.strictSame(lines.map((line) => JSON.parse(line) as unknown).slice(0, 2), [{ text: 'first' }, record])
  t.match(await runCli([...logs, '-n', 'x']), { code: 2 })
  t.match(await runCli([...logs, '-n', '0']), { code: 0, stdout: '' })
})

t.test('logs -f goes on with the events of the node', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    async *events() {
      yield* sampleEvents
    },
  })
  void daemon
  const { code, stdout } = await runCli(['node', 'logs', '-f', '--home', home])
  t.equal(code, 0)
  t.match(stdout, /10:00:00\.000 INFO +neighbour-up +peer=beta\n10:00:01\.000 DEBUG probe\n/)
})

t.test('a token comes from the argument, a file or standard input, and from one of them only', async (t) => {
  const file = `${shortFolder(t)}/token`
  writeFileSync(file, ' x0t1abc\n')
  const context = (text = ''): CommandContext => {
    const stdin = new PassThrough()
    stdin.end(text)
    return { streams: { stdin } } as unknown as CommandContext
  }
  t.equal(await readToken({ argument: 'x0t1abc' }, context()), 'x0t1abc')
  t.equal(await readToken({ file }, context()), 'x0t1abc')
  t.equal(await readToken({ argument: '-' }, context('x0t1abc\n')), 'x0t1abc')
  const refused = { code: 'TOKEN_MISSING', exitCode: 2 }
  await t.rejects(readToken({}, context()), refused)
  await t.rejects(readToken({ argument: 'a', file }, context()), refused)
  await t.rejects(readToken({ argument: '-' }, context(' \n')), refused)
  await t.rejects(readToken({ argument: '-' }, context('x'.repeat(70_000))), refused)
  await t.rejects(readToken({ file: `${file}.none` }, context()), { code: 'TOKEN_UNREADABLE' })
})

t.test('config show names the origin of each value', async (t) => {
  const home = shortFolder(t)
  writeFileSync(`${home}/config.toml`, '[probe]\nmisses = 4\n')
  const words = [
    'config',
    'show',
    '--home',
    home,
    '--listen',
    'a:1',
    '--listen',
    'b:2',
    '--set',
    'session.renew_seconds=60',
  ]
  const { code, stdout, stderr } = await runCli(words, {
    env: { X0T_PROBE_INTERVAL_MS: '20', X0T_HTTP_LISTN: 'x' },
  })
  t.equal(code, 0)
  t.match(stdout, new RegExp(`^probe\\.misses +4 +file ${home}/config\\.toml:2$`, 'm'))
  t.match(stdout, /^probe\.interval_ms +20 +env X0T_PROBE_INTERVAL_MS$/m)
  t.match(stdout, /^network\.listen +a:1, b:2 +flag --listen$/m)
  t.match(stdout, /^network\.bootstrap +\(none\) +default$/m)
  t.match(stderr, /did you mean X0T_HTTP_LISTEN/)
  const { settings } = JSON.parse((await runCli([...words, '--json'])).stdout) as { settings: object[] }
  t.match(
    settings.find((one) => (one as { key: string }).key === 'session.renew_seconds'),
    { value: 60, origin: { source: 'flag' } },
  )
  t.match(await runCli(['config', 'show', '--home', home, '--set', 'oops']), {
    code: 2,
    stderr: /section\.key=value/,
  })
})

t.test('config show tells what a vote has set, what it hides, and what overrules it', async (t) => {
  const home = shortFolder(t)
  const proposal = 'bafyreic66xxqgzfwsooezjq7gszzh55tndi35bqzmr5k7a6vwokzdgvwfe'
  writeFileSync(`${home}/config.toml`, '[probe]\nmisses = 4\n')
  const decision = { proposal, action: 0, kind: 'config', key: 'probe.misses', value: 6 }
  writeFileSync(`${home}/decisions.json`, JSON.stringify({ v: 1, decisions: [decision] }))
  const { stdout, stderr } = await runCli(['config', 'show', '--home', home])
  t.match(stdout, new RegExp(`^probe\\.misses +6 +vote ${proposal}; without it 4, file .*:2$`, 'm'))
  t.notMatch(stderr, /warning/)
  const overruled = await runCli(['config', 'show', '--home', home, '--set', 'probe.misses=9'])
  t.match(overruled.stdout, /^probe\.misses +9 +flag --set probe\.misses$/m)
  t.match(overruled.stderr, new RegExp(`overrules a vote: probe.misses = 6 was decided \\(${proposal}\\)`))
  t.match(await runCli(['config', 'check', '--home', home]), { code: 0 })
  writeFileSync(`${home}/decisions.json`, '{')
  t.match(await runCli(['config', 'show', '--home', home]), {
    code: 0,
    stderr: /decisions in force is damaged/,
  })
  t.match(await runCli(['config', 'check', '--home', home]), { code: 0, stdout: /warning: .*damaged/ })
})

t.test('config show --running asks the node, and log-level changes what it logs', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    config: () => ({
      settings: [
        { name: 'probe.misses', value: 4, source: 'file' },
        { name: 'network.listen', value: ['a:1'], source: 'flag' },
        { name: 'network.bootstrap', value: [], source: 'default' },
        {
          name: 'probe.interval_ms',
          value: 20,
          source: 'vote',
          at: 'bafyone',
          next: { value: 50, proposal: 'bafytwo' },
        },
        {
          name: 'fast_path.mode',
          value: 'auto',
          source: 'vote',
          at: 'bafyone',
          next: { value: 'off', proposal: null },
        },
      ],
    }),
    logLevel: ({ level }) => ({ level }),
  })
  void daemon
  const { stdout } = await runCli(['config', 'show', '--running', '--home', home])
  t.match(
    stdout,
    /probe\.misses +4 +file\nnetwork\.listen +a:1 +flag\nnetwork\.bootstrap +\(none\) +default\n/,
  )
  t.match(stdout, /^probe\.interval_ms +20 +vote bafyone; from the next start 50, vote bafytwo$/m)
  t.match(stdout, /^fast_path\.mode +auto +vote bafyone; from the next start off, as without a vote$/m)
  t.match(await runCli(['node', 'log-level', 'debug', '--home', home]), { code: 0, stdout: 'debug\n' })
  t.match(await runCli(['node', 'log-level', 'loud', '--home', home]), { code: 2 })
})

t.test('config check ends with 3 and the places of all problems', async (t) => {
  const home = shortFolder(t)
  t.match(await runCli(['config', 'check', '--home', home]), { code: 0, stdout: /the configuration holds/ })
  writeFileSync(`${home}/config.toml`, '[probe]\nmisses = 1\n[network]\nlissten = []\n')
  const { code, stdout } = await runCli(['config', 'check', '--home', home])
  t.equal(code, 3)
  t.match(stdout, /config\.toml:4: unknown key[^]*config\.toml:2: probe\.misses[^]*2 to mend/)
  t.match(JSON.parse((await runCli(['config', 'check', '--home', home, '--json'])).stdout), {
    problems: [/lissten/, /misses/],
  })
  t.match(await runCli(['node', 'start', '--home', home]), { code: 1, stderr: /CONFIG_INVALID/ })
})

t.test('config init writes a private file once', async (t) => {
  const home = `${shortFolder(t)}/new`
  t.match(await runCli(['config', 'init', '--home', home]), { code: 0, stdout: `${home}/config.toml\n` })
  t.equal(statSync(home).mode & 0o777, 0o700)
  t.equal(statSync(`${home}/config.toml`).mode & 0o777, 0o600)
  t.match(await runCli(['config', 'init', '--home', home]), { code: 1, stderr: /CONFIG_EXISTS/ })
  writeFileSync(`${home}/config.toml`, 'mine')
  t.equal((await runCli(['config', 'init', '--home', home, '--force'])).code, 0)
  t.match(readFileSync(`${home}/config.toml`, 'utf8'), /^#interval_ms = "auto"$/m)
  t.match((await runCli(['config', 'init', '--stdout', '--home', '/nowhere'])).stdout, /^\[network\]$/m)
  t.match(await runCli(['config', 'check', '--home', home]), { code: 0 })
})

t.test('doctor ends with 3 if a node could not work, and tells what to do', async (t) => {
  const home = `${shortFolder(t)}/home`
  const set = [
    '--set',
    'network.listen=127.0.0.1:47811',
    '--set',
    'http.listen=off',
    '--set',
    'tunnel.enabled=off',
  ]
  const good = await runCli(['node', 'doctor', '--json', '--home', home, ...set])
  const { checks } = JSON.parse(good.stdout) as { checks: { check: string; status: string }[] }
  t.ok(checks.length >= 14)
  t.equal(good.code, checks.some(({ status }) => status === 'fail') ? 3 : 0)
  writeFileSync(home, 'a file in the way')
  const bad = await runCli(['node', 'doctor', '--home', home, ...set])
  t.equal(bad.code, 3)
  t.match(bad.stdout, /^home +FAIL +.* is no folder$/m)
  t.match(bad.stdout, /^home: give another --home$/m)
})

t.test('install --dry-run prints the unit and nothing else on stdout', async (t) => {
  const { code, stdout, stderr } = await runCli(['node', 'install', '--dry-run', '--mesh', 'home'])
  t.equal(code, 0)
  t.match(
    stdout,
    /^\[Unit\][^]*ExecStart=\/.*bin\/x0t node start --home \/var\/lib\/x0t --log-format json --mesh home\n/,
  )
  t.match(stderr, /x0t\.service/)
  const elsewhere = ['node', 'install', '--home', '/tmp/x', '--dry-run', '--program', '/x', '--user', 'u']
  t.match(await runCli(elsewhere), { code: 2, stderr: /INSTALL_HOME_INVALID/ })
})

const identity = {
  nodeId: nodeA,
  spiffeId: `spiffe://home.x0t/node/${nodeA}`,
  overlayAddress: 'fd78::1',
  created: true,
}

/** A context with its own signal, and what was printed. */
function contextWith(options: { terminal?: boolean; json?: boolean; env?: Record<string, string> } = {}) {
  const printed = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr'): PassThrough & { isTTY: boolean } => {
    const stream = new PassThrough()
    stream.on('data', (chunk) => void (printed[name] += String(chunk)))
    return Object.assign(stream, { isTTY: options.terminal === true })
  }
  const stdin = new PassThrough()
  const streams: Streams = { stdin, stdout: sink('stdout'), stderr: sink('stderr'), env: options.env ?? {} }
  const abort = new AbortController()
  const context: CommandContext = {
    output: () => createOutput(streams, options.json === true),
    streams,
    signal: abort.signal,
    exitCode() {},
  }
  return { context, printed, abort, stdin }
}

function programOf(more: Partial<NodeProgram> & { done?: Promise<void> } = {}) {
  const calls: string[] = []
  const program: NodeProgram = {
    async initNode({ meshName, name }) {
      calls.push(`init ${meshName} ${name}`)
      return identity
    },
    async startNode() {
      calls.push('start')
      return {
        done: more.done ?? new Promise(() => {}),
        async [Symbol.asyncDispose]() {
          calls.push('close')
        },
      }
    },
    ...more,
  }
  return { program, calls }
}

t.test(
  'a first start makes keys and mesh, then starts, says what is next, and closes on a signal',
  async (t) => {
    const home = shortFolder(t)
    const { context, printed, abort } = contextWith({ terminal: true, env: { NO_COLOR: '1' } })
    const { program, calls } = programOf()
    const loaded = await configOf({ home, name: 'Kuche-1.a' }, context)
    const running = runForeground(program, { loaded }, context)
    await t.resolves(Promise.race([running.catch(() => {}), seen(() => printed.stderr.includes('is up'))]))
    t.match(printed.stderr, /x0t node Kuche-1\.a is up[^]*fd78::1[^]*x0t node invite/)
    t.equal(printed.stdout, '')
    abort.abort(new X0tError('INTERRUPTED', 'interrupted by SIGINT', { exitCode: 130 }))
    await t.rejects(running, { code: 'INTERRUPTED' })
    t.strictSame(calls, ['init kuche-1-a Kuche-1.a', 'start', 'close'])
  },
)

t.test('a node that ends by itself ends the command, and with --json stdout has one line', async (t) => {
  const home = shortFolder(t)
  const { context, printed } = contextWith({ json: true })
  const { program, calls } = programOf({ done: Promise.resolve() })
  await runForeground(program, { loaded: await configOf({ home }, context), mesh: 'm' }, context)
  t.match(JSON.parse(printed.stdout), { nodeId: nodeA, first: true, home })
  t.match(calls, [/^init m /, 'start', 'close'])
})

t.test('a node shows its service manager that it lives', async (t) => {
  const home = shortFolder(t)
  const env = { NOTIFY_SOCKET: '@x0t-nobody-listens', WATCHDOG_USEC: '20000' }
  const { context, printed } = contextWith({ env })
  const done = Promise.withResolvers<void>()
  const { program } = programOf({ done: done.promise })
  const running = runForeground(program, { loaded: await configOf({ home }, context) }, context)
  await seen(() => printed.stderr.split('service-manager-unreachable').length > 3)
  done.resolve()
  await running
  t.match(printed.stderr, /"path":"@x0t-nobody-listens"/)
})

t.test('a start that fails is logged, into the file where one is named, and passed on', async (t) => {
  const home = shortFolder(t)
  const { context, printed } = contextWith()
  const { program, calls } = programOf({
    startNode: async () => {
      throw new X0tError('PORT_TAKEN', 'port 7800 is taken')
    },
  })
  const loaded = await configOf({ home }, context)
  await t.rejects(
    runForeground(program, { loaded, logFile: `${home}/node.log`, reportReady: true }, context),
    {
      code: 'PORT_TAKEN',
    },
  )
  t.match(JSON.parse(readFileSync(`${home}/node.log`, 'utf8')), {
    event: 'node-failed',
    error: { code: 'PORT_TAKEN' },
  })
  t.equal(printed.stderr, '')
  t.equal(calls.length, 1)
})

t.test('a second start is refused before anything is touched', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, { live: () => ({ status: 'alive' }) })
  void daemon
  const { context } = contextWith()
  const { program, calls } = programOf()
  const started = runForeground(program, { loaded: await configOf({ home }, context) }, context)
  await t.rejects(started, { code: 'NODE_ALREADY_RUNNING', exitCode: 1 })
  t.strictSame(calls, [])
})

t.test('a confirmation that is interrupted is none', async (t) => {
  const { context, abort, stdin } = contextWith({ terminal: true })
  Object.assign(stdin, { isTTY: true })
  const asked = confirm('Really?', context)
  abort.abort(new Error('stop'))
  await t.rejects(asked)
})

t.test('the mesh is named after the node where nothing else is said', async (t) => {
  t.equal(meshNameOf('given', 'x'), 'given')
  t.equal(meshNameOf(undefined, 'Kitchen.Pi-'), 'kitchen-pi')
  t.equal(meshNameOf(undefined, '...'), 'mesh')
  t.ok(isStartMessage({ x0t: 'ready' }))
  t.notOk(isStartMessage('ready'))
})

t.test('views say what is missing, and units stay short', async (t) => {
  const expired: Status = { ...sampleStatus, svidNotAfterMs: nowMs - 60_000, listen: [], role: 'member' }
  const text = statusView({ ...expired, tun: { state: 'absent', reason: 'no CAP_NET_ADMIN' } }, nowMs)
  t.match(text, /none: no CAP_NET_ADMIN[^]*EXPIRED 1m ago[^]*listens on +nothing/)
  t.equal(peersView({ peers: [] }, nowMs), 'no neighbours')
  t.match(
    peersView({ peers: [{ ...samplePeer, endpoint: null, rttMs: null, lossRatio: null }] }, nowMs),
    / - +udp +- +0\.03 ms +- +10\.0 % +10\/30ms /,
  )
  t.equal(shortDuration(3_725_000), '1h 2m')
  t.equal(shortDuration(86_400_000), '1d')
  t.equal(shortDuration(640.4), '640ms')
  t.equal(bitRate(1.5e8), '1.2 Gbit/s')
  t.equal(bitRate(500), '4.0 kbit/s')
  t.equal(bitRate(1), '8 bit/s')
  t.equal(milliseconds(12.34), '12.3 ms')
  t.equal(percent(0.5), '50.0 %')
})

/** Resolves once `good` holds. */
async function seen(good: () => boolean): Promise<void> {
  while (!good()) await new Promise((resolve) => setImmediate(resolve))
}

t.test('status says who forwards, and peers what the kernel finds of each', async (t) => {
  const forwards = (fastPath: NonNullable<typeof sampleStatus.fastPath>): string =>
    /^forwards .*$/m.exec(statusView({ ...sampleStatus, fastPath }, 0))![0]
  const taken = { code: 'FAST_PATH_XDP_TAKEN', reason: 'taken' }
  const interfaces = [
    { name: 'eth0', mode: 'native', problem: null },
    { name: 'eth1', mode: null, problem: taken },
  ] as const
  t.match(
    forwards({ path: 'kernel', takenOver: false, interfaces: [...interfaces] }),
    /in the kernel: eth0 native, not on eth1: taken$/,
  )
  const mute = {
    name: 'eth2',
    mode: 'native',
    problem: { code: 'FAST_PATH_MUTE', reason: 'sends none' },
  } as const
  t.match(
    forwards({ path: 'kernel', takenOver: false, interfaces: [mute] }),
    /in the kernel: eth2 native \(sends none\)$/,
  )
  t.match(forwards({ path: 'kernel', takenOver: false, interfaces: [] }), /in the kernel$/)
  t.match(
    forwards({ path: 'userspace', ...taken, hint: null }),
    /in this process: taken \(FAST_PATH_XDP_TAKEN\)$/,
  )
  t.match(
    forwards({ path: 'userspace', code: null, reason: 'fast_path.mode is off', hint: null }),
    /in this process: fast_path.mode is off$/,
  )
  const kernel = {
    state: 'up',
    isWatched: true,
    rttMs: 0.012,
    intervalMs: 1,
    deadlineMs: 3,
    downs: 0,
    stalls: 0,
  } as const
  const shown = (more: Partial<typeof samplePeer>): string =>
    peersView({ peers: [{ ...samplePeer, ...more }] }, 0)
  t.match(shown({ kernel }), /up 0\.01\S* ?ms \/1ms/)
  t.match(
    shown({ kernel: { ...kernel, isWatched: false, state: 'down', rttMs: null } }),
    /down, not counted \/1ms/,
  )
  t.match(
    fastPathWord({ ...sampleStatus, fastPath: { path: 'kernel', takenOver: false, interfaces: [] } }),
    /kernel/,
  )
  t.match(fastPathWord({ ...sampleStatus, fastPath: { path: 'userspace', ...taken, hint: null } }), /TAKEN/)
  const off = { path: 'userspace', code: null, reason: 'off', hint: null } as const
  t.equal(fastPathWord({ ...sampleStatus, fastPath: off }), '')
})
