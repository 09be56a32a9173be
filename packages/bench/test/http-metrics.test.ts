import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { httpMetricsBench, type HttpMetricsOptions, type HttpServiceOptions } from '../src/index.ts'
import { freePort, serve } from './served.ts'

t.setTimeout(120_000)

const load = (options: HttpServiceOptions): HttpMetricsOptions => ({
  target: options.target,
  label: 'web',
  ratePerSecond: 100,
  seconds: 2,
  warmupSeconds: 0.2,
  concurrencyLimit: 50,
  timeoutMs: 20_000,
  newConnections: false,
  objectives: [],
  command: 'test',
  versions: {},
  signal: options.signal,
})

t.test('the baseline of a service has its latency, rates and errors', async (t) => {
  const { options } = await serve(t)
  const report = await httpMetricsBench(load(options))
  const of = (name: string) => report.results.find((one) => one.name === `${name}/web`)
  t.equal(of('latency')?.samples, 200)
  t.ok(of('latency')!.p99! >= of('latency')!.p95! && of('latency')!.median > 0)
  t.equal(of('throughput')?.samples, 2)
  t.equal(of('rate-sent')?.median, 100)
  t.equal(of('errors')?.median, 0)
  // Two bytes an answer, 200 answers in 2 s: 1600 bit/s.
  t.equal(of('received')?.median, 0.0016)
  t.ok(
    report.failed.every(({ path }) => path === 'generator'),
    'only a machine under load may spoil it',
  )
})

t.test('below 30 requests there are no percentiles', async (t) => {
  const { options } = await serve(t)
  const report = await httpMetricsBench({ ...load(options), ratePerSecond: 10 })
  t.match(report.results[0], { name: 'latency/web', samples: 20, p95: null, p99: null })
})

t.test('a service that answers nothing has errors and no latency', async (t) => {
  const { options } = await serve(t)
  const port = await freePort()
  const target = { ...options.target, url: new URL(`http://127.0.0.1:${port}/`) }
  const report = await httpMetricsBench({ ...load(options), target, seconds: 0.5 })
  const of = (name: string) => report.results.find((one) => one.name === name)?.median
  t.equal(of('errors/web'), 50)
  t.equal(of('errors/web/refused'), 50)
  t.equal(of('latency/web'), undefined)
  t.ok(report.failed.some(({ reason }) => reason === 'no request was answered well'))
})

t.test('answers that never come and requests held back are told', async (t) => {
  const silent = createServer((socket) => void socket.on('error', () => undefined))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => silent.close())
  const { options } = await serve(t)
  const target = {
    ...options.target,
    url: new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/`),
  }
  const report = await httpMetricsBench({
    ...load(options),
    target,
    seconds: 0.2,
    warmupSeconds: 0,
    concurrencyLimit: 5,
    timeoutMs: 300,
  })
  const of = (name: string) => report.results.find((one) => one.name === name)?.median ?? 0
  t.equal(of('errors/web'), 20)
  t.equal(of('errors/web/timeout') + of('errors/web/not-sent'), 20)
  t.equal(of('held-back/web'), 15)
  t.match(report.notes.join('\n'), /15 requests waited as 5 were under way/)
  t.match(report.notes.join('\n'), /had no answer within 300 ms/)
})

t.test('a load outside its bounds is refused', async (t) => {
  const { options } = await serve(t)
  const one = load(options)
  const wrong = { code: 'BENCH_OPTION_INVALID', exitCode: 2 }
  await t.rejects(httpMetricsBench({ ...one, ratePerSecond: 50_000, seconds: 3600 }), wrong)
  await t.rejects(httpMetricsBench({ ...one, ratePerSecond: 1, seconds: 0.1 }), wrong)
  const target = { ...one.target, remote: true }
  await t.rejects(httpMetricsBench({ ...one, target, ratePerSecond: 101 }), wrong)
  await t.rejects(httpMetricsBench({ ...one, target, seconds: 61 }), wrong)
})
