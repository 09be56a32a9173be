import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import t from 'tap'
import { loadConfig } from '@x0t/node/config'
import {
  checks,
  effectiveCapabilities,
  runDoctor,
  systemProbes,
  type CheckResult,
  type HostProbes,
} from '@x0t/node/doctor'

const nowMs = Date.parse('2026-11-22T12:00:00Z')
const dayMs = 86_400_000

/** A machine on which everything is well, and nothing of a node is there yet. */
const healthy: HostProbes = {
  uid: 1000,
  nodeVersion: '26.10.0',
  kernelRelease: '6.12.1-arch',
  wallMs: nowMs,
  readText: async (path) =>
    path === '/proc/self/status' ? 'Name:\tnode\nCapEff:\t0000000000001000\n' : '0\n',
  facts: async () => undefined,
  list: async () => [],
  openError: async () => undefined,
  bindError: async () => undefined,
  socketAnswers: async () => false,
  freeDiskBytes: async () => 2 ** 33,
  availableMemoryBytes: () => 2 ** 33,
  ffiProblem: async () => undefined,
  missingAlgorithms: async () => [],
  clock: async () => ({ synchronised: true, maxErrorMs: 12.3 }),
  udpOffload: async () => ({ segmentation: true, receive: true }),
  serviceState: async () => undefined,
  svidNotAfterMs: async () => undefined,
  programBuiltMs: async () => nowMs - dayMs,
}

async function diagnose(
  probes: Partial<HostProbes>,
  flags: Record<string, string> = {},
): Promise<Readonly<Record<string, CheckResult>>> {
  const { config } = await loadConfig({ home: '/h', flags, readFile: async () => undefined })
  const results = await runDoctor({ home: '/h', config, probes: { ...healthy, ...probes } })
  return Object.fromEntries(results.map((result) => [result.check, result]))
}

/** A folder with a short name: the path of a Unix socket has at most 107 bytes. */
function shortFolder(t: { teardown(run: () => void): void }): string {
  const folder = mkdtempSync(`${tmpdir()}/x0t-`)
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

const privateFolder = { kind: 'directory', mode: 0o700, uid: 1000, modifiedMs: nowMs } as const

t.test('on a healthy machine every check is ok and none asks for a repair', async (t) => {
  const results = Object.values(await diagnose({}))
  t.equal(results.length, Object.keys(checks).length)
  for (const result of results) t.match(result, { status: 'ok', fix: undefined }, result.check)
})

t.test('an old kernel warns, a very old one fails', async (t) => {
  t.match((await diagnose({ kernelRelease: '5.4.0-150' }))['kernel'], { status: 'warn' })
  t.match((await diagnose({ kernelRelease: '4.17.0' }))['kernel'], { status: 'fail' })
  t.match((await diagnose({ kernelRelease: 'unknown' }))['kernel'], { status: 'fail' })
})

t.test('without TUN a node that may relay only is warned, one that must have it fails', async (t) => {
  for (const [code, words] of [
    ['ENOENT', /modprobe/],
    ['EACCES', /chmod/],
    ['EPERM', /chmod/],
    ['ENODEV', /modprobe/],
  ] as const) {
    const openError = async (): Promise<string> => code
    t.match((await diagnose({ openError }))['tun-device'], { status: 'warn', fix: words })
    t.match((await diagnose({ openError }, { 'tunnel.enabled': 'on' }))['tun-device'], { status: 'fail' })
    t.match((await diagnose({ openError }, { 'tunnel.enabled': 'off' }))['tun-device'], { status: 'ok' })
  }
})

t.test('CAP_NET_ADMIN is bit 12 of the effective set', async (t) => {
  t.equal(effectiveCapabilities('CapPrm:\t1\nCapEff:\t000001ffffffffff\n'), 0x1ffffffffffn)
  t.equal(effectiveCapabilities('nothing'), undefined)
  const readText = async (): Promise<string> => 'CapEff:\t0000000000000fff\n'
  t.match((await diagnose({ readText }))['net-admin'], { status: 'warn', fix: /x0t node install/ })
  t.match((await diagnose({ readText }, { 'tunnel.enabled': 'on' }))['net-admin'], { status: 'fail' })
  t.match((await diagnose({ readText }, { 'tunnel.enabled': 'off' }))['net-admin'], { status: 'ok' })
  t.match((await diagnose({ readText: async () => undefined }))['net-admin'], { status: 'warn' })
})

t.test('IPv6 must be there and on', async (t) => {
  t.match((await diagnose({ readText: async () => undefined }))['ipv6'], {
    status: 'fail',
    fix: /ipv6.disable/,
  })
  const readText = async (path: string): Promise<string> => (path.includes('default') ? '1\n' : '0\n')
  t.match((await diagnose({ readText }))['ipv6'], { status: 'fail', found: /conf.default/ })
  t.match((await diagnose({ readText }, { 'tunnel.enabled': 'off' }))['ipv6'], { status: 'warn' })
})

t.test('what node and its OpenSSL lack is named', async (t) => {
  t.match((await diagnose({ ffiProblem: async () => 'no such module' }))['node-ffi'], {
    status: 'fail',
    found: /no such/,
  })
  const missingAlgorithms = async (): Promise<string[]> => ['X25519MLKEM768', 'ML-DSA-65']
  t.match((await diagnose({ missingAlgorithms }))['openssl'], {
    status: 'fail',
    found: /X25519MLKEM768, ML-DSA-65/,
  })
  t.match((await diagnose({ udpOffload: async () => undefined }))['udp-offload'], { status: 'warn' })
  const udpOffload = async (): Promise<{ segmentation: boolean; receive: boolean }> => ({
    segmentation: false,
    receive: false,
  })
  t.match((await diagnose({ udpOffload }))['udp-offload'], {
    status: 'warn',
    found: /UDP_SEGMENT and UDP_GRO/,
  })
})

t.test('a clock before the files of the program fails, one that nobody keeps warns', async (t) => {
  t.match((await diagnose({ programBuiltMs: async () => nowMs + 2 * dayMs }))['clock'], {
    status: 'fail',
    fix: /set-ntp/,
  })
  const facts = async (): Promise<{ kind: 'file'; mode: number; uid: number; modifiedMs: number }> => ({
    kind: 'file',
    mode: 0o600,
    uid: 1000,
    modifiedMs: nowMs + 3 * dayMs,
  })
  t.match((await diagnose({ facts }))['clock'], { status: 'fail', found: /from 2026-11-25/ })
  t.match((await diagnose({ clock: async () => undefined }))['clock'], { status: 'warn' })
  const unsynchronised = { synchronised: false, maxErrorMs: 16_000_000 }
  t.match((await diagnose({ clock: async () => unsynchronised }))['clock'], {
    status: 'warn',
    found: /live 1d/,
  })
  const vague = { synchronised: true, maxErrorMs: 20_000 }
  t.match((await diagnose({ clock: async () => vague }))['clock'], { status: 'warn', found: /20 s off/ })
})

t.test('too little memory or disk fails, little warns', async (t) => {
  t.match((await diagnose({ availableMemoryBytes: () => 2 ** 26 }))['memory'], { status: 'fail' })
  t.match((await diagnose({ availableMemoryBytes: () => 2 ** 27 }))['memory'], { status: 'warn' })
  t.match((await diagnose({ freeDiskBytes: async () => 2 ** 20 }))['disk'], { status: 'fail' })
  t.match((await diagnose({ freeDiskBytes: async () => 2 ** 26 }))['disk'], { status: 'warn' })
})

t.test('a home that others can enter fails, and so does a key in it that others can read', async (t) => {
  const home = (facts: object, uid = 1000): Promise<Readonly<Record<string, CheckResult>>> =>
    diagnose({ uid, facts: async () => ({ ...privateFolder, ...facts }) })
  t.match((await home({}))['home'], { status: 'ok' })
  t.match((await home({ mode: 0o755 }))['home'], { status: 'fail', fix: 'chmod 700 /h' })
  t.match((await home({ kind: 'file' }))['home'], { status: 'fail' })
  t.match((await home({ uid: 0 }))['home'], { status: 'fail', found: /user 0/ })
  t.match((await home({ uid: 5 }, 0))['home'], { status: 'ok' })
  const list = async (path: string): Promise<string[]> =>
    path === '/h/' ? ['identity.key', 'node.log'] : ['ca.key']
  const facts: HostProbes['facts'] = async (path) =>
    path === '/h'
      ? privateFolder
      : { ...privateFolder, kind: 'file', mode: path.endsWith('ca.key') ? 0o644 : 0o600 }
  t.match((await diagnose({ list, facts }))['home'], {
    status: 'fail',
    found: 'open to others: identity/ca.key (0644)',
  })
  const denied = async (): Promise<never> => {
    throw Object.assign(new Error('denied'), { code: 'EACCES' })
  }
  t.match((await diagnose({ facts: denied }))['home'], { status: 'fail', found: /cannot be looked at/ })
})

t.test(
  'a port of another program fails, an address of another machine warns, a running node holds its own',
  async (t) => {
    const taken: HostProbes['bindError'] = async (transport) =>
      transport === 'udp' ? 'EADDRINUSE' : undefined
    t.match((await diagnose({ bindError: taken }))['ports'], {
      status: 'fail',
      found: /udp 0.0.0.0:7800, udp \[::\]:7800/,
    })
    t.match((await diagnose({ bindError: taken, socketAnswers: async () => true }))['ports'], {
      status: 'ok',
    })
    const elsewhere = async (): Promise<string> => 'EADDRNOTAVAIL'
    t.match((await diagnose({ bindError: elsewhere }))['ports'], {
      status: 'warn',
      found: /127.0.0.1:8080 \(EADDRNOTAVAIL\)/,
    })
    t.match((await diagnose({}, { 'http.listen': 'off' }))['ports'], { found: '4 ports are free' })
  },
)

t.test('an expired certificate fails only while the node runs and should have renewed it', async (t) => {
  const svidNotAfterMs = async (): Promise<number> => nowMs - 90_000
  t.match((await diagnose({ svidNotAfterMs }))['svid'], { status: 'ok', found: /expired 1m30s ago/ })
  t.match((await diagnose({ svidNotAfterMs, socketAnswers: async () => true }))['svid'], { status: 'fail' })
  t.match((await diagnose({ svidNotAfterMs: async () => nowMs + 60_000 }))['svid'], {
    found: 'certificate valid for 1m',
  })
  t.match((await diagnose({ facts: async () => privateFolder }))['svid'], { found: /does not run/ })
  const denied = async (): Promise<never> => Promise.reject(new Error('denied'))
  t.match((await diagnose({ facts: denied }))['svid'], { found: /no mesh yet/ })
})

t.test('the state of the systemd unit is told', async (t) => {
  const unit = (
    state: Record<string, string>,
    running = false,
  ): Promise<Readonly<Record<string, CheckResult>>> =>
    diagnose({ serviceState: async () => state, socketAnswers: async () => running })
  t.match((await unit({ LoadState: 'not-found' }))['service'], { status: 'ok', found: /install makes one/ })
  t.match((await unit({ LoadState: 'not-found' }, true))['service'], { status: 'ok', found: /by hand/ })
  const loaded = { LoadState: 'loaded', ActiveState: 'active', UnitFileState: 'enabled' }
  t.match((await unit(loaded))['service'], { status: 'ok' })
  t.match((await unit({ ...loaded, UnitFileState: 'disabled' }))['service'], {
    status: 'warn',
    fix: /enable x0t/,
  })
  t.match((await unit({ ...loaded, ActiveState: 'failed', Result: 'watchdog' }))['service'], {
    status: 'fail',
    found: /watchdog/,
  })
})

t.test('a check that breaks down is a failed check, and the others go on', async (t) => {
  const results = await diagnose({ freeDiskBytes: async () => Promise.reject(new Error('EIO')) })
  t.match(results['disk'], { status: 'fail', found: /broke down: EIO/ })
  t.equal(results['service']?.status, 'ok')
})

t.test('the fast path is looked at where it is wanted', async (t) => {
  const types = {
    facts: async (path: string) =>
      path.startsWith('/sys/kernel/btf') ? ({ ...privateFolder, kind: 'file' } as const) : undefined,
  }
  /** CAP_NET_ADMIN, CAP_PERFMON and CAP_BPF; with CAP_SYS_ADMIN. */
  const capable = (mounts: string, effective = '000000c000001000'): Partial<HostProbes> => ({
    ...types,
    readText: async (path) =>
      path === '/proc/self/status'
        ? `CapEff:\t${effective}\n`
        : path === '/proc/self/mounts'
          ? mounts
          : '0\n',
  })
  const mounted = 'bpf /sys/fs/bpf bpf rw 0 0\n'
  const look = async (probes: Partial<HostProbes>, mode: string): Promise<CheckResult> =>
    (await diagnose(probes, { 'fast_path.mode': mode }))['fast-path']!
  t.match(await look({}, 'off'), { status: 'ok', found: /not used/ })
  t.match(await look({}, 'auto'), { status: 'warn', found: /types/, fix: /CONFIG_DEBUG_INFO_BTF/ })
  t.match(await look({}, 'on'), { status: 'fail' })
  t.match(await look(types, 'auto'), { status: 'warn', found: /CAP_BPF/ })
  t.match(await look(capable(''), 'on'), { status: 'fail', found: /BPF file system/ })
  t.match(await look(capable(mounted), 'on'), { status: 'ok' })
  t.match(await look(capable('', '0000000000201000'), 'on'), { status: 'ok' }, 'root mounts it itself')
  t.match(await look(capable(mounted, '0000008000001000'), 'auto'), { status: 'warn' }, 'without CAP_PERFMON')
})

t.test('the probes of this machine tell what is so', async (t) => {
  const probes = systemProbes({ svidNotAfterMs: async () => undefined })
  const folder = t.testdir({ file: 'x' })
  chmodSync(`${folder}/file`, 0o640)
  t.match(await probes.facts(`${folder}/file`), { kind: 'file', mode: 0o640 })
  t.match(await probes.facts(folder), { kind: 'directory' })
  t.match(await probes.facts('/dev/null'), { kind: 'other' })
  t.equal(await probes.facts(`${folder}/none`), undefined)
  await t.rejects(probes.facts(`${folder}/\0`))
  t.strictSame(await probes.list(folder), ['file'])
  t.strictSame(await probes.list(`${folder}/none`), [])
  t.equal(await probes.readText(`${folder}/file`), 'x')
  t.equal(await probes.readText(`${folder}/none`), undefined)
  t.equal(await probes.openError(`${folder}/file`), undefined)
  t.equal(await probes.openError(`${folder}/none`), 'ENOENT')
  t.ok((await probes.freeDiskBytes(`${folder}/none/deep`)) > 0)
  t.ok(probes.availableMemoryBytes() > 0)
  t.equal(await probes.ffiProblem(), undefined)
  t.strictSame(await probes.missingAlgorithms(), [])
  t.strictSame(await probes.udpOffload(), { segmentation: true, receive: true })
  t.ok((await probes.clock())!.maxErrorMs >= 0)
  t.ok((await probes.programBuiltMs()) < Date.now() + dayMs)
  const state = await probes.serviceState()
  t.ok(state === undefined || typeof state === 'object')
})

t.test('a port in use and a socket that answers are noticed', async (t) => {
  const probes = systemProbes({ svidNotAfterMs: async () => undefined })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  t.equal(await probes.bindError('tcp', { host: '127.0.0.1', port }), 'EADDRINUSE')
  t.equal(await probes.bindError('udp', { host: '::1', port }), undefined)
  t.equal(await probes.bindError('udp', { host: '203.0.113.1', port }), 'EADDRNOTAVAIL')
  server.close()
  await once(server, 'close')
  t.equal(await probes.bindError('tcp', { host: '127.0.0.1', port }), undefined)
  const path = `${shortFolder(t)}/s`
  t.equal(await probes.socketAnswers(path), false)
  const local = createServer((socket) => socket.end()).listen(path)
  await once(local, 'listening')
  t.equal(await probes.socketAnswers(path), true)
  local.close()
})

t.test('a home made with the right modes passes on this machine', async (t) => {
  const home = `${shortFolder(t)}/h`
  mkdirSync(home, { mode: 0o700 })
  writeFileSync(`${home}/identity.key`, 'x', { mode: 0o600 })
  const { config } = await loadConfig({ home, readFile: async () => undefined })
  const probes = systemProbes({ svidNotAfterMs: async () => undefined })
  const results = await runDoctor({ home, config, probes })
  t.match(
    results.find(({ check }) => check === 'home'),
    { status: 'ok' },
  )
})
