import t from 'tap'
import { daoBench, parseObjective } from '../src/index.ts'
import { decodeBallots, encodeBallots } from '../src/dao/ballot-file.ts'
import { runIsolated } from '../src/dao/isolated.ts'
import { tallyCase } from '../src/dao/tally-cases.ts'

// Processes and keys of many members: slow on a busy machine.
t.setTimeout(240_000)

t.test('the roots of a tie are all different, and for is exactly twice against', (t) => {
  const { input, outcome } = tallyCase('tie', 400, 'test')
  const balances = input.voices.map(({ balance }) => balance)
  t.equal(new Set(balances).size, 400)
  t.equal(outcome, 'passed', 'two thirds that are met are enough')
  for (let at = 0; at < 400; at += 2) t.equal(balances[at], 4n * balances[at + 1]!)
  t.end()
})

t.test('a near tie differs from the tie by one base unit', (t) => {
  const sum = (name: 'tie' | 'near-tie'): bigint =>
    tallyCase(name, 400, 'test').input.voices.reduce((total, { balance }) => total + balance, 0n)
  t.equal(sum('near-tie') - sum('tie'), 1n)
  t.end()
})

t.test('the same seed gives the same ballots, another seed others', (t) => {
  const voices = (seed: string) => tallyCase('tally', 50, seed).input.voices
  t.same(voices('a'), voices('a'))
  t.notSame(voices('a'), voices('b'))
  t.end()
})

t.test('a small run names its results by what was measured, and judges objectives', async (t) => {
  const progress: string[] = []
  const report = await daoBench({
    ballots: 200,
    tie: 40,
    signed: 8,
    imported: 5,
    rounds: 2,
    threads: 2,
    seed: 'test',
    objectives: [parseObjective('verify-rate/8>=1'), parseObjective('verify/100000<=1000')],
    command: 'test',
    versions: {},
    signal: new AbortController().signal,
    onProgress: (text) => progress.push(text),
  })
  const samples = Object.fromEntries(report.results.map((one) => [one.name, one.samples]))
  for (const name of [
    'tally/200',
    'tie/40',
    'near-tie/40',
    'verify/8',
    'decode/8',
    'verify/8/threads-2',
    'import/5',
    'replay/5',
  ])
    t.equal(samples[name], 2, name)
  for (const name of ['rss/tally/200', 'rss/verify/8']) t.equal(samples[name], 1, name)
  t.same(
    report.objectives.map(({ met }) => met),
    [true, false],
    'what was not measured is not met',
  )
  t.ok(progress.includes('tally: round 2 of 2'))
})

t.test('numbers out of range are refused before anything is measured', async (t) => {
  const options = {
    ballots: 200,
    tie: 40,
    signed: 0,
    imported: 0,
    rounds: 1,
    threads: 1,
    seed: 'test',
    objectives: [],
    command: 'test',
    versions: {},
    signal: new AbortController().signal,
  }
  for (const wrong of [{ ballots: 1 }, { tie: 41 }, { signed: -1 }, { rounds: 0 }, { threads: 0 }])
    await t.rejects(
      daoBench({ ...options, ...wrong }),
      { code: 'BENCH_OPTION_INVALID' },
      JSON.stringify(wrong),
    )
})

t.test('an aborted run ends its process and says so', async (t) => {
  const abort = new AbortController()
  const job = { kind: 'tally', name: 'tie', ballots: 4000, rounds: 1000, seed: 'test' } as const
  const running = runIsolated(job, {
    signal: abort.signal,
    onProgress: () => abort.abort(new Error('enough')),
  })
  await t.rejects(running, { message: 'enough' })
})

t.test('a job that cannot be done is an error with its reason', async (t) => {
  const job = { kind: 'verify', path: '/nonexistent', ballots: 1, rounds: 1, threads: 1 } as const
  const running = runIsolated(job, { signal: new AbortController().signal, onProgress: () => {} })
  await t.rejects(running, { code: 'BENCH_MEASUREMENT_FAILED', message: /verify: .*ENOENT/ })
})

t.test('ballots come out of a file as they went in', (t) => {
  const keys = { ed25519: new Uint8Array(32).fill(1), mldsa65: new Uint8Array(1952).fill(2) }
  const ballots = [1, 70_000].map((length) => ({ keys, envelope: new Uint8Array(length).fill(3) }))
  const plain = (list: readonly { readonly envelope: Uint8Array }[]): readonly number[] =>
    list.map(({ envelope }) => envelope.length)
  const decoded = decodeBallots(encodeBallots(ballots))
  t.same(plain(decoded), [1, 70_000])
  t.equal(Buffer.compare(decoded[1]!.keys.mldsa65, keys.mldsa65), 0)
  t.end()
})
