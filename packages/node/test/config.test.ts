import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import {
  annotatedConfigFile,
  configReference,
  didYouMean,
  formatBytes,
  formatDurationMs,
  formatEndpoint,
  inspectConfig,
  isLoopback,
  loadConfig,
  maxConfigBytes,
  namedSettings,
  parseBytes,
  parseDurationMs,
  parseEndpoint,
  readConfigFile,
  resolveHome,
  type ConfigSources,
} from '@x0t/node/config'

const withFile = (text: string | undefined, more: Partial<ConfigSources> = {}): ConfigSources => ({
  home: '/h',
  readFile: async () => text,
  ...more,
})

async function problemsOf(text: string, more: Partial<ConfigSources> = {}): Promise<readonly string[]> {
  return (await inspectConfig(withFile(text, more))).problems
}

t.test('durations and sizes carry their units', async (t) => {
  t.equal(parseDurationMs('1h30m'), 5_400_000)
  t.equal(parseDurationMs('250ms'), 250)
  t.equal(parseDurationMs('7d'), 604_800_000)
  t.equal(formatDurationMs(5_400_000), '1h30m')
  t.equal(formatDurationMs(0), '0s')
  for (const text of ['', '1', '1y', 'm', '1m1h', '-1s', '1.5h', ' 1h'])
    t.throws(() => parseDurationMs(text), RangeError)
  t.equal(parseBytes('4096'), 4096)
  t.equal(parseBytes('1.5MB'), 1_500_000)
  t.equal(parseBytes('64KiB'), 65_536)
  t.equal(formatBytes(16_777_216), '16 MiB')
  t.equal(formatBytes(100), '100 B')
  for (const text of ['', 'x', '1XB', '1.5B', '-1']) t.throws(() => parseBytes(text), RangeError)
  fc.assert(
    fc.property(fc.nat(2 ** 40), (ms) => parseDurationMs(formatDurationMs(ms)) === ms),
    { seed: 1 },
  )
})

t.test('an endpoint is a host and a port, an IPv6 address in brackets', async (t) => {
  t.strictSame(parseEndpoint('[::]:7800'), { host: '::', port: 7800 })
  t.strictSame(parseEndpoint('pi.example.org:1'), { host: 'pi.example.org', port: 1 })
  t.equal(formatEndpoint({ host: '::1', port: 5 }), '[::1]:5')
  const wrong = [
    '',
    'a',
    ':80',
    'a:0',
    'a:65536',
    '::1:80',
    '[a]:80',
    '[127.0.0.1]:80',
    '127.1:80',
    '1.2.3.4.5:80',
  ]
  for (const text of [...wrong, 'a b:80', '-a:80', 'a..b:80', '[::1]:', 'a:8 0']) {
    t.throws(() => parseEndpoint(text), RangeError, text)
  }
  t.ok(isLoopback('127.8.8.8') && isLoopback('::1') && isLoopback('localhost'))
  t.notOk(isLoopback('0.0.0.0'))
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
      fc.integer({ min: 1, max: 65_535 }),
      (host, port) => {
        const back = parseEndpoint(formatEndpoint({ host, port }))
        return back.host === host && back.port === port
      },
    ),
    { seed: 2 },
  )
})

t.test('without anything every setting has its default', async (t) => {
  const { config, origins, warnings } = await loadConfig(withFile(undefined, { hostname: 'büro pi' }))
  t.strictSame(config, {
    node: { name: 'b-ro-pi', logLevel: 'info', logFormat: 'auto', logFileBytes: 16_777_216 },
    network: {
      listen: [
        { host: '0.0.0.0', port: 7800 },
        { host: '::', port: 7800 },
      ],
      bootstrap: [],
      advertise: [],
      mdns: true,
      maxNeighbours: 16,
    },
    tunnel: { enabled: 'auto', interface: 'x0t0', mtu: 1360, carrier: 'auto', hitless: [] },
    probe: { intervalMs: 'auto', misses: 3, kernelIntervalMs: 'auto' },
    fastPath: { mode: 'off' },
    identity: { svidTtlMs: 86_400_000 },
    healing: { enabled: true, policyFile: '', historyDays: 30 },
    session: { renewSeconds: 120 },
    http: { listen: { host: '127.0.0.1', port: 8080 } },
    api: { socket: '/h/x0t.sock' },
  })
  t.ok(Object.values(origins).every((origin) => origin.source === 'default'))
  t.strictSame(warnings, [])
  t.equal((await loadConfig(withFile('', { hostname: '..' }))).config.node.name, 'node')
})

t.test('a flag goes before a variable, that before the file, that before the default', async (t) => {
  const file = '[probe]\ninterval_ms = 10\nmisses = 5\n[session]\nrenew_seconds = 60\n'
  const env = { X0T_PROBE_MISSES: '6', X0T_SESSION_RENEW_SECONDS: '70', X0T_NETWORK_BOOTSTRAP: 'a:1, b:2' }
  const flags = { 'session.renew_seconds': '80', 'network.listen': ['a:1', 'b:2'] }
  const { config, origins } = await loadConfig(withFile(file, { env, flags }))
  t.strictSame(config.probe, { intervalMs: 10, misses: 6, kernelIntervalMs: 'auto' })
  t.equal(config.session.renewSeconds, 80)
  t.equal(config.network.bootstrap.length, 2)
  t.equal(config.network.listen[1]!.host, 'b')
  t.strictSame(origins['probe.interval_ms'], { source: 'file', at: '/h/config.toml:2' })
  t.strictSame(origins['probe.misses'], { source: 'env', at: 'X0T_PROBE_MISSES' })
  t.strictSame(origins['session.renew_seconds'], { source: 'flag', at: '--set session.renew_seconds' })
  t.strictSame(origins['network.listen'], { source: 'flag', at: '--listen' })
  t.strictSame(origins['network.mdns'], { source: 'default', at: '' })
})

t.test('booleans are written on, off, yes, no, true or false', async (t) => {
  for (const [text, value] of [
    ['on', true],
    ['0', false],
    ['no', false],
    ['true', true],
  ] as const) {
    const { config } = await loadConfig(
      withFile('', { flags: { 'network.mdns': text, 'tunnel.enabled': text } }),
    )
    t.equal(config.network.mdns, value)
    t.equal(config.tunnel.enabled, value)
  }
  t.match(await problemsOf('', { flags: { 'network.mdns': 'maybe' } }), [/--mdns.*expected true or false/])
})

t.test('each problem names its place, what was found and what was expected', async (t) => {
  t.strictSame(await problemsOf('[probe]\n\ninterval_ms = "fast"\n'), [
    '/h/config.toml:3: probe.interval_ms = "fast": expected auto or a whole number from 5 to 60000',
  ])
  t.strictSame(await problemsOf('[probe]\nintervalms = 5\n[prob]\nx = 1'), [
    '/h/config.toml:2: unknown key probe.intervalms; did you mean interval_ms?',
    '/h/config.toml:4: unknown section [prob]; did you mean probe?',
  ])
  t.strictSame(await problemsOf('listen = 3\n[qqqqqqqqq]\n'), [
    '/h/config.toml:1: unknown key listen outside of a section',
    '/h/config.toml:2: unknown section [qqqqqqqqq]',
  ])
  t.match(await problemsOf('network.listen = ["a:1", "a:1"]'), [/^\/h\/config.toml:1: .*no doubles/])
  t.match(await problemsOf('"probe" . misses = 1'), [/^\/h\/config.toml:1: probe.misses = 1: expected/])
  t.match(await problemsOf('probe = { misses = 1 }'), [/^\/h\/config.toml:1: probe.misses/])
  t.match(await problemsOf('[[probe]]\nmisses = 1'), [/unknown key probe outside/])
  t.match(await problemsOf('[network\n'), [/^\/h\/config.toml:1: /])
  t.match(await problemsOf('', { env: { X0T_TUNNEL_MTU: '1e9' } }), [/^X0T_TUNNEL_MTU: tunnel.mtu = "1e9"/])
  t.match(await problemsOf('', { flags: { 'tunnel.mtuu': '1' } }), [/--set tunnel.mtuu: .*tunnel.mtu\?/])
  t.match(await problemsOf('[identity]\nsvid_ttl = "1s"'), [/from 1m to 30d/])
  t.match(await problemsOf('#'.repeat(maxConfigBytes + 1)), [/larger than 65536 bytes/])
  await t.rejects(loadConfig(withFile('x = 1')), { code: 'CONFIG_INVALID', message: /config.toml:1/ })
})

t.test('what is allowed but doubtful is a warning', async (t) => {
  const file = `[http]\nlisten = "0.0.0.0:80"\n[network]\nlisten = ["127.0.0.1:1"]\n[tunnel]\nenabled = false\n[probe]\ninterval_ms = 5\n`
  const { warnings } = await loadConfig(withFile(file, { env: { X0T_PROBE_MISES: '1', X0T_HOME: '/h' } }))
  t.equal(warnings.length, 5)
  t.match(warnings[0], /X0T_PROBE_MISES is unknown and ignored; did you mean X0T_PROBE_MISSES/)
  t.match((await loadConfig(withFile('[network]\nlisten = []\n[http]\nlisten="off"'))).warnings, [/is empty/])
})

t.test('no text makes the reader of files fail in another way than with problems', async () => {
  const toml = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc
      .array(
        fc.oneof(
          fc.constantFrom(
            '[network]',
            '[probe]',
            '[http]',
            '[[node]]',
            '[a.b]',
            'listen',
            '=',
            '"',
            '__proto__',
            '\n',
          ),
          fc.string({ maxLength: 8 }),
        ),
        { maxLength: 20 },
      )
      .map((words) => words.join(' ')),
  )
  await fc.assert(
    fc.asyncProperty(toml, async (text) => {
      const { loaded, problems } = await inspectConfig(withFile(text))
      return (loaded === undefined) === problems.length > 0
    }),
    { seed: 3, numRuns: 500 },
  )
})

t.test('the annotated file holds every setting, and its defaults are what it says', async (t) => {
  const annotated = annotatedConfigFile()
  const defaults = await loadConfig(withFile(annotated))
  t.ok(defaults.entries.every((entry) => entry.origin.source === 'default'))
  const uncommented = annotated.replaceAll(/^#(?=[a-z_]+ = )/gm, '')
  const set = await loadConfig(withFile(uncommented))
  t.equal(set.entries.filter((entry) => entry.origin.source === 'file').length, namedSettings.length)
  const { node, api } = defaults.config
  t.equal(set.config.node.name, 'kitchen-pi')
  t.equal(set.config.api.socket, '/run/x0t/x0t.sock')
  t.strictSame({ ...set.config, node, api }, { ...defaults.config, node, api })
  for (const { key } of namedSettings) {
    const [section, name] = key.split('.') as [string, string]
    t.ok(name in (parse(uncommented)[section] as object), key)
  }
})

t.test('docs/configuration.md is what the settings say', async (t) => {
  const path = `${import.meta.dirname}/../../../docs/configuration.md`
  t.equal(readFileSync(path, 'utf8'), configReference(), 'run: node tools/write-config-reference.ts')
})

t.test('the home is the flag, else X0T_HOME, else by user', async (t) => {
  const user = { env: {}, uid: 1000, userHome: '/home/u', workingFolder: '/w' }
  t.equal(resolveHome({ ...user, flag: 'n' }), '/w/n')
  t.equal(resolveHome({ ...user, env: { X0T_HOME: '/x' } }), '/x')
  t.equal(resolveHome({ ...user, flag: '', env: { X0T_HOME: '' } }), '/home/u/.local/state/x0t')
  t.equal(resolveHome({ ...user, env: { XDG_STATE_HOME: '/s' } }), '/s/x0t')
  t.equal(resolveHome({ ...user, env: { XDG_STATE_HOME: 'relative' } }), '/home/u/.local/state/x0t')
  t.equal(resolveHome({ ...user, uid: 0 }), '/var/lib/x0t')
})

t.test('a file that is not there is no error, one that cannot be read is', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/x0t-`)
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(`${folder}/config.toml`, '[probe]\nmisses = 7\n')
  mkdirSync(`${folder}/folder`)
  t.equal(await readConfigFile(`${folder}/none.toml`), undefined)
  t.equal(await readConfigFile(`${folder}/config.toml/x`), undefined)
  const { config } = await loadConfig({ home: folder, readFile: readConfigFile })
  t.equal(config.probe.misses, 7)
  await t.rejects(readConfigFile(`${folder}/folder`), { code: 'CONFIG_UNREADABLE' })
  writeFileSync(`${folder}/large`, '#'.repeat(maxConfigBytes + 100))
  t.equal((await readConfigFile(`${folder}/large`))?.length, maxConfigBytes + 1)
})

t.test('a near word is meant, a far one is not', async (t) => {
  t.equal(didYouMean('lisen', ['listen', 'mdns']), 'listen')
  t.equal(didYouMean('xyz', ['listen', 'mdns']), undefined)
})
