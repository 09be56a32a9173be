import fc from 'fast-check'
import t from 'tap'
import { isSquare, RootSum, signOf } from '../src/index.ts'
import { classesOf, rationalSum, reducedToClasses } from '../src/exact/square-classes.ts'

t.test('classes are those of brute force', (t) => {
  const radicand = fc.tuple(fc.bigInt(1n, 60n), fc.bigInt(1n, 2n ** 100n)).map(([r, k]) => r * k * k)
  fc.assert(
    fc.property(fc.uniqueArray(radicand, { maxLength: 40 }), (radicands) => {
      const classes = classesOf(radicands)
      const place = new Map(classes.flatMap((members, i) => members.map((r): [bigint, number] => [r, i])))
      return (
        place.size === radicands.length &&
        radicands.every((r) => radicands.every((s) => isSquare(r * s) === (place.get(r) === place.get(s))))
      )
    }),
    { seed: 7, numRuns: 60 },
  )
  t.end()
})

t.test('a large class is one class, beside others', (t) => {
  const many = Array.from({ length: 300 }, (_, i) => 2n * BigInt(i + 1) ** 2n)
  t.equal(classesOf(many).length, 1)
  t.equal(classesOf([...many, 3n, 12n, 5n]).length, 3)
  t.end()
})

t.test('a sum is reduced to one term a class, and to nothing if it is zero', (t) => {
  const reduced = [...reducedToClasses(new RootSum().add(1n, 8n).add(1n, 18n).add(1n, 3n))]
  // √8 + √18 = 5√2
  t.equal(reduced.length, 2)
  t.ok(reduced.some(([n, r, d]) => n * n * r.value === 50n * d * d))
  t.ok(reducedToClasses(new RootSum().add(1n, 8n).add(-2n, 2n)).isEmpty)
  t.end()
})

t.test('fractions are added up exactly', (t) => {
  const { n, d } = rationalSum([1n, 2n, 3n, 6n].map((d) => ({ n: 1n, d })))
  t.equal(n, 2n * d) // 1 + 1/2 + 1/3 + 1/6 = 2
  t.same(rationalSum([]), { n: 0n, d: 1n })
  t.end()
})

t.test('a tie of 4,000 distinct roots is found', (t) => {
  // 2√r = √(4r)
  const sum = new RootSum()
  for (let i = 0n; i < 2000n; i++) {
    const r = 10n ** 26n + 104_729n * i
    sum.add(2n, r).add(-1n, 4n * r)
  }
  t.equal(signOf(sum), 0)
  t.equal(signOf(sum.add(1n, 1n, 10n ** 40n)), 1)
  t.end()
})
