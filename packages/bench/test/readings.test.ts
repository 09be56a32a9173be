import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import t from 'tap'
import { parseFault, parseShape, planNetwork } from '@x0t/testbed'
import {
  cryptoBench,
  describeEnvironment,
  errorCodes,
  figure,
  makeReport,
  parseObjective,
  peers,
  faultWeights,
  planFaults,
  reportMarkdown,
  summarize,
} from '../src/index.ts'
import { parseIperf } from '../src/iperf.ts'
import { isPlausible } from '../src/loss.ts'
import { parsePing } from '../src/ping.ts'
import { chooseTunnels, installHint, missingPrograms, requirePrograms } from '../src/programs.ts'
import { searchRate } from '../src/rate-search.ts'
import { smallDatagramRate } from '../src/small-datagram-rate.ts'
import { versionOf } from '../src/tunnel.ts'

t.test('round trips are read from ping, each once', async (t) => {
  const text = `PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.
64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.034 ms
64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=12.5 ms
64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=13.5 ms (DUP!)

--- 10.0.0.2 ping statistics ---
3 packets transmitted, 2 received, +1 duplicates, 33% packet loss, time 20ms`
  t.strictSame(parsePing(text), { rttsMs: [0.034, 12.5], sent: 3 })
  t.throws(() => parsePing('ping: connect: Network is unreachable'), { code: 'BENCH_MEASUREMENT_FAILED' })
})

t.test('the sums of iperf3 are read, its errors told', async (t) => {
  const sum = { bytes: 5, bits_per_second: 40, seconds: 1 }
  t.strictSame(parseIperf(JSON.stringify({ end: { sum_received: sum } }))['sum_received'], sum)
  t.throws(() => parseIperf('{"error":"unable to connect"}'), { message: /unable to connect/ })
  t.throws(() => parseIperf('iperf3: crashed'), { code: 'BENCH_MEASUREMENT_FAILED' })
  t.throws(() => parseIperf('{}'), { code: 'BENCH_MEASUREMENT_FAILED' })
})

t.test('the search finds the rate at which a path begins to lose', async (t) => {
  const path =
    (capacity: number, sender = Infinity) =>
    async (rate: number) => {
      const sent = Math.min(rate, sender)
      const receivedPerSecond = Math.min(sent, capacity)
      return { receivedPerSecond, lossRatio: 1 - receivedPerSecond / sent }
    }
  const options = { from: 10_000, mostLossRatio: 0.01, refinements: 6 }
  const found = await searchRate(path(60_000), options)
  t.ok(found > 59_000 && found <= 60_000, `60,000 a second, found ${found}`)
  t.equal(await searchRate(path(Infinity, 25_000), options), 25_000, 'a sender that cannot follow ends it')
  t.ok((await searchRate(path(700), options)) > 600, 'a slow path is found below the first rate')
  t.equal(
    await searchRate(async () => ({ receivedPerSecond: 0, lossRatio: 1 }), options),
    0,
    'a dead path has none',
  )
  let trials = 0
  const hiccup = async (rate: number) => ({
    receivedPerSecond: rate,
    lossRatio: ++trials === 3 ? 0.5 : rate > 40_000 ? 1 : 0,
  })
  t.ok((await searchRate(hiccup, options)) > 38_000, 'one bad trial is not believed')
})

t.test('a rate at which the measuring itself breaks down is too high', async (t) => {
  const broken = new X0tError('BENCH_MEASUREMENT_FAILED', 'connection lost')
  const rate = await smallDatagramRate(async (rate) => {
    if (rate > 30_000) throw broken
    return { receivedPerSecond: rate, lossRatio: 0 }
  })
  t.ok(rate > 25_000 && rate <= 30_000)
  const dead = smallDatagramRate(async () => {
    throw broken
  })
  await t.rejects(dead, { code: 'BENCH_MEASUREMENT_FAILED', cause: broken })
  const bug = smallDatagramRate(async () => {
    throw new TypeError('a bug')
  })
  await t.rejects(bug, TypeError)
})

t.test('loss is believed only if the counters show it', async (t) => {
  // 10,000 at 1 %: 100 expected, standard deviation 9.95.
  t.equal(isPlausible({ seen: 10_000, dropped: 110 }, 0.01), true)
  t.equal(isPlausible({ seen: 10_000, dropped: 0 }, 0.01), false)
  t.equal(isPlausible({ seen: 10_000, dropped: 200 }, 0.01), false)
  t.equal(isPlausible({ seen: 0, dropped: 0 }, 0.01), false)
})

t.test('missing programs are named with their packages', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'x0t-bench-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'wg'), '')
  const wireguard = chooseTunnels(peers, ['wireguard-go'])[0]!
  const missing = await missingPrograms(wireguard.programs, `/nowhere:${folder}`)
  t.strictSame(missing, [{ program: 'wireguard-go', package: 'wireguard-go' }])
  t.equal(installHint([...missing, ...missing]), 'apt install wireguard-go')
  await t.rejects(requirePrograms(wireguard.programs, '/nowhere'), {
    code: 'BENCH_TOOL_MISSING',
    hint: 'apt install wireguard-go wireguard-tools',
  })
  await requirePrograms([{ program: 'wg', package: 'x' }], folder)
  t.throws(() => chooseTunnels(peers, ['zerotier']), { code: 'BENCH_PEER_UNKNOWN' })
})

t.test('a version that the program does not print comes from the package', async (t) => {
  const says = (stdout: string) => async (argv: readonly string[]) => ({
    stdout: argv[0] === 'dpkg-query' ? '0.4.7-1' : stdout,
    stderr: '',
    exitCode: 0,
  })
  t.equal(await versionOf(says('fastd v22'), ['fastd'], 'fastd'), '22')
  t.equal(await versionOf(says('Build version: unknown'), ['yggdrasil'], 'yggdrasil'), '0.4.7-1')
})

t.test('a report is written as Markdown', async (t) => {
  const environment = await describeEnvironment({ x0t: '1' })
  const report = makeReport(
    {
      kind: 'throughput',
      timestamp: '2026-01-01T00:00:00Z',
      environment,
      command: 'x0t bench',
      parameters: {},
      results: [summarize('tcp/x0t', 'Mbit/s', [1234.5, 1300, 1400])],
      skipped: [{ path: 'tinc', reason: 'not installed', install: 'apt install tinc' }],
      failed: [],
      notes: ['one machine'],
    },
    [parseObjective('tcp/x0t>=2000')],
  )
  t.equal(report.schema, 'x0t.bench/1')
  const text = reportMarkdown(report)
  t.match(text, '| tcp/x0t | Mbit/s | 3 | 1300 | 1235–1400 |')
  t.match(text, '| `tcp/x0t>=2000` | 2000 | 1300 | **no** |')
  t.match(text, '- left out: tinc: not installed (apt install tinc)')
  const plain = reportMarkdown({
    ...report,
    objectives: [],
    skipped: [],
    failed: [{ path: 'x0t', reason: 'boom' }],
  })
  t.notMatch(plain, '| objective')
  t.match(plain, '- failed: x0t: boom\n')
  const pair = [summarize('tcp/x0t', 'Mbit/s', [1, 2])]
  t.match(reportMarkdown({ ...report, results: pair }), '| 1.5 | – |', 'two samples have no interval')
  const passed = makeReport({ ...report, results: pair }, [parseObjective('tcp/x0t>=1')])
  t.match(reportMarkdown(passed), '| 1 | 1.5 | yes |')
  t.strictSame([null, 0, 1234.56, 0.012345, -2.71239].map(figure), ['–', '0', '1235', '0.01235', '-2.712'])
})

t.test('faults of a soak are of the testbed, and repeat with the seed', async (t) => {
  const plan = planNetwork('soak', parseShape('ring:5'))
  const first = (seed: number) => planFaults(plan, seed).take(200).toArray()
  t.strictSame(first(3), first(3))
  t.notSame(first(3), first(4))
  const kinds = new Set(first(3).map(({ action }) => action.split('=')[0]!))
  t.strictSame(kinds, new Set(Object.keys(faultWeights)), 'every kind comes')
  for (const { target, action } of first(3))
    t.ok(parseFault(target, action, plan), `the testbed takes ${target} ${action}`)
  t.ok(first(3).every(({ holdMs }) => holdMs >= 2000 && holdMs < 10_000))
})

t.test('cryptographic operations are timed by name', async (t) => {
  let calls = 0
  const { signal } = new AbortController()
  const more = { timeMs: 20, objectives: [], command: 'test', versions: {}, signal }
  const count = (): void => void calls++
  const report = await cryptoBench({
    ...more,
    cases: [{ primitive: 'add one', backend: 'native', run: count }],
  })
  t.match(report.results, [{ name: 'add-one/native', unit: 'µs' }])
  t.ok(calls >= report.results[0]!.samples, 'it was really called')
  const fail = (): void => {
    throw new Error('no such algorithm')
  }
  await t.rejects(
    cryptoBench({ ...more, cases: [{ primitive: 'x', backend: 'noble', run: fail }] }),
    /no such algorithm/,
  )
})

t.test('every error code says what it means', async (t) => {
  for (const [name, text] of Object.entries(errorCodes)) t.match(text, /^[A-Z]/, name)
})
