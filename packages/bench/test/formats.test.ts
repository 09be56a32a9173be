import fc from 'fast-check'
import t from 'tap'
import { junitXml, reportMarkdown, roadmapFiles, roadmapMttr, roadmapSuite, summarize } from '../src/index.ts'
import { escapeXml } from '../src/formats/xml.ts'
import { cell, code } from '../src/markdown.ts'
import { sampleReport, sampleRun } from './sample-report.ts'

t.test('XML text holds no markup and nothing that XML cannot hold', async (t) => {
  t.equal(escapeXml(`<a b="c" d='e'>&`), '&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;')
  t.equal(escapeXml('a\u0000b\u001bc\ud800d\uffff'), 'a\ufffdb\ufffdc\ufffdd\ufffd')
  t.equal(escapeXml('line\r\n\tnext 🙂'), 'line&#13;&#10;&#9;next 🙂')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const escaped = escapeXml(text)
      return !/[<>"']|[^\u0020-\ufffd\u{10000}-\u{10ffff}]/u.test(escaped) && escaped.isWellFormed()
    }),
    { seed: 7 },
  )
})

t.test('JUnit has a case for each objective, failure and path left out', async (t) => {
  const xml = junitXml(
    sampleReport({
      failed: [
        { path: 'x0t/crash', reason: 'run 3: "never" came <back>' },
        { path: 'x0t/crash', reason: 'run 4: <too>' },
      ],
      skipped: [{ path: 'tinc', reason: 'not installed' }],
    }),
  )
  t.match(xml, '<testsuites tests="5" failures="2" errors="1" skipped="1">')
  t.match(xml, 'timestamp="2026-07-23T15:04:05"')
  t.match(xml, '<testcase classname="x0t.bench.mttr" name="tcp/x0t&gt;=1000"/>')
  t.match(xml, 'message="tcp/x0t&gt;=2000: 1300, the limit is 2000"')
  t.match(xml, 'message="tcp/tinc&gt;=1: not measured"', 'what was not measured is failed')
  t.match(
    xml,
    '<error type="failed" message="run 3: &quot;never&quot; came &lt;back&gt; (and 1 more)">run 4: &lt;too&gt;</error>',
    'one case for a path, with all its reasons',
  )
  t.match(
    xml,
    '<testcase classname="x0t.bench.mttr" name="tinc"><skipped message="not installed"/></testcase>',
  )
  t.match(xml, 'tcp/x0t: median 1300 Mbit/s')
  const opened = [...xml.matchAll(/<([a-z-]+)(?: [^<>]*)?(?<!\/)>/g)].map(([, name]) => name ?? '')
  const closed = [...xml.matchAll(/<\/([a-z-]+)>/g)].map(([, name]) => name ?? '')
  const byName = (a: string, b: string): number => a.localeCompare(b)
  t.strictSame(opened.toSorted(byName), closed.toSorted(byName), 'every tag is closed')
})

t.test('the roadmap file of recoveries has means of what recovered', async (t) => {
  const runs = [
    sampleRun('x0t', 'crash', 1, 8), // recovery 10 ms
    sampleRun('x0t', 'freeze', 1, 28), // 30 ms
    sampleRun('x0t', 'blackhole', 1, 48), // 50 ms
    sampleRun('tinc', 'blackhole', 1, 1000),
    sampleRun('x0t', 'latency', 1, 0, { recoveryMs: 70 }),
  ]
  t.strictSame(roadmapMttr(sampleReport({ runs })), {
    node_failure: { mttr_seconds: 0.02, min_seconds: 0.01, max_seconds: 0.03, iterations: 2 },
    link_failure: { mttr_seconds: 0.05, min_seconds: 0.05, max_seconds: 0.05, iterations: 1 },
    overall_mttr_seconds: 0.04,
    timestamp: '2026-07-23T15:04:05.678Z',
  })
})

t.test('what was not measured, or not recovered from, is absent and never zero', async (t) => {
  const stuck = sampleRun('x0t', 'crash', 2, 900, { outcome: 'not-recovered' })
  const runs = [sampleRun('x0t', 'crash', 1, 8), stuck, sampleRun('x0t', 'link-down', 1, 3)]
  t.strictSame(roadmapMttr(sampleReport({ runs })), {
    link_failure: { mttr_seconds: 0.005, min_seconds: 0.005, max_seconds: 0.005, iterations: 1 },
    timestamp: '2026-07-23T15:04:05.678Z',
    unrecovered: 1,
  })
  t.strictSame(roadmapMttr(sampleReport()), { timestamp: '2026-07-23T15:04:05.678Z' })
  const suite = roadmapSuite(sampleReport({ results: [] }))
  t.strictSame(Object.keys(suite), ['suite_name', 'timestamp', 'results'])
})

t.test('the suite of the roadmap takes its figures from results of their kind', async (t) => {
  const hundred = Array.from({ length: 101 }, (_, at) => at)
  const results = [
    summarize('latency/web', 'ms', hundred),
    summarize('received/web', 'Mbit/s', [12.5]),
    summarize('ml-kem-768-encapsulate/native', 'µs', [40]),
    summarize('ml-kem-768-decapsulate/native', 'µs', [50]),
  ]
  t.match(roadmapSuite(sampleReport({ results, runs: [sampleRun('web', 'crash', 1, 298)] })), {
    suite_name: 'x0t bench mttr',
    mttr_seconds: 0.3,
    latency_p50_ms: 50,
    latency_p95_ms: 95,
    latency_p99_ms: 99,
    throughput_mbps: 12.5,
    pqc_encrypt_latency_ms: 0.04,
    pqc_decrypt_latency_ms: 0.05,
    results: [
      { metric_name: 'latency/web', value: 50, unit: 'ms', metadata: { samples: 101, p99: 99 } },
      {},
      {},
      {},
    ],
  })
  const few = roadmapSuite(sampleReport({ results: [summarize('latency/web', 'ms', [1, 2])] }))
  t.equal('latency_p95_ms' in few, false, 'below 30 samples there is no percentile')
})

t.test('the files of the roadmap are named by date and time', async (t) => {
  const report = sampleReport({ runs: [sampleRun('x0t', 'crash', 1, 8)] })
  const names = (format?: 'json' | 'csv' | 'both') => roadmapFiles(report, format).map(({ name }) => name)
  t.strictSame(names(), ['benchmark_20260723_150405.json', 'mttr_benchmark_20260723.json'])
  t.strictSame(names('csv'), ['benchmark_20260723_150405.csv'])
  t.equal(names('both').length, 3)
  const results = [summarize('odd,"name"', 'ms', [1.5])]
  t.equal(
    roadmapFiles(sampleReport({ results }), 'csv')[0]?.text,
    'metric,value,unit,timestamp\n"odd,""name""",1.5,ms,2026-07-23T15:04:05.678Z\n',
  )
})

t.test('Markdown says the verdict first and folds the rest', async (t) => {
  const runs = [
    sampleRun('x0t', 'crash', 1, 30),
    sampleRun('x0t', 'crash', 2, 40),
    sampleRun('tinc', 'crash', 1, 900, { outcome: 'not-recovered' }),
    sampleRun('x0t', 'freeze', 1, 20),
  ]
  const text = reportMarkdown(sampleReport({ runs, failed: [{ path: 'tinc', reason: 'a|b <c>' }] }))
  t.match(text, /^# x0t bench mttr\n\n\*\*❌ 2 of 3 objectives missed; ⚠️ 1 failed\*\*\n/)
  t.match(text, '| `tcp/tinc>=1` | 1 | not measured | **no** |')
  t.match(text, '| crash | 35 (40) of 2 | **1 not recovered** |')
  t.match(text, '| freeze | 20 (20) of 1 | – |')
  t.match(text, '- failed: tinc: a\\|b &lt;c&gt;\n')
  t.match(text, '<summary>All 1 results</summary>')
  t.equal(text.match(/<details>/g)?.length, text.match(/<\/details>/g)?.length)
  const good = sampleReport()
  t.match(reportMarkdown({ ...good, objectives: good.objectives.slice(0, 1) }), '**✅ The objective is met**')
  t.match(reportMarkdown({ ...good, objectives: [] }), '**Measured; no objective was set**')
  const many = Array.from({ length: 6 }, (_, at) => ({ path: `p${at}`, reason: 'r' }))
  t.match(reportMarkdown({ ...good, skipped: many }), '<summary>6 paths without a figure</summary>')
})

t.test('names cannot break out of a cell or of code', async (t) => {
  t.equal(cell('a\n| <b>&'), 'a \\| &lt;b&gt;&amp;')
  t.equal(code('a|b'), '`a\\|b`')
  t.equal(code('a``b'), '``` a``b ```')
})
