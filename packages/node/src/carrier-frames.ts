import { maxPayloadBytes } from '@x0t/libp2p'

/**
 * Cuts length-prefixed datagrams (`[u16 length][bytes]`, big endian) between two of them, so that each piece fits a
 * frame of the control stream: a burst of the data plane may be longer than one.
 */
export function* cutCarrierFrames(bytes: Uint8Array, maxBytes = maxPayloadBytes): Generator<Uint8Array> {
  let from = 0
  let end = 0
  while (end + 2 <= bytes.length) {
    const next = end + 2 + ((bytes[end]! << 8) | bytes[end + 1]!)
    if (next > bytes.length) break
    if (next - from > maxBytes) {
      if (end > from) yield bytes.subarray(from, end)
      from = end
    }
    end = next
  }
  if (end > from) yield bytes.subarray(from, end)
}
