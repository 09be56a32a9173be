import { letterOf, primesNearMillion } from './jacobi-symbol.ts'
import { squareRoot } from './integer-root.ts'
import { gcd } from './fraction.ts'
import { RootSum } from './root-sum.ts'

/**
 * The same sum with one radicand for each square class and no class that adds up to zero. √r and √s are rational
 * multiples of each other exactly when r·s is a square, and roots of different classes are linearly independent over
 * the rationals (Besicovitch, 1940): the sum is zero exactly when nothing is left. Nothing is factored.
 */
export function reducedToClasses(sum: RootSum): RootSum {
  const radicands = new Set<bigint>()
  for (const [, r] of sum) radicands.add(r.value)
  const place = new Map<bigint, { readonly first: bigint; readonly root: bigint }>()
  for (const members of classesOf([...radicands])) {
    const [first] = members
    for (const r of members) place.set(r, { first: first!, root: squareRoot(r * first!)! })
  }
  // √r = (√(r·first) / first)·√first. Coefficients of one class: Σ n·root/d, all over `first`.
  const byClass = new Map<bigint, Map<bigint, bigint>>()
  for (const [n, r, d] of sum) {
    const { first, root } = place.get(r.value)!
    const coefficients = byClass.get(first) ?? new Map<bigint, bigint>()
    byClass.set(first, coefficients)
    coefficients.set(d, (coefficients.get(d) ?? 0n) + n * root)
  }
  const reduced = new RootSum()
  for (const [first, coefficients] of byClass) {
    const { n, d } = rationalSum([...coefficients].map(([d, n]) => ({ n, d })))
    if (n !== 0n) reduced.add(...lowest(n, first, d * first))
  }
  return reduced
}

function lowest(n: bigint, r: bigint, d: bigint): [n: bigint, r: bigint, d: bigint] {
  const divisor = gcd(n < 0n ? -n : n, d)
  return [n / divisor, r, d / divisor]
}

/** Groups of radicands whose products in pairs are squares. The smallest of each group comes first. */
export function classesOf(radicands: readonly bigint[]): readonly (readonly bigint[])[] {
  const sorted = radicands.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return buckets(sorted, 0).flatMap((bucket) => classesInBucket(bucket))
}

/** Primes that a first look takes; a bucket that stays large is looked at with as many more, up to all. */
const primesAtOnce = 64
const smallBucket = 8

/** Splits by letters that are the same inside a class: what is in different buckets is in different classes. */
function buckets(radicands: readonly bigint[], firstPrime: number): readonly (readonly bigint[])[] {
  const primes = primesNearMillion().slice(firstPrime, firstPrime + primesAtOnce)
  if (radicands.length < 2 || primes.length === 0) return [radicands]
  const byWord = new Map<string, bigint[]>()
  for (const r of radicands) {
    let word = ''
    for (const prime of primes) word += letterOf(r, prime)
    const bucket = byWord.get(word)
    if (bucket) bucket.push(r)
    else byWord.set(word, [r])
  }
  const split = [...byWord.values()]
  return split.flatMap((bucket) =>
    // One class alone costs one test for each member: more primes are for buckets made to hold many classes.
    bucket.length > smallBucket && !isOneClass(bucket)
      ? buckets(bucket, firstPrime + primesAtOnce)
      : [bucket],
  )
}

function isOneClass(radicands: readonly bigint[]): boolean {
  return radicands.every((r) => squareRoot(r * radicands[0]!) !== undefined)
}

function classesInBucket(radicands: readonly bigint[]): readonly (readonly bigint[])[] {
  const classes: bigint[][] = []
  for (const r of radicands) {
    const found = classes.find(([first]) => squareRoot(r * first!) !== undefined)
    if (found) found.push(r)
    else classes.push([r])
  }
  return classes
}

/** Sum of fractions with different denominators, by halves: the numbers stay as short as they can. */
export function rationalSum(fractions: readonly { readonly n: bigint; readonly d: bigint }[]): {
  readonly n: bigint
  readonly d: bigint
} {
  if (fractions.length === 0) return { n: 0n, d: 1n }
  if (fractions.length === 1) return fractions[0]!
  const middle = fractions.length >> 1
  const [a, b] = [rationalSum(fractions.slice(0, middle)), rationalSum(fractions.slice(middle))]
  const shared = gcd(a.d, b.d)
  return { n: a.n * (b.d / shared) + b.n * (a.d / shared), d: (a.d / shared) * b.d }
}
