import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { silentLog } from '@x0t/core'
import {
  installService,
  serviceManager,
  systemdUnit,
  systemInstallHost,
  type InstallHost,
  type InstallOptions,
} from '@x0t/node/install'

const options: InstallOptions = {
  program: '/opt/x0t/bin/x0t',
  user: 'dynamic',
  home: '/var/lib/x0t',
  unitFolder: '/etc/systemd/system',
  dryRun: false,
  force: false,
  enable: false,
}

interface FakeHost extends InstallHost {
  readonly files: Map<string, string>
  readonly ran: string[]
}

function fakeHost(more: Partial<InstallHost> = {}): FakeHost {
  const files = new Map<string, string>()
  const ran: string[] = []
  return {
    files,
    ran,
    uid: 0,
    readFile: async (path) => files.get(path),
    writeFile: async (path, content) => void files.set(path, content),
    mode: async () => 0o755,
    run: async (program, args) => {
      ran.push([program, ...args].join(' '))
      return { code: 0, text: '' }
    },
    systemdRuns: async () => true,
    ...more,
  }
}

const unitPath = '/etc/systemd/system/x0t.service'

t.test('the unit gives one capability, one device, and a read-only system', async (t) => {
  const unit = systemdUnit(options)
  for (const line of [
    'Type=notify',
    'ExecStart=/opt/x0t/bin/x0t node start --home /var/lib/x0t --log-format json',
    'DynamicUser=yes',
    'AmbientCapabilities=CAP_NET_ADMIN',
    'CapabilityBoundingSet=CAP_NET_ADMIN',
    'DeviceAllow=/dev/net/tun rw',
    'ProtectSystem=strict',
    'ProtectHome=yes',
    'StateDirectory=x0t',
    'Restart=always',
    'NoNewPrivileges=yes',
  ])
    t.ok(unit.split('\n').includes(line), line)
  const own = systemdUnit({
    ...options,
    user: { name: 'mesh' },
    program: '/home/u/x0t',
    home: '/var/lib/a/b',
    mesh: 'm',
  })
  t.match(own, /^User=mesh$/m)
  t.match(own, /^ProtectHome=read-only$/m)
  t.match(own, /^StateDirectory=a\/b$/m)
  t.match(own, / --mesh m$/m)
})

t.test('as root the unit has what programs in the kernel need, and no more', async (t) => {
  const unit = systemdUnit({ ...options, user: { name: 'root' } })
  t.match(unit, /^CapabilityBoundingSet=CAP_NET_ADMIN CAP_BPF CAP_PERFMON$/m)
  t.match(unit, /^SystemCallFilter=@system-service bpf$/m)
  t.match(systemdUnit(options), /^SystemCallFilter=@system-service$/m)
})

t.test('a path with blanks and signs of systemd stays one word', async (t) => {
  t.match(
    systemdUnit({ ...options, program: '/opt/my 100%"$x/x0t' }),
    String.raw`ExecStart="/opt/my 100%%\"$$x/x0t" node`,
  )
})

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0

t.test(
  'systemd finds nothing wrong with the unit and rates its exposure below 5',
  { skip: analyze ? false : 'systemd-analyze is not installed' },
  async (t) => {
    const folder = t.testdir({})
    for (const user of ['dynamic', { name: 'daemon' }] as const) {
      const path = `${folder}/x0t.service`
      writeFileSync(path, systemdUnit({ ...options, user, program: '/bin/true' }))
      const verify = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' })
      // Keys that an older systemd does not know yet are no fault of the unit.
      const faults = verify.stderr
        .split('\n')
        .filter((line) => line.includes('x0t.service') && !/Unknown key/.test(line))
      t.strictSame(faults, [])
    }
    const security = spawnSync('systemd-analyze', ['security', '--offline=true', `${folder}/x0t.service`], {
      encoding: 'utf8',
    })
    const rating = /exposure level for x0t\.service:?\s*([\d.]+)/.exec(security.stdout)?.[1]
    t.ok(rating === undefined || Number(rating) < 5, `exposure ${rating}`)
  },
)

t.test('an installation writes the unit, has systemd read it, and starts it if asked', async (t) => {
  const host = fakeHost()
  const installed = await installService(options, host)
  t.match(installed, { path: unitPath, written: true, enabled: false, next: [/enable --now/] })
  t.equal(host.files.get(unitPath), installed.unit)
  t.strictSame(host.ran, ['systemctl daemon-reload'])
  t.match(await installService({ ...options, enable: true }, host), { written: false, enabled: true })
  t.equal(host.ran.at(-1), 'systemctl enable --now x0t.service')
})

t.test('a dry run changes nothing', async (t) => {
  const host = fakeHost({ uid: 1000, mode: async () => undefined })
  t.match(await installService({ ...options, dryRun: true }, host), { written: false, unit: /ExecStart/ })
  t.equal(host.files.size + host.ran.length, 0)
})

t.test('what stands in the way is told before anything is written', async (t) => {
  const refused = async (code: string, host: FakeHost, more: Partial<InstallOptions> = {}): Promise<void> => {
    const before = new Map(host.files)
    await t.rejects(installService({ ...options, ...more }, host), { code })
    t.strictSame(host.files, before)
  }
  await refused('INSTALL_NEEDS_ROOT', fakeHost({ uid: 1000 }))
  for (const home of ['/home/u/x', '/var/lib/', '/var/lib/../etc', '/var/lib/a b', '/var/lib/x/']) {
    await refused('INSTALL_HOME_INVALID', fakeHost(), { home })
  }
  await refused('INSTALL_UNREACHABLE', fakeHost({ mode: async (path) => (path === '/opt' ? 0o700 : 0o755) }))
  await refused('INSTALL_UNREACHABLE', fakeHost({ mode: async () => undefined }))
  const other = fakeHost()
  other.files.set(unitPath, '# mine')
  await refused('INSTALL_EXISTS', other)
  t.match(await installService({ ...options, force: true }, other), { written: true })
})

t.test('a systemctl that fails is told with what it said', async (t) => {
  const run = async (): Promise<{ code: number; text: string }> => ({ code: 1, text: 'Unit is masked' })
  await t.rejects(installService(options, fakeHost({ run })), { code: 'INSTALL_FAILED', message: /masked/ })
  t.match(await installService(options, fakeHost({ run, systemdRuns: async () => false })), {
    next: [/not running/],
  })
})

t.test('this machine as a host writes whole files and runs programs', async (t) => {
  const host = systemInstallHost()
  const path = `${t.testdir({})}/unit`
  t.equal(await host.readFile(path), undefined)
  await host.writeFile(path, 'x', 0o644)
  t.equal(await host.readFile(path), 'x')
  t.equal((await host.mode(path))! & 0o777, 0o644)
  t.equal(await host.mode(`${path}/none`), undefined)
  await t.rejects(host.mode(`${path}\0`))
  await t.rejects(host.readFile(`${path}/..`))
  t.strictSame(await host.run('sh', ['-c', 'echo out; echo err >&2']), { code: 0, text: 'out\nerr\n' })
  t.match(await host.run('sh', ['-c', 'exit 7']), { code: 7 })
  t.match(await host.run('/no/such/program', []), { code: 1 })
  t.equal(await host.systemdRuns(), existsSync('/run/systemd/system'))
})

t.test('the service manager hears ready, status, life signs and the stop', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/x0t-`)
  t.teardown(() => rmSync(folder, { recursive: true }))
  const heard = `${folder}/heard`
  const path = `${folder}/notify`
  // Node has no Unix datagram sockets: a small program of the system listens.
  const python = spawnSync('python3', ['--version']).status === 0
  if (!python) {
    t.comment('python3 is not installed: what arrives is not looked at')
    return
  }
  const listener = spawn('python3', [
    '-c',
    `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound',flush=True)
open(sys.argv[2],'w').write('|'.join(s.recv(4096).decode() for _ in range(4)))`,
    path,
    heard,
  ])
  await new Promise((resolve) => listener.stdout.once('data', resolve))
  const manager = await serviceManager({ NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000' }, silentLog)
  t.equal(manager.watchdogMs, 30_000)
  manager.ready('node\nWATCHDOG=trigger')
  manager.status('3 peers')
  manager.alive()
  manager.stopping()
  await new Promise((resolve) => listener.once('exit', resolve))
  t.equal(
    readFileSync(heard, 'utf8'),
    `READY=1\nSTATUS=node WATCHDOG=trigger\nMAINPID=${process.pid}|STATUS=3 peers|WATCHDOG=1|STOPPING=1`,
  )
})

t.test('without a service manager nothing happens; with one that is gone the log tells', async (t) => {
  const warnings: string[] = []
  const log = { ...silentLog, warn: (event: string) => void warnings.push(event) }
  for (const path of [undefined, '', 'relative', `/${'x'.repeat(200)}`]) {
    const manager = await serviceManager({ NOTIFY_SOCKET: path }, log)
    manager.ready('x')
    manager.status('x')
    manager.alive()
    manager.stopping()
    t.equal(manager.watchdogMs, undefined)
  }
  t.strictSame(warnings, [])
  const gone = await serviceManager({ NOTIFY_SOCKET: '@x0t-nobody-listens-here', WATCHDOG_USEC: 'x' }, log)
  t.equal(gone.watchdogMs, undefined)
  gone.status('x')
  t.strictSame(warnings, ['service-manager-unreachable'])
})
