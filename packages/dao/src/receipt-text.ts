import { X0tError } from '@x0t/core'
import { isRecordId } from './record-id.ts'
import type { RecordId } from './record.ts'

/**
 * A receipt as text: a proof of C2SP tlog-proof with a checkpoint of C2SP tlog-checkpoint, whose signatures are of an
 * own type (docs/decisions/0009): after the four bytes of key id comes the witness's whole commit record.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra <base64: what the leaf stands for>
 *     index <which leaf, from 0>
 *     <base64: hashes of the inclusion proof, one a line>
 *
 *     x0t.dao/<genesis>/<proposal>
 *     <leaves of the tree>
 *     <base64: root>
 *
 *     — <witness> <base64: key id, signed commit>
 */
export interface ReceiptText {
  readonly extra: Uint8Array
  readonly index: number
  readonly hashes: readonly Uint8Array[]
  readonly dao: RecordId
  readonly proposal: RecordId
  readonly size: number
  readonly root: Uint8Array
  readonly signatures: readonly { readonly name: string; readonly bytes: Uint8Array }[]
}

/** Longest receipt that is read: a proposal with its longest lists, and a commit of each of 256 witnesses. */
export const maxReceiptBytes = 4_194_304

const firstLine = 'c2sp.org/tlog-proof@v1'
const originPrefix = 'x0t.dao/'
const digits = /^(?:0|[1-9][0-9]{0,14})$/

export function formatReceipt(receipt: ReceiptText): string {
  return [
    firstLine,
    `extra ${base64(receipt.extra)}`,
    `index ${receipt.index}`,
    ...receipt.hashes.map(base64),
    '',
    `${originPrefix}${receipt.dao}/${receipt.proposal}`,
    `${receipt.size}`,
    base64(receipt.root),
    '',
    ...receipt.signatures.map(({ name, bytes }) => `— ${name} ${base64(bytes)}`),
    '',
  ].join('\n')
}

/** @throws X0tError DAO_RECEIPT_INVALID */
export function parseReceipt(bytes: Uint8Array): ReceiptText {
  if (bytes.length > maxReceiptBytes)
    throw invalid(`${bytes.length} bytes where at most ${maxReceiptBytes} are allowed`)
  const lines = textOf(bytes).split('\n')
  let at = 0
  const take = (): string => lines[at++] ?? ''
  if (take() !== firstLine) throw invalid(`the first line is not ${firstLine}`)
  const extra = fromBase64(afterWord(take(), 'extra'))
  const index = wholeNumber(afterWord(take(), 'index'))
  const hashes: Uint8Array[] = []
  for (let line = take(); line !== ''; line = take()) hashes.push(hash(line))
  const [dao, proposal, ...more] = afterPrefix(take(), originPrefix).split('/')
  if (!isRecordId(dao) || !isRecordId(proposal) || more.length > 0)
    throw invalid('the origin is not x0t.dao/<genesis>/<proposal>')
  const size = wholeNumber(take())
  const root = hash(take())
  if (take() !== '') throw invalid('no empty line after the root')
  const signatures: { name: string; bytes: Uint8Array }[] = []
  for (let line = take(); line !== ''; line = take()) {
    const [name, value, ...rest] = afterPrefix(line, '— ').split(' ')
    if (name === undefined || value === undefined || rest.length > 0)
      throw invalid('a signature line is malformed')
    signatures.push({ name, bytes: fromBase64(value) })
  }
  if (at !== lines.length) throw invalid('something follows its end')
  return { extra, index, hashes, dao, proposal, size, root, signatures }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw invalid('it is no text', error)
  }
}

function afterWord(line: string, word: string): string {
  return afterPrefix(line, `${word} `)
}

function afterPrefix(line: string, prefix: string): string {
  if (!line.startsWith(prefix)) throw invalid(`a line that should begin with "${prefix.trim()}" does not`)
  return line.slice(prefix.length)
}

function wholeNumber(text: string): number {
  if (!digits.test(text)) throw invalid('a number is malformed')
  return Number(text)
}

function hash(text: string): Uint8Array {
  const bytes = fromBase64(text)
  if (bytes.length !== 32) throw invalid(`a hash of ${bytes.length} bytes, not 32`)
  return bytes
}

function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw invalid('a line is not in base64')
  return bytes
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function invalid(found: string, cause?: unknown): X0tError {
  return new X0tError('DAO_RECEIPT_INVALID', `not a receipt: ${found}`, {
    cause,
    hint: 'ask for it again where the vote is known: x0t dao receipt',
  })
}
