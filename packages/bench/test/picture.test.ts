import t from 'tap'
import { pictureOf, picturesOf } from '../src/index.ts'
import { gapBars } from '../src/picture/gap-bars.ts'
import { linearAxis, logAxis, timeText } from '../src/picture/time-axis.ts'
import { sampleReport, sampleRun } from './sample-report.ts'

const span = { left: 200, right: 900 }

t.test('times are written with two or three digits and their unit', async (t) => {
  t.strictSame([0, 0.25, 3.44, 9.96, 34.4, 999.4, 999.6, 1634, 99_960].map(timeText), [
    '0 ms',
    '0.25 ms',
    '3.4 ms',
    '10 ms',
    '34 ms',
    '999 ms',
    '1 s',
    '1.6 s',
    '100 s',
  ])
})

t.test('a linear axis has even ticks of 1, 2 or 5 and room before the injection', async (t) => {
  const axis = linearAxis(47, span)
  t.strictSame(
    axis.ticks.map(({ ms }) => ms),
    [0, 10, 20, 30, 40, 50],
  )
  t.ok(axis.at(0) > 200)
  t.equal(axis.at(50), 900)
  t.equal(axis.at(-1000), 200, 'what lies before is at the edge')
  const step = axis.at(20) - axis.at(10)
  t.ok(Math.abs(axis.at(30) - axis.at(20) - step) < 1e-9)
})

t.test('a logarithmic axis has even decades, and is linear before the first', async (t) => {
  const axis = logAxis(1, 9000, span)
  const decade = axis.at(10) - axis.at(1)
  t.ok(Math.abs(axis.at(1000) - axis.at(100) - decade) < 1e-9)
  t.ok(Math.abs(axis.at(0.5) - (axis.at(0) + axis.at(1)) / 2) < 1e-9)
  t.ok(axis.at(9000) <= 900)
  t.ok(axis.at(0) > 200)
  t.equal(axis.at(Infinity), 900)
  t.strictSame(
    axis.ticks.flatMap(({ label }) => (label === undefined ? [] : [label])),
    ['0', '1 ms', '10 ms', '100 ms', '1 s'],
  )
  const short = logAxis(1, 40, span).ticks.flatMap(({ label }) => (label === undefined ? [] : [label]))
  t.strictSame(short, ['0', '1 ms', '2 ms', '5 ms', '10 ms', '20 ms'])
})

t.test('single lost packets are shaded by density, outages are solid', async (t) => {
  const axis = linearAxis(10_000, span) // some 15 ms a pixel
  const row = { className: 'x0t', y: 10, height: 3 }
  const dense = gapBars(
    Array.from({ length: 1000 }, (_, at) => [at * 5, at * 5 + 1] as const),
    axis,
    row,
  )
  t.ok(dense.join('').length < 4000, 'a thousand gaps stay small')
  t.ok(
    dense.every((path) => /fill-opacity="0\.(35|55)"/.test(path)),
    'a fifth is lost',
  )
  t.strictSame(gapBars([[20_000, 30_000]], axis, row), [], 'what lies outside of the axis is not drawn')
  const solid = gapBars([[0, 3000]], axis, row)
  t.equal(solid.length, 1)
  t.notMatch(solid[0], 'fill-opacity')
})

const runs = [
  ...[30, 40, 34].map((ms, at) => sampleRun('x0t', 'blackhole', at + 1, ms, { detectMs: 29 + at })),
  ...[1600, 2200].map((ms, at) => sampleRun('tinc', 'blackhole', at + 1, ms)),
  sampleRun('tinc', 'blackhole', 3, 9000, { outcome: 'not-recovered' }),
  sampleRun('x0t-hitless', 'blackhole', 1, 0),
]

t.test(
  'a picture of a fault labels median and worst of every system, in the order of the medians',
  async (t) => {
    const svg = pictureOf(sampleReport({ runs }))
    t.match(svg, /<svg xmlns="http:\/\/www.w3.org\/2000\/svg"[^>]* role="img" aria-labelledby="title desc">/)
    t.match(svg, '<title id="title">Outage after blackhole</title>')
    t.match(
      svg,
      'x0t after blackhole: median 34 ms, worst 40 ms of 3 runs.',
      'the description says it in words',
    )
    t.match(svg, 'tinc after blackhole: median 1.9 s, worst 2.2 s of 2 runs, 1 did not recover.')
    const order = ['x0t-hitless', 'x0t', 'tinc'].map((name) => svg.indexOf(`>${name}</text>`))
    t.ok(order.every((at) => at > 0) && order[0]! < order[1]! && order[1]! < order[2]!)
    for (const text of [
      'median 34 ms',
      'worst 40 ms of 3',
      'no packets lost',
      '1 did not recover',
      'noticed after 30 ms',
    ])
      t.match(svg, `>${text}</text>`, text)
    t.match(svg, 'time since the injection, logarithmic', 'systems that far apart share a logarithmic axis')
    t.notMatch(svg, /NaN|undefined|Infinity/)
  },
)

t.test('systems that are close share a linear axis', async (t) => {
  const svg = pictureOf(sampleReport({ runs: runs.slice(0, 3) }))
  t.match(svg, '>time since the injection</text>')
  t.match(svg, '>50 ms</text>')
})

t.test('several faults are compared first, and a folder has a picture of each', async (t) => {
  const more = [
    ...runs,
    sampleRun('x0t', 'crash', 1, 20),
    sampleRun('x0t', 'latency', 1, 0, { outcome: 'no-outage' }),
  ]
  const report = sampleReport({ runs: more })
  t.strictSame(
    picturesOf(report).map(({ name }) => name),
    ['outage-blackhole.svg', 'outage-crash.svg', 'outage-latency.svg', 'comparison.svg'],
  )
  const svg = pictureOf(report)
  t.match(svg, '<title id="title">How long a fault was felt</title>')
  t.match(svg, 'median 1.9 s, worst 2.2 s, 1 not recovered')
  t.match(svg, '>not measured</text>')
  t.match(svg, '>1 invalid, not shown</text>')
  t.notMatch(svg, /NaN|undefined|Infinity/)
  t.strictSame(picturesOf(sampleReport()), [])
})

t.test('names from a report cannot become markup', async (t) => {
  const evil = [sampleRun('<script>&', '"/><b>', 1, 20)]
  const svg = pictureOf(sampleReport({ runs: evil }))
  t.notMatch(svg, '<script>')
  t.notMatch(svg, '<b>')
  t.match(svg, '&lt;script&gt;&amp;')
})

t.test(
  'lateness and random loss are drawn, with no line where outages do not begin at the injection',
  async (t) => {
    const random = sampleRun('x0t', 'gray-loss', 1, 3, {
      gaps: Array.from({ length: 300 }, (_, at) => ({ fromMs: at * 7, ms: at === 200 ? 3 : 1, packets: 1 })),
      baseline: { medianMs: 0.5, p99Ms: 1 },
      slices: [
        { fromMs: 0, longestMs: 40 },
        { fromMs: 10, longestMs: null },
        { fromMs: 20, longestMs: 1 },
      ],
    })
    const svg = pictureOf(sampleReport({ runs: [random] }))
    t.match(svg, '<path class="late"')
    t.notMatch(svg, '<line class="median"')
    t.match(svg, '>outage 3 ms</text>')
  },
)

t.test('probes of an HTTP service are called so, and very many runs are thinned out', async (t) => {
  const many = Array.from({ length: 200 }, (_, at) =>
    sampleRun('web', 'crash', at + 1, 100 + at, { intervalMs: 20 }),
  )
  const svg = pictureOf(
    sampleReport({
      runs: many,
      parameters: { url: 'http://127.0.0.1/', inject: `kill <1> ${'x'.repeat(100)}` },
    }),
  )
  t.match(svg, '>probes answered</text>')
  t.match(svg, '>http://127.0.0.1/ while: kill &lt;1&gt; xxxx', 'not what the fault does to an overlay')
  t.match(svg, '50 probes a second')
  t.equal(svg.match(/<g><title>web, run/g)?.length, 60)
  t.match(svg, 'web, run 1:')
  t.match(svg, 'web, run 200:')
})
