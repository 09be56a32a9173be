import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { measureHttpService, parseObjective } from '../src/index.ts'
import { answers, serve } from './served.ts'

t.setTimeout(180_000)

t.test('a service that is killed and comes back has a time to recovery', async (t) => {
  const told: string[] = []
  const { options } = await serve(t)
  const report = await measureHttpService({
    ...options,
    iterations: 3,
    objectives: [parseObjective('outage/web/crash<=60000'), parseObjective('outage/web/crash<=100')],
    onProgress: (text) => told.push(text),
  })
  t.strictSame(report.failed, [])
  t.strictSame(
    report.results.map(({ name, unit, samples }) => `${name} ${unit} ${samples}`),
    [
      'outage/web/crash ms 3',
      'down-after/web/crash ms 3',
      'recovery/web/crash ms 3',
      'lost/web/crash requests 3',
    ],
  )
  t.strictSame(
    report.objectives.map(({ met }) => met),
    [true, false],
    'it was dead for 200 ms at least',
  )
  for (const { outcome, outageMs, recoveryMs, downMs, backMs, lost, sent, failures } of report.runs) {
    t.equal(outcome, 'recovered')
    t.ok(outageMs >= 150, `out for ${outageMs} ms: it sleeps for 200, and a probe comes every 20`)
    t.ok(recoveryMs! >= backMs! && backMs! > downMs && downMs >= 0)
    t.ok(lost > 0 && lost < sent)
    t.ok((failures['refused'] ?? 0) > 0)
  }
  t.equal(told.length, 3)
  t.match(told[0], /^iteration 1 of 3: down after \d+ ms, out for \d+ ms/)
})

t.test('an injection that disturbs nothing is an error, not a fast recovery', async (t) => {
  const { options, folder } = await serve(t)
  const restored = join(folder, 'restored')
  await t.rejects(measureHttpService({ ...options, inject: 'true', restore: `touch "${restored}"` }), {
    code: 'BENCH_NO_OUTAGE',
    exitCode: 1,
  })
  t.ok(existsSync(restored), 'the restore command was run all the same')
})

t.test('an injector that cannot inject is an error', async (t) => {
  const { options } = await serve(t)
  await t.rejects(measureHttpService({ ...options, inject: 'echo no such device; exit 2' }), {
    code: 'BENCH_INJECT_FAILED',
    message: /ended with 2: no such device/,
  })
  await t.rejects(measureHttpService({ ...options, inject: 'sleep 60', commandTimeoutMs: 100 }), {
    code: 'BENCH_INJECT_FAILED',
    message: /ended with 124: \(it said nothing\)/,
  })
  await t.rejects(measureHttpService({ ...options, inject: 'exit 2', restore: 'echo stuck; exit 5' }), {
    code: 'BENCH_RESTORE_FAILED',
    message: /ended with 5: stuck \(after: the inject command ended with 2/,
  })
})

t.test('a service that does not come back by itself gives no time', async (t) => {
  const { options, kill, start } = await serve(t)
  const report = await measureHttpService({
    ...options,
    iterations: 2,
    inject: kill,
    restore: start,
    backWithinMs: 300,
    objectives: [parseObjective('outage/web/crash<=60000')],
  })
  t.strictSame(report.results, [])
  t.match(report.failed, [
    { path: 'web/crash', reason: /^iteration 1: not back and stable/ },
    { path: 'web/crash', reason: /^iteration 2: not back/ },
  ])
  t.match(report.objectives, [{ met: false, value: null }])
  t.match(report.runs, [{ outcome: 'not-recovered' }, { outcome: 'not-recovered' }])
  t.equal(report.runs[0]?.recoveryMs, undefined)
  t.match(report.notes.at(-1), /did not recover/)
})

t.test('a service that comes back slower than before has not recovered', async (t) => {
  const { options, folder } = await serve(t)
  const [sick, slow] = [join(folder, 'sick'), join(folder, 'slow')]
  const server = createServer((_, response) => {
    const holdMs = existsSync(slow) ? 1500 : 0
    setTimeout(() => response.writeHead(existsSync(sick) ? 503 : 200).end(), holdMs)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const report = await measureHttpService({
    ...options,
    target: { url, remote: false },
    inject: `touch "${sick}"; sleep 0.2; touch "${slow}"; rm "${sick}"`,
    ratePerSecond: 20,
    backWithinMs: 4000,
  })
  t.match(report.failed, [
    { reason: /^iteration 1: back after \d+ ms, but no answer came as fast as before/ },
  ])
  t.strictSame(report.results, [])
})

t.test('iterations end where the service stays dead', async (t) => {
  const { options, kill } = await serve(t)
  const report = await measureHttpService({
    ...options,
    iterations: 5,
    inject: kill,
    backWithinMs: 100,
    healthyWithinMs: 4000,
  })
  t.equal(report.runs.length, 1)
  t.match(report.failed.at(-1), { reason: /^iterations 2 to 5 were not run: .* was not healthy/ })
})

t.test('a service that is not healthy is not measured', async (t) => {
  const { options, pidFile, folder } = await serve(t, { healthyWithinMs: 200 })
  const never = join(folder, 'never')
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
  rmSync(pidFile)
  while (await answers(options.target.url)) await delay(20)
  await t.rejects(measureHttpService({ ...options, inject: `touch "${never}"` }), {
    code: 'BENCH_TARGET_DOWN',
    message: /refused/,
  })
  t.equal(existsSync(never), false)
})

t.test('a stall of the prober that is longer than an outage can bear makes a run invalid', async (t) => {
  const { options } = await serve(t, { longestStallMs: -1 })
  // Every gap is too long for a limit below zero, but a tenth of the outage is allowed: 50 probes a second, 5 ms.
  const report = await measureHttpService({ ...options, ratePerSecond: 5 })
  t.match(report.runs, [{ outcome: 'invalid', reason: /the prober stalled for/ }])
  t.match(report.failed, [{ reason: /iteration 1: the prober stalled/ }])
  t.strictSame(report.results, [])
})

t.test('what was broken is mended also after an abort', async (t) => {
  const { options, pidFile, kill, start } = await serve(t)
  const abort = new AbortController()
  const measured = measureHttpService({
    ...options,
    inject: `${kill}; sleep 60`,
    restore: start,
    signal: abort.signal,
  })
  while (existsSync(pidFile)) await delay(20)
  abort.abort(new Error('interrupted'))
  await t.rejects(measured, /interrupted/)
  t.ok(existsSync(pidFile), 'the server runs again')
})

t.test('a remote host is probed gently', async (t) => {
  const { options } = await serve(t)
  const target = { ...options.target, remote: true }
  await t.rejects(measureHttpService({ ...options, target, ratePerSecond: 101 }), {
    code: 'BENCH_OPTION_INVALID',
  })
})
