import { encode } from '@ipld/dag-cbor'
import { bytesOfNodeId, type NodeId } from '@x0t/core'
import { limits } from './limits.ts'
import {
  decodeValue,
  integerOf,
  listOf,
  malformed,
  mapOf,
  nodeIdOf,
  textOf,
  tupleOf,
} from './strict-fields.ts'

/** A link as one of its ends lists it. */
export interface ListedLink {
  /** Cost of sending over it, µs. */
  readonly costUs: number
  /** Largest UDP payload that passes, bytes. */
  readonly datagramBytes: number
}

/** What a node says of itself: the body of its signed link state. */
export interface LinkState {
  readonly origin: NodeId
  /** Grows with every link state of this origin, across its restarts. */
  readonly sequence: number
  readonly name: string
  readonly addresses: readonly string[]
  readonly features: readonly string[]
  /** In ascending order of the ids. */
  readonly neighbours: ReadonlyMap<NodeId, ListedLink>
  /** Wall clock of the origin, milliseconds since 1970. */
  readonly issuedAtMs: number
}

const version = 1
const keys = ['v', 'seq', 'name', 'origin', 'features', 'issuedAt', 'addresses', 'neighbours']

/** The bytes that are signed: dag-cbor. */
export function encodeLinkState(state: LinkState): Uint8Array<ArrayBuffer> {
  const neighbours = [...state.neighbours].map(([id, link]) => [
    bytesOfNodeId(id),
    link.costUs,
    link.datagramBytes,
  ])
  return new Uint8Array(
    encode({
      v: version,
      origin: bytesOfNodeId(state.origin),
      seq: state.sequence,
      name: state.name,
      addresses: state.addresses,
      features: state.features,
      neighbours,
      issuedAt: state.issuedAtMs,
    }),
  )
}

/**
 * Reads a body strictly: bounded, canonical dag-cbor, neighbours ascending and without the origin itself.
 * @throws X0tError MESH_MESSAGE_MALFORMED
 */
export function decodeLinkState(bytes: Uint8Array): LinkState {
  const value = decodeValue(bytes, limits.linkStateBytes)
  if (Buffer.compare(encode(value), bytes) !== 0) throw malformed('a link state that is not canonical')
  const map = mapOf(value, keys)
  integerOf(map['v'], version, version)
  const origin = nodeIdOf(map['origin'])
  const neighbours = new Map<NodeId, ListedLink>()
  let last = ''
  for (const [id, link] of listOf(map['neighbours'], limits.neighbours, readNeighbour)) {
    if (id <= last || id === origin) throw malformed('neighbours out of order')
    last = id
    neighbours.set(id, link)
  }
  return {
    origin,
    sequence: integerOf(map['seq'], 1, Number.MAX_SAFE_INTEGER),
    name: textOf(map['name'], limits.nameCharacters),
    addresses: listOf(map['addresses'], limits.addresses, (item) => textOf(item, limits.addressCharacters)),
    features: listOf(map['features'], limits.features, (item) => textOf(item, limits.featureCharacters)),
    neighbours,
    issuedAtMs: integerOf(map['issuedAt'], 0, Number.MAX_SAFE_INTEGER),
  }
}

/** True if both say the same of the origin, apart from sequence and time. */
export function sameContent(a: LinkState, b: LinkState): boolean {
  return (
    a.name === b.name &&
    sameTexts(a.addresses, b.addresses) &&
    sameTexts(a.features, b.features) &&
    sameListing(a.neighbours, b.neighbours)
  )
}

/** True if both list the same links at the same cost. */
export function sameListing(a: ReadonlyMap<NodeId, ListedLink>, b: ReadonlyMap<NodeId, ListedLink>): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [id, link] of a) {
    const other = b.get(id)
    if (other === undefined || other.costUs !== link.costUs || other.datagramBytes !== link.datagramBytes)
      return false
  }
  return true
}

/** True if a link of `before` is gone, costs more or carries less: packets may suffer until this is known. */
export function isWorse(before: LinkState, after: LinkState): boolean {
  for (const [id, link] of before.neighbours) {
    const now = after.neighbours.get(id)
    if (now === undefined || now.costUs > link.costUs || now.datagramBytes < link.datagramBytes) return true
  }
  return false
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index])
}

function readNeighbour(item: unknown): readonly [NodeId, ListedLink] {
  const [id, costUs, datagramBytes] = tupleOf(item, 3)
  return [
    nodeIdOf(id),
    {
      costUs: integerOf(costUs, 1, limits.linkCostUs),
      datagramBytes: integerOf(datagramBytes, 0, limits.datagramBytes),
    },
  ]
}
