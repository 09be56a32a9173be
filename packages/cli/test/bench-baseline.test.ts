import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ComparisonReport } from '@x0t/bench'
import t from 'tap'
import { makeReport, summarize } from '@x0t/bench'
import { runCli } from './run-cli.ts'

const report = (rttMs: number, name = 'rtt') =>
  JSON.stringify(
    makeReport(
      {
        kind: 'throughput',
        timestamp: '2026-07-23T15:04:05.678Z',
        environment: {
          versions: {},
          cores: 2,
          kernel: '6.18.0',
          cpu: `CPU of ${rttMs < 5 ? 'one' : 'other'} make`,
          arch: 'x64',
          memoryMiB: 1024,
          congestionControl: 'bbr',
          loadBefore: 0,
        },
        command: 'x0t bench throughput',
        parameters: {},
        results: [summarize(name, 'ms', [rttMs, rttMs * 1.01, rttMs * 1.02])],
        skipped: [],
        failed: [],
        notes: [],
      },
      [],
    ),
  )

t.test('a run is kept, and a slower one fails against it', async (t) => {
  const folder = t.testdir({})
  const [dir, fast, slow, gone] = ['kept', 'fast.json', 'slow.json', 'gone.json'].map((name) =>
    join(folder, name),
  )
  writeFileSync(fast!, report(2))
  writeFileSync(slow!, report(9))
  writeFileSync(gone!, report(2, 'other\u001b[31m'))
  const baseline = (...words: string[]) => runCli(['bench', 'baseline', ...words])
  t.match(await baseline('compare', fast!, '--dir', dir!), { code: 1, stderr: /BENCH_REPORT_NOT_FOUND/ })
  t.match(await baseline('save', fast!, '--dir', dir!), { code: 0, stdout: /baseline_20260723\.json/ })
  t.match(await baseline('compare', fast!, '--dir', dir!), { code: 0, stdout: /1 same/ })
  const out = join(folder, 'comparison.md')
  t.match(await baseline('compare', slow!, '--dir', dir!, '--markdown', out), {
    code: 3,
    stdout: /^rtt +ms +2\.02 +9\.09 +\+350 % +– +3\/3 +REGRESSED$/m,
    stderr: /warning: cpu differs: CPU of one make in the baseline/,
  })
  t.match(readFileSync(out, 'utf8'), '**❌ Regression: 1 regressed**')
  const missing = await baseline('compare', gone!, '--against', fast!)
  t.match(missing, { code: 3, stdout: /MISSING/ })
  t.notMatch(missing.stdout, '\u001b', 'a name cannot steer the terminal')
  const json = await baseline('compare', slow!, '--against', fast!, '--threshold', '500', '--json')
  t.equal(json.code, 0)
  t.match(JSON.parse(json.stdout) as ComparisonReport, {
    passed: true,
    correction: 'Holm',
    thresholdRatio: 5,
  })
  t.match(await baseline('compare', slow!, '--against', fast!, '--floor', 'ms=10'), { code: 0 })
  for (const wrong of [
    ['--floor', 'ms'],
    ['--threshold', '0'],
    ['--alpha', '0.9'],
  ])
    t.match(await baseline('compare', slow!, '--against', fast!, ...wrong), { code: 2 }, wrong.join(' '))
})
