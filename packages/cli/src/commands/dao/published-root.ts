import { decimalOf, integerRoot } from '@x0t/dao'

/**
 * The square root of `numerator / denominator` with so many decimals, rounded down: for people to read, never to
 * decide on.
 */
export function publishedRoot(numerator: bigint, decimals: number, denominator = 1n): string {
  return decimalOf(integerRoot((numerator * 10n ** BigInt(2 * decimals)) / denominator), decimals)
}
