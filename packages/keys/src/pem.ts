import { X0tError } from '@x0t/core'

/** Longest PEM text read, characters. */
const maxPemLength = 65_536

/** One PEM block in the strict form of RFC 7468 §3: lines of 64 characters, one newline at the end. */
export function encodePem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** A PEM block as read. */
export interface PemBlock {
  readonly label: string
  readonly bytes: Buffer
}

/**
 * Reads text that is exactly one PEM block. Unlike OpenSSL it takes no text before or after, no second block, no byte-order
 * mark, and only canonical base64: what a file claims to hold is all that it holds.
 * @throws X0tError KEY_INVALID
 */
export function decodePem(text: string): PemBlock {
  if (text.length > maxPemLength) throw invalid('it is longer than any key')
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  if (lines.at(-1) === '') lines.pop()
  const label = /^-----BEGIN ([A-Z0-9]+(?: [A-Z0-9]+)*)-----$/.exec(lines[0] ?? '')?.[1]
  if (label === undefined) throw invalid('it does not begin with -----BEGIN …-----')
  const end = lines.indexOf(`-----END ${label}-----`)
  if (end < 0) throw invalid('its end is missing')
  if (end !== lines.length - 1) throw invalid('something follows its end')
  const body = lines.slice(1, end)
  if (body.some((line, index) => (index < body.length - 1 ? line.length !== 64 : line.length > 64)))
    throw invalid('its lines are not 64 characters long')
  const base64 = body.join('')
  const bytes = Buffer.from(base64, 'base64')
  if (base64 === '' || bytes.toString('base64') !== base64) throw invalid('its base64 is damaged')
  return { label, bytes }
}

/** The bytes of a block that must have this label. @throws X0tError KEY_INVALID */
export function decodePemOf(label: string, text: string): Buffer {
  const block = decodePem(text)
  if (block.label !== label) throw invalid(`it holds ${block.label}, expected ${label}`)
  return block.bytes
}

function invalid(why: string): X0tError {
  return new X0tError('KEY_INVALID', `this is not one whole PEM block: ${why}`)
}
