import t from 'tap'
import {
  bootstrapMedian,
  judge,
  leastSquaresSlope,
  median,
  parseObjective,
  quantile,
  sampleBook,
  summarize,
} from '../src/index.ts'
import { seededRandom } from '../src/seeded-random.ts'

t.test('quantiles by linear interpolation', async (t) => {
  // Type 7 on 1..4: h = 3q; q = 0.5 gives 1.5, between 2 and 3; q = 0.25 gives 0.75, 1 + 0.75.
  t.equal(quantile([1, 2, 3, 4], 0.5), 2.5)
  t.equal(quantile([1, 2, 3, 4], 0.25), 1.75)
  t.equal(quantile([1, 2, 3, 4], 0), 1)
  t.equal(quantile([1, 2, 3, 4], 1), 4)
  // h = 19 * 0.95 = 18.05 on 1..20: 19 + 0.05.
  t.ok(
    Math.abs(
      quantile(
        Array.from({ length: 20 }, (_, at) => at + 1),
        0.95,
      ) - 19.05,
    ) < 1e-12,
  )
  t.equal(median([9, 1, 5]), 5, 'the order of the values does not matter')
  t.throws(() => quantile([], 0.5), RangeError)
  t.throws(() => quantile([1], 1.5), RangeError)
})

t.test('the slope of a line is found, also under symmetric noise', async (t) => {
  t.equal(
    leastSquaresSlope([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
    2,
  )
  // Means 1 and 2; sum of products (-1)(-1) + 0*1 + 1*0 = 1; sum of squares 2.
  t.equal(
    leastSquaresSlope([
      [0, 1],
      [1, 3],
      [2, 2],
    ]),
    0.5,
  )
  t.equal(
    leastSquaresSlope([
      [1, 1],
      [1, 2],
    ]),
    0,
  )
})

t.test('the bootstrap interval holds the median, is seeded, and is a point for equal values', async (t) => {
  const values = Array.from({ length: 50 }, (_, at) => at)
  const [low, high] = bootstrapMedian(values)
  t.ok(low < 24.5 && high > 24.5 && low > 10 && high < 40)
  t.strictSame(bootstrapMedian(values), [low, high], 'the same seed gives the same interval')
  t.strictSame(bootstrapMedian([7, 7, 7]), [7, 7])
})

t.test('seeded numbers lie in [0, 1) and repeat', async (t) => {
  const one = Array.from({ length: 1000 }, seededRandom(5))
  t.strictSame(one, Array.from({ length: 1000 }, seededRandom(5)))
  t.ok(one.every((value) => value >= 0 && value < 1))
  t.ok(Math.abs(one.reduce((sum, value) => sum + value) / 1000 - 0.5) < 0.05)
})

t.test('a result has percentiles from 30 samples on', async (t) => {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at)
  t.match(summarize('a', 'ms', upTo(29)), { samples: 29, p95: null, p99: null, median: 14, min: 0, max: 28 })
  t.match(summarize('a', 'ms', upTo(30)), { samples: 30, q1: 7.25, q3: 21.75 })
  t.not(summarize('a', 'ms', upTo(30)).p95, null)
  t.equal(summarize('a', 'ms', [1, 2]).ci95, null, 'two samples have no interval')
  t.match(summarize('many', 'ms', upTo(5001)), { median: 2500, samples: 5001 })
  t.throws(() => summarize('a', 'ms', []), RangeError)
  t.throws(() => summarize('a', 'ms', [NaN]), RangeError)
  const book = sampleBook()
  book.add('b', 'ms', 1, 2)
  book.add('a', 's', 3)
  book.add('b', 'ms', 3)
  book.add('empty', 's')
  t.strictSame(
    book.results().map(({ name, samples }) => [name, samples]),
    [
      ['b', 3],
      ['a', 1],
    ],
  )
})

t.test('objectives', async (t) => {
  const results = [summarize('tcp/x0t', 'Mbit/s', [1000, 3000]), summarize('tcp/tinc', 'Mbit/s', [500])]
  const met = (text: string): boolean => judge([parseObjective(text)], results)[0]!.met
  t.equal(met('tcp/x0t>=2000'), true, 'the median is 2000')
  t.equal(met('tcp/x0t>=2000.5'), false)
  t.equal(met('tcp/x0t:min>=1001'), false)
  t.equal(met('tcp/x0t:max <= 3000'), true)
  t.equal(met('tcp/x0t>=tcp/tinc'), true, 'another result can be the limit')
  t.strictSame(judge([parseObjective('tcp/none>=1')], results), [
    { name: 'tcp/none>=1', limit: 1, value: null, met: false },
  ])
  t.equal(met('tcp/x0t>=tcp/none'), false, 'what was not measured is no limit to pass')
  t.equal(met('tcp/x0t:p95>=1'), false, 'nor are percentiles of two samples')
  for (const bad of ['', 'tcp/x0t', 'tcp/x0t>2000', 'tcp/x0t:mean>=1', '>=1', 'tcp/x0t>='])
    t.throws(() => parseObjective(bad), { code: 'BENCH_OBJECTIVE_INVALID' }, `${bad} is no objective`)
})
