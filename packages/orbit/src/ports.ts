import type { Stream } from '@libp2p/interface'
import type { NodeId } from '@x0t/core'
import type { MemberId, MemberKeys, RecordId, SignedRecord } from '@x0t/dao'

/** The neighbours of this node and streams to them; `streams` of the control plane is meant for it. */
export interface OrbitNetwork {
  neighbours(): readonly NodeId[]
  /** @throws X0tError CONTROL_NOT_CONNECTED, CONTROL_PROTOCOL_UNKNOWN */
  open(nodeId: NodeId, protocol: string, options: { readonly signal: AbortSignal }): Promise<Stream>
  answer(
    protocol: string,
    onStream: (nodeId: NodeId, stream: Stream) => void,
    options: { readonly perNeighbour: number },
  ): Promise<AsyncDisposable>
}

/**
 * `unknown`: the author is no member as far as is known here. `doubtful`: no known key of the author signed it, and a
 * rotation that is not here yet may have named one that did. Both may change; `bad` never does.
 */
export type Verdict = 'good' | 'bad' | 'unknown' | 'doubtful'

/** What the members that are known here make of records. */
export interface RecordCheck {
  /** Whether both signatures hold under keys that the author has or had; a verdict for each. */
  verify(records: readonly SignedRecord[]): Promise<readonly Verdict[]>
  /** All keys that a member has or had; empty for a stranger. Members may write a log of their own. */
  keysOf(member: MemberId): readonly MemberKeys[]
}

/** The member that writes on this node. */
export interface Writer {
  readonly member: MemberId
  /** Signs with both keys of the member (`hybridSign`). */
  sign(bytes: Uint8Array, context: string): Uint8Array
}

/** What happens that an operator may want to see. */
export type OrbitEvent =
  | { readonly kind: 'other-dao'; readonly neighbour: NodeId; readonly dao: string }
  | { readonly kind: 'neighbour-muted'; readonly neighbour: NodeId; readonly reason: string }
  | { readonly kind: 'writer-muted'; readonly writer: MemberId; readonly reason: string }

/** Numbers for metrics. */
export interface OrbitStatus {
  /** Neighbours with which this DAO was exchanged. */
  readonly neighbours: readonly NodeId[]
  /** Neighbours that hold another DAO. */
  readonly strangers: readonly { readonly neighbour: NodeId; readonly dao: RecordId }[]
  readonly logs: number
  readonly records: number
  /** Records whose author is not known here yet. */
  readonly waiting: number
  readonly bytes: number
}
