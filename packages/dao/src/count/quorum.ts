import { decimalOf } from '../exact/decimal.ts'
import { parseFraction } from '../exact/fraction.ts'
import { ceilDivided, floorDivided, plus, signOfInterval, times } from '../exact/interval.ts'
import { combined, intervalOf, RootSum, type RootTable } from '../exact/root-sum.ts'
import { signOf } from '../exact/sign.ts'
import type { Rules } from '../rules.ts'
import type { Tally } from '../tally.ts'
import type { Participation } from './participation.ts'

type Quorum = NonNullable<Rules['quorum']>

/**
 * Whether what voted is at least what is needed, decided exactly, with both numbers to show: rounded down what was
 * found, up what is needed.
 * @param roots has the scale 10^`decimals`
 */
export function quorumCheck(
  quorum: Quorum,
  { found, electorate }: Participation,
  { roots, decimals }: { readonly roots: RootTable; readonly decimals: number },
): Tally['checks'][number] {
  // needed = n·base/d
  const { base, n, d } = needed(quorum, electorate, roots)
  const [foundAt, baseAt] = [intervalOf(found, roots), intervalOf(base, roots)]
  const sign =
    signOfInterval(plus(times(d, foundAt), times(-n, baseAt))) ??
    signOf(
      combined([
        [d, found],
        [-n, base],
      ]),
    )
  const isWhole = quorum.unit !== 'weight'
  const show = (units: bigint): string => decimalOf(units, isWhole ? 0 : decimals)
  return {
    rule: 'quorum',
    holds: sign >= 0,
    found: show(isWhole ? floorDivided(foundAt.low, roots.scale) : foundAt.low),
    needed: show(ceilDivided(n * baseAt.high, isWhole ? d * roots.scale : d)),
    unit: quorum.unit,
  }
}

function needed(
  quorum: Quorum,
  electorate: RootSum,
  roots: RootTable,
): { readonly base: RootSum; readonly n: bigint; readonly d: bigint } {
  if ('amount' in quorum) return { base: new RootSum().add(BigInt(quorum.amount), 1n), n: 1n, d: 1n }
  const { numerator, denominator } = parseFraction(quorum.share, 'rules.quorum.share')
  if (!quorum.roundsDown) return { base: electorate, n: numerator, d: denominator }
  // Tokens and members are whole numbers: their interval is exact.
  const whole = intervalOf(electorate, roots).low / roots.scale
  return { base: new RootSum().add((numerator * whole) / denominator, 1n), n: 1n, d: 1n }
}
