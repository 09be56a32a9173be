/** One DER value: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  const { length } = body
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body])
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...bytes]), body])
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content)
export const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text))
export const utcTime = (text: string): Buffer => der(0x17, Buffer.from(text))
export const bitString = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes)
export const octetString = (bytes: Uint8Array): Buffer => der(0x04, bytes)
