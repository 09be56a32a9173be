import fc from 'fast-check'
import t from 'tap'
import { holm, mannWhitney } from '../src/index.ts'
import { leastP } from '../src/baseline/mann-whitney.ts'

const near = (found: number, wanted: number, within: number): boolean => Math.abs(found - wanted) <= within

t.test('the exact test agrees with Hollander and Wolfe', async (t) => {
  // Permeability of the human chorioamnion (Hollander and Wolfe 1973, p. 69); R: wilcox.test(x, y, alternative = "g")
  // gives W = 35, p-value = 0.1272, one-sided.
  const x = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
  const y = [1.15, 0.88, 0.9, 0.74, 1.21]
  const { u, p, method } = mannWhitney(x, y)
  t.equal(u, 35)
  t.equal(method, 'exact')
  t.ok(near(p / 2, 0.1272, 0.00005), `${p / 2}`)
})

t.test('wholly separate samples have the least p there is', async (t) => {
  // C(6, 3) = 20 orders, one of them this one, one its mirror image: 2 / 20.
  t.strictSame(mannWhitney([1, 2, 3], [4, 5, 6]), { u: 0, p: 0.1, method: 'exact' })
  t.strictSame(mannWhitney([4, 5, 6], [1, 2, 3]), { u: 9, p: 0.1, method: 'exact' })
  t.equal(leastP(3, 3), 0.1)
  // C(16, 8) = 12870.
  t.ok(near(leastP(8, 8), 2 / 12_870, 1e-12))
  t.equal(leastP(1, 1), 1)
  // u = 1: of the 20 orders, 1 has U = 0 and 1 has U = 1; twice 2 / 20.
  t.equal(mannWhitney([1, 2, 4], [3, 5, 6]).p, 0.2)
})

t.test('with ties the test agrees with R on the ozone of May and August', async (t) => {
  // New York air quality 1973 (Chambers et al. 1983), R: wilcox.test(Ozone ~ Month, data = airquality,
  // subset = Month %in% c(5, 8)) gives W = 127.5, p-value = 0.0001208.
  const may = [
    41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37,
  ]
  const august = [
    39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85,
  ]
  const { u, p, method } = mannWhitney(may, august)
  t.equal(u, 127.5)
  t.equal(method, 'normal')
  t.ok(near(p, 0.0001208, 0.00000005), `${p}`)
})

t.test('a normal approximation by hand', async (t) => {
  // Ranks of 1 2 2 3: 1, 2.5, 2.5, 4; the first sample {1, 2} has 3.5, U = 3.5 - 3 = 0.5. Ties: 2³ - 2 = 6.
  // Variance 4 / 12 * (5 - 6 / 12) = 1.5; z = (2 - 0.5 - 0.5) / sqrt(1.5) = 0.8165; 2 * (1 - Φ(0.8165)) = 0.41422.
  const { u, p } = mannWhitney([1, 2], [2, 3])
  t.equal(u, 0.5)
  t.ok(near(p, 0.41422, 0.00002), `${p}`)
  t.equal(mannWhitney([5, 5, 5], [5, 5]).p, 1, 'equal values differ in nothing')
  t.throws(() => mannWhitney([], [1]), RangeError)
})

t.test('large samples without ties use the normal approximation, close to the exact p', async (t) => {
  // Interleaved with a shift of a tenth: 50 × 50 pairs are counted, 51 × 51 are not.
  const sample = (length: number, shift: number) =>
    Array.from({ length }, (_, at) => ((at * 37) % 101) / 101 + shift + at * 1e-6)
  const exact = mannWhitney(sample(50, 0), sample(50, 0.103))
  const normal = mannWhitney(sample(51, 0), sample(51, 0.103))
  t.equal(exact.method, 'exact')
  t.equal(normal.method, 'normal')
  t.ok(near(exact.p, normal.p, 0.02), `${exact.p} and ${normal.p}`)
})

t.test('the test is symmetric, and p is a chance', async () => {
  const sample = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      const [one, other] = [mannWhitney(a, b), mannWhitney(b, a)]
      return one.u + other.u === a.length * b.length && near(one.p, other.p, 1e-12) && one.p > 0 && one.p <= 1
    }),
    { seed: 3 },
  )
})

t.test("Holm's adjustment by hand", async (t) => {
  // Sorted 0.01, 0.03, 0.04: times 3, 2, 1 = 0.03, 0.06, 0.04; never falling: 0.06. R: p.adjust(c(…), "holm").
  t.strictSame(
    holm([0.01, 0.04, 0.03]).map((p) => Number(p.toFixed(12))),
    [0.03, 0.06, 0.06],
  )
  t.strictSame(holm([0.5, 0.6]), [1, 1])
  t.strictSame(holm([]), [])
})
