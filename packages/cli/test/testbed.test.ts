import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { Report } from '@x0t/bench'
import type { BedStatus } from '@x0t/testbed'
import { reportView } from '../src/views/bench.ts'
import { bedsView, faultsView, statusView } from '../src/views/testbed.ts'
import { runCli, shortFolder } from './run-cli.ts'

const env = { PATH: process.env['PATH'] ?? '', X0T_HOME: '/not/for/the/nodes' }
const missing =
  spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset']).status === 0 ? false : 'needs root and nft'
const skip = missing !== false && process.env['CI'] === undefined ? missing : false

t.test('a testbed from up to down', { skip }, async (t) => {
  const dir = `${shortFolder(t)}/beds`
  const testbed = (...words: string[]): ReturnType<typeof runCli> =>
    runCli(['testbed', words[0]!, '--dir', dir, ...words.slice(1)], { env })
  t.match(await testbed('status'), { code: 1, stderr: /TESTBED_NOT_FOUND/ })
  t.match(await testbed('status', '--all'), { code: 0, stdout: /no testbeds/ })

  const up = await testbed('up', 'line:3', '--bed', 'clitest', '--detach', '--', 'sleep', '500')
  t.match(up, { code: 0, stdout: /n2 +running/, stderr: /3 of 3 hosts are up/ })
  t.match(await testbed('up', '--bed', 'clitest', '--bare', '--detach'), {
    code: 1,
    stderr: /TESTBED_EXISTS/,
  })
  t.match(await testbed('status', '--all'), { stdout: /clitest +3 +3 +2 +0 / })

  t.match(await testbed('fault', 'link:n0-n1', 'blackhole'), {
    code: 0,
    stdout: /injected: link:n0-n1 blackhole/,
  })
  t.match(await testbed('fault', 'link:n1-n2', 'loss=12.5%'), { stdout: /loss=12\.5%/ })
  t.match(await testbed('fault', 'node:n2', 'freeze'), { code: 0 })
  const { stdout } = await testbed('status')
  t.match(stdout, /n0-n1 .*blackhole/)
  t.match(stdout, /n2 +frozen/)
  t.match(stdout, 'fault: node:n2 freeze')
  t.match(await testbed('exec', 'n0', '--', 'ping', '-c', '1', '-W', '0.2', '-q', '10.0.0.2'), { code: 1 })
  t.match(await testbed('exec', 'n0', '--', 'sh', '-c', 'exit 7'), { code: 7 }, 'the exit code is passed on')
  const healed = JSON.parse((await testbed('fault', '--clear', '--json')).stdout) as { cleared: unknown[] }
  t.equal(healed.cleared.length, 3)
  t.match(await testbed('fault', '--clear'), { code: 0, stdout: /no fault was active/ })
  t.match(await testbed('exec', 'n0', '--', 'ping', '-c', '3', '-W', '1', '-q', '10.0.0.2'), { code: 0 })

  t.match(await testbed('down'), { code: 0, stdout: /removed: clitest/ })
  t.equal(existsSync(dir), false)
  t.match(await testbed('down', '--all'), { code: 0, stdout: /removed: nothing/ })
})

t.test('Ctrl-C takes down a testbed in the foreground', { skip }, async (t) => {
  const dir = `${shortFolder(t)}/beds`
  const words = ['testbed', 'up', 'pair', '--dir', dir, '--bed', 'clifg', '--restart', '--', 'sleep', '0.3']
  const running = runCli(words, { env })
  const ready = setInterval(() => {
    // Its program ends after 0.3 s, and the supervisor starts it again.
    if (existsSync(`${dir}/clifg/hosts/b/process.json`)) {
      const { startedAtMs } = JSON.parse(readFileSync(`${dir}/clifg/hosts/b/process.json`, 'utf8')) as {
        startedAtMs: number
      }
      starts.add(startedAtMs)
      // The third start comes after the second was told.
      if (starts.size >= 3) process.emit('SIGINT', 'SIGINT')
    }
  }, 20)
  const starts = new Set<number>()
  const { code, stderr } = await running
  clearInterval(ready)
  t.equal(code, 130)
  t.match(stderr, /host b ended/)
  t.match(stderr, /host b started again/)
  t.equal(existsSync(dir), false)
})

t.test('wrong usage of a testbed is exit code 2', async (t) => {
  const dir = shortFolder(t)
  const file = `${dir}/links.json`
  writeFileSync(file, '{"links": [["a"]]}')
  for (const words of [
    ['up', 'star'],
    ['up', file],
    ['up', `${dir}/none.json`],
    ['up', '--detach', '--restart'],
    ['up', '--set', 'nonsense'],
    ['fault'],
    ['fault', 'link:a-b'],
    ['exec'],
  ])
    t.match(await runCli(['testbed', ...words], { env }), { code: 2 }, words.join(' '))
})

t.test('wrong usage of a benchmark is exit code 2', async (t) => {
  for (const words of [
    ['throughput', '--hops', '9'],
    ['throughput', '--loss', '95'],
    ['throughput', '--loss', 'much'],
    ['throughput', '--runs', '0'],
    ['throughput', '--against', 'zerotier'],
    ['throughput', '--objective', 'fast'],
    ['throughput', '--set', 'nonsense'],
    ['soak', '--hours', '0'],
    ['soak', '--shape', 'star'],
    ['crypto', '--ms', '1'],
    ['mttr', '--liveness', 'kernel', '--cables', 'veth'],
    ['mttr', '--probe-interval', '1'],
    ['mttr', '--liveness', 'kernel', '--probe-interval', '0.1'],
    ['takeover', '--packets', '10'],
    ['calm', '--cables', 'copper'],
  ])
    t.match(await runCli(['bench', ...words], { env }), { code: 2 }, words.join(' '))
})

t.test('a missed objective is exit code 3, and the report is in the file', async (t) => {
  const folder = shortFolder(t)
  const words = ['bench', 'crypto', '--ms', '10', '--only', 'ml-kem-768-encapsulate/native']
  const name = 'ml-kem-768-encapsulate/native'
  const met = await runCli([...words, '--objective', `${name}<=1000000`, '--out', `${folder}/r.md`], { env })
  t.match(met, { code: 0, stdout: /yes/ })
  t.match(readFileSync(`${folder}/r.md`, 'utf8'), `| ${name} | µs |`)
  const missed = await runCli(
    [...words, '--objective', `${name}<=0.001`, '--out', `${folder}/r.json`, '--json'],
    { env },
  )
  t.equal(missed.code, 3)
  const report = JSON.parse(missed.stdout) as Report
  t.match(report, { schema: 'x0t.bench/1', kind: 'crypto', objectives: [{ limit: 0.001, met: false }] })
  t.strictSame(JSON.parse(readFileSync(`${folder}/r.json`, 'utf8')), report)
})

t.test('a comparison names what is not installed', { skip }, async (t) => {
  // Folders with what the measuring needs, and nothing of the peers.
  const bin = shortFolder(t)
  for (const program of ['iperf3', 'ping', 'ss', 'ip', 'nsenter', 'sysctl'])
    spawnSync('sh', ['-c', `ln -s "$(command -v ${program})" ${bin}/`])
  const words = [
    'bench',
    'throughput',
    '--no-x0t',
    '--no-datagrams',
    '--runs',
    '1',
    '--seconds',
    '1',
    '--against',
    'tinc',
  ]
  const { code, stdout, stderr } = await runCli([...words, '--dir', `${bin}/beds`, '--json'], {
    env: { ...env, PATH: bin },
  })
  t.equal(code, 0)
  t.match(stderr, 'warning: tinc is left out: not installed: tincd; apt install tinc')
  t.match(JSON.parse(stdout), {
    skipped: [{ path: 'tinc', install: 'apt install tinc' }],
    parameters: { runs: 1 },
  })
})

t.test('views', async (t) => {
  const host = { name: 'a', namespace: 'x0t-lab-a', addresses: [], startedAtMs: 1 }
  const status: BedStatus = {
    bed: 'lab',
    createdAtMs: 1,
    folder: '/run/x',
    runner: 'x0t',
    cables: 'veth',
    owned: true,
    links: [],
    hosts: [
      { ...host, state: 'running', pid: 7, residentBytes: 2 ** 21, details: { overlayAddress: 'fd78::1' } },
      { ...host, name: 'b', state: 'dead', pid: null, residentBytes: null, details: {} },
    ],
    faults: [{ target: 'node:b', kind: 'crash', value: null, text: 'crash', injectedAtMs: 1 }],
  }
  t.match(statusView(status), /a +running +7 +2 MiB +fd78::1/)
  t.match(statusView(status), /b +DEAD +- +- +-/)
  t.match(statusView(status), 'no links')
  t.match(bedsView([status]), /lab +2 +1 +0 +1 +a running command/)
  t.equal(
    faultsView('injected', [{ target: 'link:a-b', text: 'latency=20ms' }]),
    'injected: link:a-b latency=20ms',
  )
  const result = { name: 'tcp/x0t', unit: 'Mbit/s', samples: 2, median: 1944.4, p95: null, p99: null }
  const report = {
    results: [{ ...result, min: 0.012345, max: 0, q1: 1, q3: 2, ci95: null, values: [] }],
    objectives: [{ name: 'tcp/none>=1', limit: 1, value: null, met: false }],
    skipped: [],
    failed: [{ path: 'x0t', reason: 'boom' }],
    environment: { cpu: 'some', cores: 2, kernel: '6' },
    notes: ['note'],
    parameters: {},
  } as unknown as Report
  t.match(reportView(report), /tcp\/x0t +Mbit\/s +2 +1944 +- +1 +2 +- +- +0\.01235 +0/)
  t.match(reportView(report), /tcp\/none>=1 +1 +not measured +NO/)
  t.match(reportView(report), 'not measured: x0t: boom')
})
