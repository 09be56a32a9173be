import { X0tError } from '@x0t/core'
import { masterSeedBytes } from './master-seed.ts'

/** How many shares there are and how many of them give the seed back. */
export interface ShareScheme {
  /** From 2 to `shares`. */
  readonly threshold: number
  /** From 2 to 16. */
  readonly shares: number
}

/** Reads `2/3`: two of three shares. @throws X0tError KEY_SHARES_INVALID (usage) */
export function parseShareScheme(text: string): ShareScheme {
  const match = /^(\d{1,2})\/(\d{1,2})$/.exec(text)
  const threshold = Number(match?.[1])
  const shares = Number(match?.[2])
  if (match && threshold >= 2 && threshold <= shares && shares <= 16) return { threshold, shares }
  throw new X0tError('KEY_SHARES_INVALID', `${JSON.stringify(text.slice(0, 20))} is no scheme of shares`, {
    hint: 'for example 2/3: any two of three shares; at most 16',
    exitCode: 2,
  })
}

/**
 * Splits a master seed into SLIP-39 shares of 33 words. Fewer than the threshold tell nothing of the seed.
 * @param passphrase printable ASCII, optional; without the right one recovery gives another seed and no error
 */
export async function sharesOfSeed(
  masterSeed: Uint8Array,
  scheme: ShareScheme,
  passphrase = '',
): Promise<string[]> {
  if (masterSeed.length !== masterSeedBytes)
    throw new RangeError(`a master seed has ${masterSeedBytes} bytes`)
  if (!/^[\x20-\x7e]*$/.test(passphrase))
    throw new X0tError('KEY_SHARES_INVALID', 'the passphrase of shares may hold printable ASCII only', {
      exitCode: 2,
    })
  const slip39 = await loadSlip39()
  const groups: [number, number][] = [[scheme.threshold, scheme.shares]]
  return slip39.fromArray([...masterSeed], { passphrase, threshold: 1, groups, title: '' }).fromPath('r/0')
    .mnemonics
}

/**
 * The master seed of enough shares; more than enough are fine.
 * A wrong passphrase gives another seed, not an error: compare the id of the result with the known one.
 * @throws X0tError KEY_SHARES_INVALID
 */
export async function seedOfShares(shares: readonly string[], passphrase = ''): Promise<Uint8Array> {
  const normal = shares
    .map((share) => share.normalize('NFKD').toLowerCase().trim().split(/\s+/).join(' '))
    .filter((share) => share !== '')
  const distinct = [...new Set(normal)]
  if (distinct.length === 0) throw invalid('there are none')
  if (distinct.length > 16) throw invalid('there are more than 16')
  const slip39 = await loadSlip39()
  let failure = ''
  // The library wants exactly as many as the threshold.
  for (let count = distinct.length; count > 0; count--) {
    try {
      const secret = slip39.recoverSecret(distinct.slice(0, count), passphrase)
      if (secret.length !== masterSeedBytes) throw new Error(`secret of ${secret.length} bytes`)
      return Uint8Array.from(secret)
    } catch (error) {
      if (failure === '') failure = error instanceof Error ? error.message : ''
    }
  }
  throw invalid(reasonOf(failure)) // no cause: the library's messages may quote the words
}

function reasonOf(message: string): string {
  if (/Wrong number of mnemonics|Insufficient number|Wrong number of mnemonic groups/.test(message))
    return 'there are too few of them'
  if (/checksum/i.test(message)) return 'a word is mistyped (checksum)'
  if (/Invalid set of mnemonics/.test(message)) return 'they are of different sets'
  if (/digest/.test(message)) return 'they do not belong together'
  if (/secret of/.test(message)) return 'they hold no master seed of x0t (32 bytes)'
  return 'a share has a wrong length or a word outside the list'
}

/** slip39 adds enumerable members to Array.prototype and String.prototype: loaded only where needed, and hidden at once. */
async function loadSlip39(): Promise<typeof import('slip39').default> {
  const { default: slip39 } = await import('slip39')
  for (const prototype of [Array.prototype, String.prototype] as object[]) {
    for (const name of Object.keys(prototype)) Object.defineProperty(prototype, name, { enumerable: false })
  }
  return slip39
}

function invalid(why: string): X0tError {
  return new X0tError('KEY_SHARES_INVALID', `the shares give no seed: ${why}`)
}
