import { createHash } from 'node:crypto'
import type { Neighbour, RouteTarget } from '@x0t/tunnel'

/** UDP port of the data planes; each has a network namespace of its own. */
export const planePort = 7700

/** First 8 bytes of a node's id. Ids, keys and link ids are made of names: nobody negotiates them. */
export function labelOf(host: string): Uint8Array {
  return digest(`label ${host}`).subarray(0, 8)
}

/** Overlay address of a node, 16 bytes. */
export function addressOf(host: string): Uint8Array {
  return Uint8Array.of(0xfd, 0x78, ...digest(`address ${host}`).subarray(0, 14))
}

/** Key of what one node sends to its neighbour, 16 bytes. */
export function hopKey(from: string, to: string): Uint8Array {
  return digest(`key ${from} ${to}`).subarray(0, 16)
}

/** The link id by which a host finds what its neighbour sends. */
export function linkId(at: string, neighbour: string): number {
  return new DataView(digest(`link ${at} ${neighbour}`).buffer).getUint16(0)
}

/** A neighbour as the data plane is told of it. */
export function neighbourOf(self: string, other: string, host: string): Neighbour {
  return {
    id: other,
    localLinkId: linkId(self, other),
    remoteLinkId: linkId(other, self),
    endpoint: { host, port: planePort },
    sendKey: hopKey(self, other),
    receiveKey: hopKey(other, self),
    carrier: 'udp',
  }
}

/** A route over a neighbour, without an alternate. */
export function routeOf(to: string, via: string): RouteTarget {
  return {
    label: labelOf(to),
    address: addressOf(to),
    nextHop: via,
    feasibleUs: 100,
    pathDatagramBytes: 1400,
  }
}

function digest(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(`x0t bench relay ${text}`).digest())
}
