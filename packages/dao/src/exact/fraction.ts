import { X0tError } from '@x0t/core'
import { shown } from './amount.ts'

/** A rational number, not reduced; the denominator is at least 1. */
export interface Ratio {
  readonly numerator: bigint
  readonly denominator: bigint
}

const fraction = /^(0|[1-9][0-9]{0,17})\/([1-9][0-9]{0,17})$/
const decimal = /^(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,18}))?$/

/**
 * A fraction from 0 to 1, as `1/2`.
 * @throws X0tError DAO_FRACTION_INVALID for a decimal point, a sign, a denominator of 0, over 18 digits, above 1
 */
export function parseFraction(text: unknown, what: string): Ratio {
  const parts = typeof text === 'string' ? fraction.exec(text) : null
  const ratio = parts && { numerator: BigInt(parts[1]!), denominator: BigInt(parts[2]!) }
  if (!ratio || ratio.numerator > ratio.denominator) {
    throw new X0tError('DAO_FRACTION_INVALID', `${what} is ${shown(text)}, not a fraction from 0/1 to 1/1`, {
      hint: 'write two whole numbers of at most 18 digits, as 1/2 or 334/1000',
      exitCode: 2,
    })
  }
  return ratio
}

/**
 * A part of a ballot: a decimal number as `3` or `0.25`, with up to 18 digits on each side of the point.
 * @throws X0tError DAO_SHARE_INVALID for a sign, an exponent, a leading zero, more digits
 */
export function parseShare(text: unknown, what: string): Ratio {
  const parts = typeof text === 'string' ? decimal.exec(text) : null
  if (!parts) {
    throw new X0tError('DAO_SHARE_INVALID', `${what} is ${shown(text)}, not a share such as 3 or 0.25`, {
      hint: 'write a decimal number without sign and exponent, at most 18 digits on each side of the point',
      exitCode: 2,
    })
  }
  const places = parts[2] ?? ''
  return { numerator: BigInt(parts[1]! + places), denominator: 10n ** BigInt(places.length) }
}

/** Numbers in the proportion of `ratios`: whole, without a common divisor. All are at least 0 and not all are 0. */
export function inProportion(ratios: readonly Ratio[]): readonly bigint[] {
  let common = 1n
  for (const { denominator } of ratios) common = (common / gcd(common, denominator)) * denominator
  const whole = ratios.map(({ numerator, denominator }) => numerator * (common / denominator))
  let divisor = 0n
  for (const part of whole) divisor = gcd(divisor, part)
  return whole.map((part) => part / divisor)
}

/** Greatest common divisor of two numbers that are at least 0. */
export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}
