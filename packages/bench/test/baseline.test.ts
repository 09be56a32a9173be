import { existsSync, readdirSync, readFileSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { X0tError } from '@x0t/core'
import fc from 'fast-check'
import t from 'tap'
import {
  compareReports,
  comparisonMarkdown,
  junitXml,
  mostReportBytes,
  parseReport,
  pictureOf,
  picturesOf,
  reportMarkdown,
  roadmapFiles,
  readBaseline,
  readReport,
  saveBaseline,
  summarize,
  type Report,
  type Verdict,
} from '../src/index.ts'
import { changeText, pText } from '../src/baseline/comparison-markdown.ts'
import { sampleReport, sampleRun } from './sample-report.ts'

/** Thirty values around a middle, none equal to those around another. */
const around = (middle: number): readonly number[] =>
  Array.from({ length: 30 }, (_, at) => middle * (1 + (at - 14.5) / 1000))

const runOf = (
  figures: Readonly<Record<string, readonly [unit: string, values: readonly number[]]>>,
): Report =>
  sampleReport({
    objectives: [],
    results: Object.entries(figures).map(([name, [unit, values]]) => summarize(name, unit, values)),
  })

const verdicts = (before: Report, after: Report, options = {}): Readonly<Record<string, Verdict>> =>
  Object.fromEntries(
    compareReports(before, after, options).comparisons.map(({ name, verdict }) => [name, verdict]),
  )

t.test('the unit decides which direction is worse', async (t) => {
  const before = runOf({
    'outage/x0t/crash': ['ms', around(30)],
    'tcp/x0t': ['Mbit/s', around(2000)],
    'pps/x0t': ['packets/s', around(100_000)],
    'lost/x0t/crash': ['packets', around(30)],
    odd: ['furlongs', around(10)],
    faults: ['count', around(10)],
  })
  const scaled = (factor: number) =>
    sampleReport({
      objectives: [],
      results: before.results.map(({ name, unit, values }) =>
        summarize(
          name,
          unit,
          values.map((value) => value * factor),
        ),
      ),
    })
  t.strictSame(verdicts(before, scaled(1.5)), {
    'outage/x0t/crash': 'regressed',
    'tcp/x0t': 'improved',
    'pps/x0t': 'improved',
    'lost/x0t/crash': 'regressed',
    odd: 'changed',
    faults: 'changed',
  })
  t.match(verdicts(before, scaled(0.5)), {
    'outage/x0t/crash': 'improved',
    'tcp/x0t': 'regressed',
    'pps/x0t': 'regressed',
  })
  t.ok(
    Object.values(verdicts(before, scaled(1.05))).every((verdict) => verdict === 'same'),
    'within 10 %',
  )
  t.match(verdicts(before, scaled(1.05), { thresholdRatio: 0.03 }), { 'outage/x0t/crash': 'regressed' })
})

t.test('a missing result fails, a new one is listed', async (t) => {
  const before = runOf({ a: ['ms', around(1)], b: ['ms', around(1)] })
  const after = runOf({ a: ['ms', around(1)], c: ['ms', around(1)] })
  const { passed, comparisons } = compareReports(before, after)
  t.equal(passed, false)
  t.match(comparisons, [
    { name: 'a', verdict: 'same', basis: 'test' },
    { name: 'b', verdict: 'missing', after: null },
    { name: 'c', verdict: 'new', before: null },
  ])
  t.equal(compareReports(after, after).passed, true)
  const otherUnit = runOf({ a: ['s', around(1)], c: ['ms', around(1)] })
  t.match(verdicts(after, otherUnit), { a: 'new' }, 'a result in another unit is another result')
  t.equal(compareReports(after, otherUnit).passed, false)
})

t.test('a large change that may be chance is none', async (t) => {
  // Medians 10 and 12.5, but the samples lie among each other.
  const wide = (shift: number) => Array.from({ length: 8 }, (_, at) => 1 + at * 3 + shift)
  const { comparisons } = compareReports(runOf({ a: ['ms', wide(0)] }), runOf({ a: ['ms', wide(2.5)] }))
  t.match(comparisons, [{ verdict: 'same', basis: 'test' }])
  t.ok(comparisons[0]!.p! > 0.05)
})

t.test('samples too few for a test are judged by the threshold alone', async (t) => {
  const result = compareReports(runOf({ a: ['ms', [10, 11, 12]] }), runOf({ a: ['ms', [20, 21, 22]] }))
  // C(6, 3) = 20: the least p is 0.1, above 0.05.
  t.match(result.comparisons, [{ verdict: 'regressed', basis: 'threshold', p: null }])
  t.match(verdicts(runOf({ a: ['MiB', [100]] }), runOf({ a: ['MiB', [109]] })), { a: 'same' })
  t.match(verdicts(runOf({ a: ['MiB', [100]] }), runOf({ a: ['MiB', [111]] })), { a: 'regressed' })
})

t.test('p-values are corrected for the number of results', async (t) => {
  // Five values each, wholly separate: p = 2 / C(10, 5) = 2 / 252 = 0.0079. Alone that is significant at 0.05; among
  // seven results the least corrected p is 0.0556, so a test could never find anything, and the threshold decides.
  const low = ['ms', [1, 2, 3, 4, 5]] as const
  const high = ['ms', [6, 7, 8, 9, 10]] as const
  const alone = compareReports(runOf({ a: low }), runOf({ a: high })).comparisons[0]!
  t.ok(Math.abs(alone.p! - 2 / 252) < 1e-12)
  const six = ['a', 'b', 'c', 'd', 'e', 'f']
  const many = (figure: readonly [string, readonly number[]], names: readonly string[]) =>
    runOf(Object.fromEntries(names.map((name) => [name, figure])))
  const ofSix = compareReports(many(low, six), many(high, six)).comparisons
  t.ok(
    ofSix.every(({ p }) => Math.abs(p! - 12 / 252) < 1e-12),
    'the smallest times six, the others no less',
  )
  const seven = compareReports(many(low, [...six, 'g']), many(high, [...six, 'g'])).comparisons
  t.ok(seven.every(({ basis }) => basis === 'threshold'))
})

t.test('a change below the floor of its unit is none, and floors can be set', async (t) => {
  const [before, after] = [runOf({ a: ['ms', around(0.2)] }), runOf({ a: ['ms', around(0.29)] })]
  t.match(verdicts(before, after), { a: 'same' }, '0.09 ms, floor 0.1')
  t.match(verdicts(before, after, { floors: { ms: 0.05 } }), { a: 'regressed' })
  const zero = runOf({ a: ['packets', [0]] })
  t.match(verdicts(zero, runOf({ a: ['packets', [2]] })), { a: 'regressed' }, 'from zero the floor decides')
  t.match(verdicts(zero, runOf({ a: ['packets', [1]] })), { a: 'same' })
  t.equal(compareReports(zero, zero).comparisons[0]?.changeRatio, null)
})

t.test('other machines and parameters are warned of, another kind is refused', async (t) => {
  const one = sampleReport({ parameters: { runs: 30 } })
  const environment = { ...one.environment, cpu: 'Other CPU', kernel: '6.19.0', loadBefore: 1.5 }
  const other = sampleReport({ environment, parameters: { runs: 5, seed: 1 } })
  t.strictSame(compareReports(one, other).warnings, [
    'cpu differs: Example CPU in the baseline, Other CPU now',
    'kernel differs: 6.18.0 in the baseline, 6.19.0 now',
    'parameter runs differs: 30 in the baseline, 5 now',
    'parameter seed differs: absent in the baseline, 1 now',
    'the machine was busy before a run: load 1.5 on 2 cores',
  ])
  t.strictSame(compareReports(one, one).warnings, [])
  t.throws(() => compareReports(one, sampleReport({ kind: 'crypto' })), { code: 'BENCH_BASELINE_KIND' })
})

t.test('a comparison as Markdown begins with what regressed', async (t) => {
  const before = runOf({ same: ['ms', around(1)], gone: ['ms', [1]], slow: ['ms', around(10)] })
  const after = runOf({ same: ['ms', around(1)], slow: ['ms', around(20)], more: ['ms', [1]] })
  const text = comparisonMarkdown(compareReports(before, after))
  t.match(text, '**❌ Regression: 1 regressed, 1 missing, 1 new, 1 same**')
  t.ok(text.indexOf('| slow') < text.indexOf('| gone') && text.indexOf('| gone') < text.indexOf('<details>'))
  t.match(text, '| slow | ms | 10 | 20 | +100 % | <0.0001 | **regressed** |')
  t.match(text, "Holm's correction")
  t.match(comparisonMarkdown(compareReports(before, before)), '**✅ No regression: 3 same**')
  t.strictSame([0.0012, -0.5, null].map(changeText), ['+0.1 %', '-50 %', '–'])
  t.strictSame([0.01234, 0.00001, null].map(pText), ['0.012', '<0.0001', '–'])
})

t.test('a baseline is kept by date, with a link to the newest', async (t) => {
  const folder = join(t.testdir({}), 'kept')
  await saveBaseline(sampleReport({ timestamp: '2026-07-22T10:00:00.000Z' }), folder, 'baseline')
  const path = await saveBaseline(sampleReport(), folder, 'baseline')
  t.equal(path, join(folder, 'baseline_20260723.json'))
  await saveBaseline(sampleReport({ notes: ['later that day'] }), folder, 'baseline')
  t.strictSame(readdirSync(folder), ['baseline.json', 'baseline_20260722.json', 'baseline_20260723.json'])
  t.equal(readlinkSync(join(folder, 'baseline.json')), 'baseline_20260723.json')
  t.match(await readBaseline(folder, 'baseline'), { notes: ['later that day'] })
  for (const name of ['../x', '', 'a/b', '.hidden', 'a_b'])
    await t.rejects(saveBaseline(sampleReport(), folder, name), { code: 'BENCH_OPTION_INVALID' }, name)
  await t.rejects(readBaseline(folder, 'none'), { code: 'BENCH_REPORT_NOT_FOUND' })
  t.equal(existsSync(join(folder, '..', 'x_20260723.json')), false)
})

t.test('a report survives its file', async (t) => {
  const path = join(t.testdir({}), 'report.json')
  const report = sampleReport({
    runs: [sampleRun('x0t', 'crash', 1, 30)],
    skipped: [{ path: 'tinc', reason: 'no', install: 'apt install tinc' }],
  })
  writeFileSync(path, JSON.stringify({ ...report, laterField: 1 }))
  t.strictSame(await readReport(path), { ...report, laterField: 1 }, 'fields of later versions are kept')
  truncateSync(path, mostReportBytes + 1)
  await t.rejects(readReport(path), { code: 'BENCH_REPORT_INVALID', message: /bytes/ })
  t.match(readFileSync(path).length, mostReportBytes + 1)
})

t.test('what is no report is refused with the reason, whatever it is', async (t) => {
  const good = JSON.parse(JSON.stringify(sampleReport())) as Record<string, unknown>
  for (const [wrong, reason] of [
    ['', /no JSON/],
    ['[]', /expected object/],
    [JSON.stringify({ ...good, schema: 'x0t.bench/2' }), /schema/],
    [JSON.stringify({ ...good, timestamp: '../../etc/passwd' }), /timestamp/],
    [JSON.stringify({ ...good, results: [{ name: 'a' }] }), /results\.0/],
    [JSON.stringify({ ...good, kind: undefined }), /kind/],
  ] as const)
    t.throws(() => parseReport(wrong, 'x.json'), { code: 'BENCH_REPORT_INVALID', message: reason })
  const keys = Object.keys(good)
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
      try {
        const report = parseReport(JSON.stringify({ ...good, [key]: value }), 'x.json')
        comparisonMarkdown(compareReports(report, report)) // what is accepted can be worked with
        return true
      } catch (error) {
        return error instanceof X0tError && error.code === 'BENCH_REPORT_INVALID'
      }
    }),
    { seed: 11, numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseReport(text, 'x.json')
        return false
      } catch (error) {
        return error instanceof X0tError && error.code === 'BENCH_REPORT_INVALID'
      }
    }),
    { seed: 12 },
  )
})

t.test('whatever runs a file holds, they can be drawn and told', async () => {
  const ms = fc.double({ min: -1e9, max: 1e9, noNaN: true })
  const run = fc.record(
    {
      system: fc.string({ minLength: 1, unit: 'binary' }),
      fault: fc.constantFrom('crash', 'partition', 'constructor', '<b>'),
      run: fc.nat(),
      outcome: fc.constantFrom('recovered', 'undisturbed', 'not-recovered', 'invalid'),
      outageMs: ms,
      intervalMs: fc.double({ min: 0.001, max: 1e9, noNaN: true }),
      sent: fc.nat(),
      lost: fc.nat(),
      gaps: fc.array(fc.record({ fromMs: ms, ms, packets: fc.nat() }), { maxLength: 5 }),
      detectMs: ms,
      recoveryMs: ms,
      slices: fc.array(fc.record({ fromMs: ms, longestMs: fc.option(ms) }), { maxLength: 3 }),
      baseline: fc.record({ medianMs: fc.option(ms), p99Ms: fc.option(ms) }),
    },
    { requiredKeys: ['system', 'fault', 'run', 'outcome', 'outageMs', 'intervalMs', 'sent', 'lost', 'gaps'] },
  )
  fc.assert(
    fc.property(fc.array(run, { maxLength: 6 }), (runs) => {
      const report = parseReport(JSON.stringify({ ...sampleReport(), runs }), 'x.json')
      const pictures = [pictureOf(report), ...picturesOf(report).map(({ svg }) => svg)]
      reportMarkdown(report)
      roadmapFiles(report, 'both')
      return (
        pictures.every((svg) => !/NaN|Infinity/.test(svg) && svg.isWellFormed()) &&
        junitXml(report).isWellFormed()
      )
    }),
    { seed: 13, numRuns: 300 },
  )
})
