import { labelOfNodeId, type Counters, type NodeId } from '@x0t/core'
import type { DataPlaneEvent } from '@x0t/tunnel'
import type { EventLog } from './event-log.ts'

/** Members whose traffic the data plane has moved to a tree, because it did not arrive the ordinary way. */
export interface PathSuspicions {
  /** Takes notice of an event of the data plane, as far as it is about a path. */
  handle(event: DataPlaneEvent): void
  /** The neighbour through which this member is not reached at present, although the neighbour lives. */
  suspect(member: NodeId): NodeId | undefined
}

export function createPathSuspicions({
  memberOfLabel,
  events,
  counters,
}: {
  readonly memberOfLabel: (label: Uint8Array) => NodeId | undefined
  readonly events: Pick<EventLog, 'emit'>
  readonly counters: Counters
}): PathSuspicions {
  const suspects = new Map<string, NodeId>()
  const keyOf = (label: Uint8Array): string => Buffer.from(label).toString('hex')
  return {
    handle(event) {
      if (event.kind === 'path-suspect') {
        const { label, neighbour, evidence } = event
        suspects.set(keyOf(label), neighbour as NodeId)
        counters.count('path_suspicions_total', { evidence })
        events.emit('path-suspect', { peer: memberOfLabel(label), neighbour, evidence })
      } else if (event.kind === 'path-clear') {
        const { label, neighbour, reason } = event
        suspects.delete(keyOf(label))
        counters.count('path_suspicions_cleared_total', { reason })
        events.emit('path-clear', { peer: memberOfLabel(label), neighbour, reason })
      }
    },
    suspect: (member) => suspects.get(keyOf(labelOfNodeId(member))),
  }
}
