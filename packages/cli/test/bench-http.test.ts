import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeReport, type Report } from '@x0t/bench'
import t, { type Test } from 'tap'
import { writeReportFiles } from '../src/commands/bench/report-files.ts'
import { runCli } from './run-cli.ts'

t.setTimeout(120_000)

const env = { PATH: process.env['PATH']! }

/** A web server of this process that is out of order while a file exists. */
async function serve(
  t: Test,
): Promise<{ readonly url: string; readonly sick: string; readonly folder: string }> {
  const folder = t.testdir({})
  const sick = join(folder, 'sick')
  const server = createServer((_, response) => response.writeHead(existsSync(sick) ? 503 : 200).end('ok'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sick, folder }
}

t.test('bench mttr --url times a recovery, and an objective can fail it', async (t) => {
  const { url, sick, folder } = await serve(t)
  const inject = `touch "${sick}"; sleep 0.3; rm "${sick}"`
  const argv = [
    'bench',
    'mttr',
    '--url',
    url,
    '--inject',
    inject,
    '--iterations',
    '2',
    '--stable',
    '0.3',
    '--json',
  ]
  const more = [
    '--timeout',
    '20000',
    '--name',
    'web',
    '--fault-name',
    'sick',
    '--objective',
    'outage/web/sick<=10',
  ]
  const files = ['--markdown', 'a.md', '--junit', 'a.xml', '--svg', 'pictures/', '--roadmap', 'roadmap'].map(
    (word, at) => (at % 2 === 0 ? word : join(folder, word)),
  )
  const { code, stdout, stderr } = await runCli([...argv, ...more, ...files, '--roadmap-format', 'both'], {
    env,
  })
  const report = JSON.parse(stdout) as Report & { readonly runs: readonly { readonly failures: object }[] }
  // A machine under load may stall the prober; then the run is told to be invalid.
  t.equal(code, 3, stderr)
  t.equal(report.kind, 'mttr')
  t.equal(report.runs.length, 2)
  t.ok('status-503' in report.runs[0]!.failures)
  t.match(report.objectives, [{ met: false }])
  t.match(readFileSync(join(folder, 'a.md'), 'utf8'), '**❌ 1 of 1 objectives missed')
  t.match(readFileSync(join(folder, 'a.xml'), 'utf8'), '<failure type="objective"')
  t.match(readFileSync(join(folder, 'pictures', 'outage-sick.svg'), 'utf8'), '>probes answered</text>')
  t.match(readdirSync(join(folder, 'roadmap')), [
    /^benchmark_\d{8}_\d{6}\.csv$/,
    /^benchmark_\d{8}_\d{6}\.json$/,
    /^mttr_benchmark_\d{8}\.json$/,
  ])
})

t.test('bench mttr --url refuses a time where nothing went down', async (t) => {
  const { url } = await serve(t)
  const argv = ['bench', 'mttr', '--url', url, '--inject', 'true', '--stable', '0.2', '--down-within', '0.2']
  const { code, stdout, stderr } = await runCli(argv, { env })
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /error BENCH_NO_OUTAGE/)
})

t.test('bench mttr --url needs an inject command, and leave for a remote host', async (t) => {
  t.match(await runCli(['bench', 'mttr', '--url', 'http://127.0.0.1:1/'], { env }), {
    code: 2,
    stderr: /--inject/,
  })
  const far = ['bench', 'mttr', '--url', 'http://192.0.2.1/', '--inject', 'true']
  t.match(await runCli(far, { env }), { code: 2, stderr: /BENCH_TARGET_REMOTE/ })
  const hard = ['bench', 'metrics', '--url', 'http://192.0.2.1/', '--allow-remote', '--rate', '101']
  t.match(await runCli(hard, { env }), {
    code: 2,
    stderr: /^warning: 192\.0\.2\.1 is not on this machine[^]*BENCH_OPTION_INVALID/,
  })
  for (const wrong of [
    ['--name', 'a/b'],
    ['--stable', '0'],
    ['--rate', '5001'],
  ])
    t.match(await runCli([...far, ...wrong], { env }), { code: 2 }, wrong.join(' '))
})

t.test('bench mttr --url runs the restore command on Ctrl-C', async (t) => {
  const { url, folder } = await serve(t)
  const [injected, restored] = [join(folder, 'injected'), join(folder, 'restored')]
  const program = `${import.meta.dirname}/../bin/x0t.js`
  const words = ['bench', 'mttr', '--url', url, '--inject', `touch "${injected}"; sleep 60`]
  const child = spawn(process.execPath, [program, ...words, '--restore', `touch "${restored}"`], {
    env: process.env,
    stdio: 'ignore',
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  while (!existsSync(injected)) await delay(50)
  child.kill('SIGINT')
  t.equal(await ended, 130)
  t.ok(existsSync(restored))
})

t.test('bench metrics gives a baseline and writes it', async (t) => {
  const { url, folder, sick } = await serve(t)
  const out = join(folder, 'report.md')
  const argv = ['bench', 'metrics', '--url', url, '--rate', '50', '--seconds', '1', '--warmup', '0']
  const good = await runCli([...argv, '--out', out, '--timeout', '20000'], { env })
  t.match(good.stdout, /^latency\/service +ms +50 /m)
  t.match(readFileSync(out, 'utf8'), /latency\/service/)
  t.match(await runCli([...argv, '--svg', join(folder, 'x.svg')], { env }), {
    code: 1,
    stdout: /latency/,
    stderr: /BENCH_NO_RUNS/,
  })
  const bad = await runCli([...argv, '--expect-status', '204'], { env })
  t.match(bad, { code: 1, stdout: /errors\/service\/status-200 +requests/ })
  t.equal(existsSync(sick), false)
})

t.test('pictures go into a folder or one file', async (t) => {
  const folder = t.testdir({})
  const report = sampleReport()
  const [one, same] = [join(folder, 'one.svg'), join(folder, 'one')]
  t.strictSame(await writeReportFiles(report, { svg: one, roadmapFormat: 'json' }), [one])
  const into = await writeReportFiles(report, { svg: folder, roadmapFormat: 'json' })
  t.strictSame(into, [join(folder, 'outage-crash.svg')])
  t.strictSame(await writeReportFiles(report, { svg: same, roadmapFormat: 'json' }), [
    join(same, 'outage-crash.svg'),
  ])
  const out = join(folder, 'report.json')
  await writeReportFiles(report, { out, roadmapFormat: 'json' })
  t.strictSame(JSON.parse(readFileSync(out, 'utf8')), report)
})

function sampleReport(): Report {
  return {
    ...makeReport(
      {
        kind: 'mttr',
        timestamp: '2026-07-23T15:04:05.678Z',
        environment: {
          versions: {},
          cores: 2,
          kernel: '6.18.0',
          cpu: 'Example CPU',
          arch: 'x64',
          memoryMiB: 1024,
          congestionControl: 'bbr',
          loadBefore: 0,
        },
        command: 'x0t bench mttr',
        parameters: {},
        results: [],
        skipped: [],
        failed: [],
        notes: [],
      },
      [],
    ),
    runs: [
      {
        system: 'x0t',
        fault: 'crash',
        run: 1,
        outcome: 'recovered',
        outageMs: 30,
        intervalMs: 1,
        sent: 1000,
        lost: 30,
        gaps: [{ fromMs: 0, ms: 30, packets: 30 }],
      },
    ],
  }
}
