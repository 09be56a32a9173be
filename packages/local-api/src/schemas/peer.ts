import { z } from 'zod'
import { count, durationMs, nodeId, ratio, timeMs } from './fields.ts'

const traffic = z.object({
  bytes: count,
  packets: count,
  bytesPerSecond: z.number().nonnegative(),
  packetsPerSecond: z.number().nonnegative(),
})
export type Traffic = z.infer<typeof traffic>

/** A neighbour: a member with a direct connection. */
export const peer = z.object({
  id: nodeId,
  name: z.string(),
  address: z.string(),
  /** Underlay address of the other end, `host:port`; null where unknown. */
  endpoint: z.string().nullable(),
  carrier: z.enum(['udp', 'tls']),
  /** Null until measured. */
  rttMs: durationMs.nullable(),
  lossRatio: ratio.nullable(),
  mtuBytes: count,
  tx: traffic,
  rx: traffic,
  connectedSinceMs: timeMs,
  /** Live end-to-end security associations with this member. */
  sessions: z.array(z.object({ suite: z.string(), ageMs: durationMs, sending: z.boolean() })),
})
export type Peer = z.infer<typeof peer>

export const peers = z.object({ peers: z.array(peer) })
export type Peers = z.infer<typeof peers>
