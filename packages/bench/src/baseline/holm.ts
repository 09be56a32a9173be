/**
 * Adjusts p-values of several tests so that the chance of even one false alarm stays below the level that they are
 * held against (Holm 1979): the smallest is multiplied by the number of tests, the next by one less, never falling.
 * @returns in the order given, each at most 1
 */
export function holm(ps: readonly number[]): readonly number[] {
  const order = ps.map((p, at) => ({ p, at })).toSorted((a, b) => a.p - b.p)
  const adjusted = Array.from({ length: ps.length }, () => 1)
  let highest = 0
  for (const [rank, { p, at }] of order.entries()) {
    highest = Math.max(highest, Math.min(1, p * (ps.length - rank)))
    adjusted[at] = highest
  }
  return adjusted
}
