import { decode, encode } from '@ipld/dag-cbor'

/**
 * What a neighbour says about its end of the data-plane link, on the link channel of the control stream. Both ends
 * must offer the same generation; a higher one replaces the link with new ids and keys (ARCHITECTURE.md, data plane).
 */
export interface LinkOffer {
  readonly generation: number
  /** Chosen by the sender, which finds the link by it in what it receives. */
  readonly linkId: number
  readonly udpPort: number
  /** The carrier that the sender asks for; `tls` if either end does. */
  readonly carrier: 'udp' | 'tls'
  /** Names the control connection, 8 bytes in hex: while two of them are open, offers of the other are ignored. */
  readonly connection: string
}

const maxOfferBytes = 128
const maxGeneration = 2 ** 31

export function encodeLinkOffer({ generation, linkId, udpPort, carrier, connection }: LinkOffer): Uint8Array {
  return encode({ g: generation, l: linkId, p: udpPort, c: carrier, n: Buffer.from(connection, 'hex') })
}

/** @throws TypeError, or an error of dag-cbor, if `bytes` are no offer */
export function decodeLinkOffer(bytes: Uint8Array): LinkOffer {
  if (bytes.length > maxOfferBytes) throw new TypeError('the link offer is too long')
  const value: unknown = decode(bytes)
  if (typeof value !== 'object' || value === null) throw new TypeError('the link offer is no map')
  const { g, l, p, c, n, ...rest } = value as Record<string, unknown>
  if (Object.keys(rest).length > 0) throw new TypeError('the link offer has unknown fields')
  if (c !== 'udp' && c !== 'tls') throw new TypeError('the link offer names no carrier')
  if (!(n instanceof Uint8Array) || n.length !== 8) throw new TypeError('the link offer names no connection')
  return {
    generation: integer(g, maxGeneration),
    linkId: integer(l, 0xffff),
    udpPort: integer(p, 0xffff),
    carrier: c,
    connection: Buffer.from(n).toString('hex'),
  }
}

function integer(value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max)
    throw new TypeError('a number of the link offer is out of range')
  return value
}
