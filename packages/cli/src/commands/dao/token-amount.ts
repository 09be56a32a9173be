import type { Amount } from '@x0t/dao'

/** Amounts are below this. */
const limit = 2n ** 256n
const maxDigits = 78

/**
 * Base units of an amount as people write it: `12.5` with two decimals is `1250`.
 * @throws RangeError that says what is expected
 */
export function parseTokens(text: string, decimals: number): Amount {
  const expected =
    decimals === 0
      ? 'a whole number of tokens below 2^256, without sign'
      : `a number of tokens with at most ${decimals} decimals, below 2^256 base units, without sign`
  const match = /^(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text)
  const [, whole = '', part = ''] = match ?? []
  if (match === null || part.length > decimals || whole.length + decimals > maxDigits)
    throw new RangeError(expected)
  const units = BigInt(whole + part.padEnd(decimals, '0'))
  if (units >= limit) throw new RangeError(expected)
  return String(units)
}

/** An amount of base units as people read it: `1250` with two decimals is `12.5`. */
export function formatTokens(amount: string, decimals: number, symbol = ''): string {
  const digits = amount.padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const part = digits.slice(digits.length - decimals).replace(/0+$/, '')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ' ')
  return `${grouped}${part === '' ? '' : `.${part}`}${symbol === '' ? '' : ` ${symbol}`}`
}
