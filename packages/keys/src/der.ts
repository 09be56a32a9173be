/** DER (X.690) encoding of one value. */
export function derValue(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const lengthBytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  if (length > 0xffff) throw new RangeError(`a DER value of ${length} bytes is longer than any key`)
  return Buffer.concat([Uint8Array.of(tag, ...lengthBytes), content])
}

/** True if `der` is exactly one SEQUENCE with its length in the shortest form, and nothing follows it. */
export function isWholeSequence(der: Uint8Array): boolean {
  if (der[0] !== 0x30) return false
  const first = der[1] ?? 0xff
  if (first < 0x80) return der.length === 2 + first
  if (first === 0x81) return (der[2] ?? 0) >= 0x80 && der.length === 3 + der[2]!
  if (first === 0x82) {
    const length = ((der[2] ?? 0) << 8) | (der[3] ?? 0)
    return length >= 0x100 && der.length === 4 + length
  }
  return false
}
