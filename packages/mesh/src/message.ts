import { encode } from '@ipld/dag-cbor'
import { bytesOfNodeId, type NodeId } from '@x0t/core'
import { maxRemaining, planes, type Plane } from './forward.ts'
import { limits } from './limits.ts'
import {
  booleanOf,
  bytesOf,
  decodeValue,
  integerOf,
  listOf,
  malformed,
  mapOf,
  nodeIdOf,
  textOf,
  tupleOf,
} from './strict-fields.ts'

/**
 * A link state as it travels: the signed body, with origin and sequence repeated in front so that
 * duplicates are dropped before anything is decoded or verified.
 */
export interface Envelope {
  readonly origin: NodeId
  readonly sequence: number
  /** Time since the origin signed it, as the relays measured it. */
  readonly ageMs: number
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

/** What a node holds of one origin: sequence and the first 4 bytes of the signature. */
export interface SummaryEntry {
  readonly origin: NodeId
  readonly sequence: number
  readonly check: number
}

/** Messages between neighbours on the mesh channel. */
export type MeshMessage =
  /** Link states, flooded or asked for. */
  | { readonly type: 'states'; readonly envelopes: readonly Envelope[] }
  /** What the sender holds; the receiver asks for what it lacks. */
  | { readonly type: 'summary'; readonly entries: readonly SummaryEntry[] }
  /** Asks for the link states of these origins. */
  | { readonly type: 'request'; readonly origins: readonly NodeId[] }
  /** Count and XOR of the checks of all that the sender holds; where they differ, the receiver sends its summary. */
  | { readonly type: 'compare'; readonly count: number; readonly check: number }
  /** A payload for a member that may not be a neighbour. */
  | RoutedMessage
  | TraceProbe
  | TraceAnswer

/** What every message that goes hop by hop carries; plane and remaining distance as {@link forward} sets them. */
export interface HopFields {
  readonly destination: NodeId
  readonly hopLimit: number
  readonly plane: Plane
  readonly remaining: number
}

export interface RoutedMessage extends HopFields {
  readonly type: 'routed'
  readonly source: NodeId
  readonly payload: Uint8Array
}

/** Goes to `destination`; every node on the way adds itself and answers to `source`. */
export interface TraceProbe extends HopFields {
  readonly type: 'trace'
  readonly source: NodeId
  readonly traceId: string
  /** Nodes passed, in order. */
  readonly path: readonly NodeId[]
}

/** The answer of the last node of `path` to the source of a trace. */
export interface TraceAnswer extends HopFields {
  readonly type: 'traced'
  readonly traceId: string
  readonly path: readonly NodeId[]
  /** True if the node that answers is the trace's destination. */
  readonly reached: boolean
}

/** @throws RangeError if the message exceeds what {@link decodeMessage} takes */
export function encodeMessage(message: MeshMessage): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(encode(wireForm(message)))
  if (bytes.length > limits.messageBytes) throw new RangeError(`a mesh message of ${bytes.length} bytes`)
  return bytes
}

/** Reads a message strictly; bodies of link states stay bytes. @throws X0tError MESH_MESSAGE_MALFORMED */
export function decodeMessage(bytes: Uint8Array): MeshMessage {
  const value = decodeValue(bytes, limits.messageBytes)
  const type = typeof value === 'object' && value !== null && 't' in value ? value.t : undefined
  switch (type) {
    case 'states': {
      const map = mapOf(value, ['t', 'l'])
      return { type, envelopes: listOf(map['l'], limits.members, readEnvelope) }
    }
    case 'summary': {
      const map = mapOf(value, ['t', 'e'])
      return { type, entries: listOf(map['e'], limits.summaryEntries, readEntry) }
    }
    case 'request': {
      const map = mapOf(value, ['t', 'o'])
      return { type, origins: listOf(map['o'], limits.summaryEntries, nodeIdOf) }
    }
    case 'compare': {
      const map = mapOf(value, ['t', 'n', 'x'])
      return { type, count: integerOf(map['n'], 0, limits.members), check: readCheck(map['x']) }
    }
    case 'routed': {
      const map = mapOf(value, ['t', 's', 'd', 'h', 'y', 'm', 'p'])
      const payload = bytesOf(map['p'], 0, limits.routedPayloadBytes)
      return { type, source: nodeIdOf(map['s']), ...readAddress(map), payload }
    }
    case 'trace': {
      const map = mapOf(value, ['t', 's', 'd', 'h', 'y', 'm', 'i', 'r'])
      return { type, source: nodeIdOf(map['s']), ...readAddress(map), ...readTrace(map) }
    }
    case 'traced': {
      const map = mapOf(value, ['t', 'd', 'h', 'y', 'm', 'i', 'r', 'e'])
      return { type, ...readAddress(map), ...readTrace(map), reached: booleanOf(map['e']) }
    }
    default:
      throw malformed('unknown type')
  }
}

function wireForm(message: MeshMessage): object {
  const t = message.type
  switch (message.type) {
    case 'states':
      return {
        t,
        l: message.envelopes.map((e) => [bytesOfNodeId(e.origin), e.sequence, e.ageMs, e.body, e.signature]),
      }
    case 'summary':
      return { t, e: message.entries.map((e) => [bytesOfNodeId(e.origin), e.sequence, e.check]) }
    case 'request':
      return { t, o: message.origins.map(bytesOfNodeId) }
    case 'compare':
      return { t, n: message.count, x: message.check }
    case 'routed':
      return { t, s: bytesOfNodeId(message.source), ...addressForm(message), p: message.payload }
    case 'trace':
      return { t, s: bytesOfNodeId(message.source), ...addressForm(message), ...traceForm(message) }
    default:
      return { t, ...addressForm(message), ...traceForm(message), e: message.reached }
  }
}

function addressForm({ destination, hopLimit, plane, remaining }: HopFields): object {
  return { d: bytesOfNodeId(destination), h: hopLimit, y: plane, m: remaining }
}

function traceForm(message: { traceId: string; path: readonly NodeId[] }): object {
  return { i: message.traceId, r: message.path.map(bytesOfNodeId) }
}

function readEnvelope(item: unknown): Envelope {
  const [origin, sequence, ageMs, body, signature] = tupleOf(item, 5)
  return {
    origin: nodeIdOf(origin),
    sequence: integerOf(sequence, 1, Number.MAX_SAFE_INTEGER),
    ageMs: integerOf(ageMs, 0, 2 ** 31),
    body: bytesOf(body, 1, limits.linkStateBytes),
    signature: bytesOf(signature, limits.signatureBytes, limits.signatureBytes),
  }
}

function readEntry(item: unknown): SummaryEntry {
  const [origin, sequence, check] = tupleOf(item, 3)
  return {
    origin: nodeIdOf(origin),
    sequence: integerOf(sequence, 1, Number.MAX_SAFE_INTEGER),
    check: readCheck(check),
  }
}

function readCheck(value: unknown): number {
  return integerOf(value, 0, 2 ** 32 - 1)
}

function readAddress(map: Readonly<Record<string, unknown>>): HopFields {
  return {
    destination: nodeIdOf(map['d']),
    hopLimit: integerOf(map['h'], 0, limits.hops),
    plane: integerOf(map['y'], planes.shortest, planes.blue) as Plane,
    remaining: integerOf(map['m'], 0, maxRemaining),
  }
}

function readTrace(map: Readonly<Record<string, unknown>>): { traceId: string; path: readonly NodeId[] } {
  return {
    traceId: textOf(map['i'], limits.traceIdCharacters),
    path: listOf(map['r'], limits.hops, nodeIdOf),
  }
}
