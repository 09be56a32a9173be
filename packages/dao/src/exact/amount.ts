import { X0tError } from '@x0t/core'
import type { Amount } from '../rules.ts'

/** Amounts are below this: the largest token balance that other systems know. */
export const amountLimit = 2n ** 256n

// 2^256 has 78 digits: a longer text is refused before it is converted.
const digits = /^(?:0|[1-9][0-9]{0,77})$/

/**
 * The number that an amount says. `what` names it in the message.
 * @throws X0tError DAO_AMOUNT_INVALID unless `text` is decimal digits without sign or leading zero, below 2^256;
 * DAO_AMOUNT_ZERO for `0` where `allowsZero` is false
 */
export function parseAmount(text: unknown, what: string, { allowsZero = true } = {}): bigint {
  if (typeof text !== 'string' || !digits.test(text)) throw invalid(text, what)
  const amount = BigInt(text)
  if (amount >= amountLimit) throw invalid(text, what)
  if (amount === 0n && !allowsZero) {
    throw new X0tError('DAO_AMOUNT_ZERO', `${what} is 0; it must be at least 1`, { exitCode: 2 })
  }
  return amount
}

/** The text of an amount. @throws RangeError unless 0 ≤ `amount` < 2^256 */
export function amountOf(amount: bigint): Amount {
  if (amount < 0n || amount >= amountLimit) throw new RangeError('an amount is from 0 to 2^256 − 1')
  return amount.toString()
}

function invalid(text: unknown, what: string): X0tError {
  return new X0tError('DAO_AMOUNT_INVALID', `${what} is ${shown(text)}, not a whole number below 2^256`, {
    hint: 'write base units in decimal digits, as text, without sign, point, exponent or leading zero',
    exitCode: 2,
  })
}

/** What was found, short and in one line. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : `${typeof value} ${plainText(value)}`
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** An object from a file may bring a `toString` of its own. */
function plainText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Array.isArray(value) ? `list of ${value.length}` : `of ${Object.keys(value).length} fields`
}
