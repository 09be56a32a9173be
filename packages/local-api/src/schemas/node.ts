import { z } from 'zod'
import { count, durationMs, nodeId, timeMs } from './fields.ts'

export const status = z.object({
  id: nodeId,
  name: z.string(),
  spiffeId: z.string(),
  /** Overlay IPv6 address. */
  address: z.string(),
  /** Name of the mesh: the trust domain without `.x0t`. */
  mesh: z.string(),
  version: z.string(),
  pid: count,
  uptimeMs: durationMs,
  tun: z.discriminatedUnion('state', [
    z.object({ state: z.literal('up'), name: z.string(), mtuBytes: count }),
    z.object({ state: z.literal('absent'), reason: z.string() }),
  ]),
  /** Whether the kernel or this process probes neighbours and forwards for others, and why. */
  fastPath: z
    .discriminatedUnion('path', [
      z.object({
        path: z.literal('kernel'),
        /** Links of an earlier process were at work when this one began. */
        takenOver: z.boolean(),
        interfaces: z.array(
          z.object({
            name: z.string(),
            mode: z.enum(['native', 'generic']).nullable(),
            problem: z.object({ code: z.string(), reason: z.string() }).nullable(),
          }),
        ),
      }),
      z.object({
        path: z.literal('userspace'),
        code: z.string().nullable(),
        reason: z.string(),
        hint: z.string().nullable(),
      }),
    ])
    .optional(),
  listen: z.array(z.object({ transport: z.enum(['tcp', 'udp', 'http']), address: z.string() })),
  svidNotAfterMs: timeMs,
  /** `authority`: this node holds the mesh's certificate authority. */
  role: z.enum(['member', 'authority']),
  peers: count,
  sessions: count,
  /** Incidents of the healing loop that are not over; `safe_mode` where it only observes. */
  healing: z.enum(['off', 'on', 'safe_mode']).optional(),
  openIncidents: count.optional(),
  counters: z.record(z.string(), z.number()),
  rssBytes: count,
})
export type Status = z.infer<typeof status>

const settingValue = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])

export const config = z.object({
  settings: z.array(
    z.object({
      name: z.string(),
      value: settingValue,
      source: z.enum(['flag', 'env', 'vote', 'file', 'default']),
      /** Flag, variable, proposal, or file and line. */
      at: z.string().optional(),
      /** What holds from the next start of the node on: a vote, or what was there before one (null). */
      next: z.object({ value: settingValue, proposal: z.string().nullable() }).optional(),
    }),
  ),
})
export type Config = z.infer<typeof config>

export const stopped = z.object({ stopping: z.literal(true) })
export type Stopped = z.infer<typeof stopped>

const level = z.enum(['debug', 'info', 'warn', 'error'])
export const logLevelRequest = z.strictObject({ level })
export type LogLevelRequest = z.infer<typeof logLevelRequest>
export const logLevel = z.object({ level })
export type LogLevel = z.infer<typeof logLevel>

/** Something that happened in the daemon; `event` is a stable name in kebab-case. */
export const nodeEvent = z.object({
  atMs: timeMs,
  level,
  event: z.string(),
  fields: z.record(z.string(), z.unknown()),
})
export type NodeEvent = z.infer<typeof nodeEvent>

/** Metrics in the text format of Prometheus 0.0.4. */
export const metrics = z.string()
