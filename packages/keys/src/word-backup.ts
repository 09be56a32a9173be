import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { X0tError } from '@x0t/core'
import { masterSeedBytes } from './master-seed.ts'

/** Words of a backup. */
export const backupWordCount = 24

/** The master seed itself as 24 English words (BIP39 entropy; not BIP39's derived seed). */
export function wordsOfSeed(masterSeed: Uint8Array): string {
  if (masterSeed.length !== masterSeedBytes)
    throw new RangeError(`a master seed has ${masterSeedBytes} bytes`)
  return entropyToMnemonic(masterSeed, wordlist)
}

/**
 * The master seed of 24 words; case, spaces and numbering like `3.` do not matter.
 * @throws X0tError KEY_WORDS_INVALID: the count, the position of a word outside the list, or the checksum
 */
export function seedOfWords(text: string): Uint8Array {
  const words = text
    .normalize('NFKD')
    .toLowerCase()
    .split(/\s+/)
    .map((word) => word.replace(/^\d+[.):]?|[,;]$/g, ''))
    .filter((word) => word !== '')
  if (words.length !== backupWordCount)
    throw invalid(`there are ${words.length} words, not ${backupWordCount}`)
  const unknown = words.findIndex((word) => !wordlist.includes(word))
  if (unknown >= 0) throw invalid(`word ${unknown + 1} is not in the list`, hintFor(words[unknown]!))
  try {
    return mnemonicToEntropy(words.join(' '), wordlist)
  } catch {
    // No cause: nothing of the words may reach a log.
    throw invalid('their checksum is wrong: a word is mistaken for another, or two changed places')
  }
}

/** Words of the list are told apart by their first four letters: so much of a typing mistake can be guessed. */
function hintFor(word: string): string | undefined {
  const near = wordlist.filter((known) => known.slice(0, 4) === word.slice(0, 4))
  return near.length === 1 ? `is it "${near[0]}"?` : undefined
}

function invalid(why: string, hint?: string): X0tError {
  return new X0tError(
    'KEY_WORDS_INVALID',
    `these are not the words of a backup: ${why}`,
    hint === undefined ? {} : { hint },
  )
}
