import { X0tError } from './error.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** Lower-case base32 of RFC 4648 §6, without padding. */
export function base32Encode(bytes: Uint8Array): string {
  let text = ''
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(buffer >>> bits) & 31]
    }
    buffer &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + alphabet[(buffer << (5 - bits)) & 31]
}

/**
 * The bytes of lower-case base32 without padding.
 * @throws X0tError BASE32_INVALID on a foreign character, an impossible length, or bits left over that are not zero
 */
export function base32Decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let buffer = 0
  let bits = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const value = alphabet.indexOf(text[i]!)
    if (value < 0) throw new X0tError('BASE32_INVALID', `character ${i + 1} is not lower-case base32`)
    buffer = (buffer << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = buffer >>> bits
      buffer &= (1 << bits) - 1
    }
  }
  if (bits >= 5 || buffer !== 0) {
    throw new X0tError('BASE32_INVALID', `base32 of length ${text.length} does not encode whole bytes`)
  }
  return bytes
}
