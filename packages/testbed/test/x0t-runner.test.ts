import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, X0tError } from '@x0t/core'
import t from 'tap'
import { makeBedFolder } from '../src/bed-folder.ts'
import { runnerOf } from '../src/host-runner.ts'
import { parseShape, planNetwork, type Run } from '../src/index.ts'
import { systemLaunch, type Launch } from '../src/launch.ts'
import type { Manifest } from '../src/manifest.ts'

const runFolder = await mkdtemp(join(tmpdir(), 'x0t-runner-'))
t.teardown(() => rm(runFolder, { recursive: true, force: true }))
const plan = planNetwork('lab', parseShape('line:3'))
const runner: Manifest['runner'] = {
  kind: 'x0t',
  command: ['/bin/x0t'],
  settings: { 'probe.interval_ms': '50' },
}
const manifest: Manifest = {
  schema: 'x0t.testbed/1',
  createdAtMs: 1,
  owner: { pid: 1, startTicks: 1 },
  netnsFolder: 'mount',
  runner,
  plan: { ...plan, hosts: [...plan.hosts], links: [...plan.links] },
}
const folder = await makeBedFolder(runFolder, manifest)
const { signal } = new AbortController()
const ready = JSON.stringify({ pid: 7, nodeId: 'id', overlayAddress: 'fd78::1', more: 'fields may come' })

function fakeRun(): { run: Run; calls: { argv: string; input: string | undefined }[] } {
  const calls: { argv: string; input: string | undefined }[] = []
  const run: Run = async (argv, options = {}) => {
    calls.push({ argv: argv.join(' '), input: options.input })
    return { stdout: argv.includes('invite') ? '{"token":"secret-token"}' : ready, stderr: '', exitCode: 0 }
  }
  return { run, calls }
}

t.test('the first host makes the mesh, the next joins it through its neighbour', async (t) => {
  const { run, calls } = fakeRun()
  const host = runnerOf(runner, { folder, manifest, run, env: {}, log: silentLog })!
  const started = await host.start({ host: 'n0', first: true, signal })
  t.strictSame(started, { pid: 7, details: { nodeId: 'id', overlayAddress: 'fd78::1' } })
  t.match(
    calls[0]!.argv,
    /^nsenter --net=\/run\/netns\/x0t-lab-n0 \/bin\/x0t node start .*--mesh lab --json$/,
  )
  t.match(calls[0]!.argv, '--set probe.interval_ms=50')
  calls.length = 0
  await host.start({ host: 'n2', first: true, via: 'n1', signal })
  t.match(calls[0]!.argv, /netns\/x0t-lab-n0 .*node invite .*\/n0\/home --name n2/, 'the first host invites')
  // n2 meets n1 on link 1, whose subnet is 10.0.0.4/30: n1 is .5.
  t.match(calls[1]!.argv, /netns\/x0t-lab-n2 .*node join - --via 10\.0\.0\.5:7800/)
  t.equal(calls[1]!.input, 'secret-token', 'the token goes through standard input')
  t.notOk(
    calls.some(({ argv }) => argv.includes('secret-token')),
    'and never onto a command line',
  )
  const config = await readFile(join(folder.hostFolder('n2'), 'home', 'config.toml'), 'utf8')
  t.match(config, 'bootstrap = ["10.0.0.5:7800"]')
  t.match(config, 'advertise = ["10.0.0.6:7800"]')
})

t.test('a host that ran before is started, not joined', async (t) => {
  const { run, calls } = fakeRun()
  const launched: string[] = []
  const launch: Launch = async ({ argv }) => {
    launched.push(argv.join(' '))
    return ready
  }
  const host = runnerOf(runner, { folder, manifest, run, launch, env: {}, log: silentLog })!
  t.strictSame((await host.start({ host: 'n2', first: false, signal })).pid, 7)
  t.equal(calls.length, 0)
  t.match(launched[0]!, /netns\/x0t-lab-n2 .*node start --home \S+\/n2\/home .*--log-file \S+ --json$/)
  t.notMatch(launched[0]!, '--detach', 'the node itself is started, as a service manager does')
  const failing: Launch = async () => {
    throw new X0tError('TESTBED_COMMAND_FAILED', 'boom')
  }
  const broken = runnerOf(runner, { folder, manifest, run, launch: failing, env: {}, log: silentLog })!
  await t.rejects(broken.start({ host: 'n2', first: false, signal }), { code: 'TESTBED_HOST_START_FAILED' })
})

t.test('a program that is launched is up when it prints a line, and goes on', async (t) => {
  const options = {
    env: { PATH: process.env['PATH'] },
    errorFile: join(runFolder, 'errors'),
    timeoutMs: 20_000,
    signal,
  }
  const pid = Number(await systemLaunch({ ...options, argv: ['sh', '-c', 'echo $$; exec sleep 1000'] }))
  t.ok(process.kill(pid, 0), 'it runs')
  process.kill(pid, 'SIGKILL')
  await t.rejects(systemLaunch({ ...options, argv: ['sh', '-c', 'echo sorry >&2; exit 3'] }), {
    code: 'TESTBED_COMMAND_FAILED',
    message: /ended with 3: sorry/,
  })
  await t.rejects(systemLaunch({ ...options, timeoutMs: 50, argv: ['sleep', '1000'] }), {
    code: 'TESTBED_COMMAND_FAILED',
    message: /not up within 50 ms/,
  })
  await t.rejects(systemLaunch({ ...options, argv: ['/nowhere/program'] }), { code: 'TESTBED_TOOL_MISSING' })
  const stopped = AbortSignal.abort(new X0tError('INTERRUPTED', 'by SIGINT'))
  await t.rejects(systemLaunch({ ...options, signal: stopped, argv: ['sleep', '1000'] }), {
    code: 'INTERRUPTED',
  })
})

t.test('a host without a way to the first one, and a command that fails, are told', async (t) => {
  const { run } = fakeRun()
  const host = runnerOf(runner, { folder, manifest, run, env: {}, log: silentLog })!
  await t.rejects(host.start({ host: 'n1', first: true, signal }), { code: 'TESTBED_HOST_START_FAILED' })
  const failing: Run = async () => {
    throw new X0tError('TESTBED_COMMAND_FAILED', 'boom')
  }
  const broken = runnerOf(runner, { folder, manifest, run: failing, env: {}, log: silentLog })!
  await t.rejects(broken.start({ host: 'n0', first: true, signal }), {
    code: 'TESTBED_HOST_START_FAILED',
    message: /n0.*boom/,
  })
  const interrupted: Run = async () => {
    throw new X0tError('INTERRUPTED', 'by SIGINT')
  }
  const stopped = runnerOf(runner, { folder, manifest, run: interrupted, env: {}, log: silentLog })!
  await t.rejects(stopped.start({ host: 'n0', first: true, signal }), { code: 'INTERRUPTED' })
  t.equal(runnerOf({ kind: 'none' }, { folder, manifest, run, env: {}, log: silentLog }), undefined)
})
