import { decimalOf } from '../exact/decimal.ts'
import { parseFraction } from '../exact/fraction.ts'
import { ceilDivided, floorDivided, plus, signOfInterval, times } from '../exact/interval.ts'
import { combined, RootSum } from '../exact/root-sum.ts'
import { signOf } from '../exact/sign.ts'
import type { Rules } from '../rules.ts'
import type { Tally } from '../tally.ts'
import type { Participation } from './participation.ts'

type Quorum = NonNullable<Rules['quorum']>

/**
 * Whether what voted is at least what is needed, decided exactly, with both numbers to show: rounded down what was
 * found, up what is needed.
 */
export function quorumCheck(
  quorum: Quorum,
  { found, electorate }: Participation,
  decimals: number,
): Tally['checks'][number] {
  const scale = 10n ** BigInt(decimals)
  // needed = n·base/d
  const { base, n, d } = needed(quorum, electorate)
  const [foundAt, baseAt] = [found.intervalAt(scale), base.intervalAt(scale)]
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
    found: show(isWhole ? floorDivided(foundAt.low, scale) : foundAt.low),
    needed: show(ceilDivided(n * baseAt.high, isWhole ? d * scale : d)),
    unit: quorum.unit,
  }
}

function needed(
  quorum: Quorum,
  electorate: RootSum,
): { readonly base: RootSum; readonly n: bigint; readonly d: bigint } {
  if ('amount' in quorum) return { base: new RootSum().add(BigInt(quorum.amount), 1n), n: 1n, d: 1n }
  const { numerator, denominator } = parseFraction(quorum.share, 'rules.quorum.share')
  if (!quorum.roundsDown) return { base: electorate, n: numerator, d: denominator }
  // Tokens and members are whole numbers: their interval is exact.
  const whole = electorate.intervalAt(1n).low
  return { base: new RootSum().add((numerator * whole) / denominator, 1n), n: 1n, d: 1n }
}
