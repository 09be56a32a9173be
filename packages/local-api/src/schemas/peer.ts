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
  /** Variation of the time on the way towards this node (RFC 3550). */
  jitterMs: durationMs.nullable(),
  /** Share of datagrams lost on the way to this node. */
  lossRatio: ratio.nullable(),
  /** Share lost on the way to the neighbour, as it says. */
  lossToRatio: ratio.nullable(),
  /** Interval of the probes, and silence after which the link is down. */
  probeIntervalMs: durationMs.nullable(),
  deadlineMs: durationMs.nullable(),
  /** Why the link was down last; null if it never was. */
  downReason: z.enum(['silent', 'carrier', 'told']).nullable(),
  /** What the kernel's own probes find; null where it does not carry the link, or all is left to the daemon. */
  kernel: z
    .object({
      /** `unknown` until the neighbour's kernel has answered, which it may never do. */
      state: z.enum(['unknown', 'up', 'down']),
      /** False while the daemon alone judges the link. */
      isWatched: z.boolean(),
      rttMs: durationMs.nullable(),
      intervalMs: durationMs,
      deadlineMs: durationMs,
      downs: count,
      /** Silences that were blamed on this machine. */
      stalls: count,
    })
    .nullable()
    .optional(),
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
