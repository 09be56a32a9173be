import type { Counters, Log, NodeId } from '@x0t/core'
import type { MeshAction } from './events.ts'
import { encodeMessage, type MeshMessage } from './message.ts'
import type { MeshParameters } from './parameters.ts'

/** What the parts of one mesh node share while an event is handled. */
export interface MeshContext {
  readonly self: NodeId
  readonly parameters: MeshParameters
  readonly log: Log
  readonly counters: Counters
  /** Time of the event at hand, monotonic. */
  nowMs: number
  emit(action: MeshAction): void
}

/** Emits one message to one or more neighbours; it is encoded once. */
export function sendMessage(context: MeshContext, to: Iterable<NodeId>, message: MeshMessage): void {
  let bytes: Uint8Array | undefined
  for (const id of to) context.emit({ type: 'send', to: id, bytes: (bytes ??= encodeMessage(message)) })
}
