import { z } from 'zod'
import { count, durationMs, nodeId, nodeReference } from './fields.ts'

/** Metric of a link or path, microseconds: latency weighted by loss. */
const costUs = z.number().nonnegative()

export const meshNode = z.object({
  id: nodeId,
  name: z.string(),
  address: z.string(),
  features: z.array(z.string()),
  neighbours: z.array(z.object({ id: nodeId, costUs })),
  /** Since its link state was last heard. */
  ageMs: durationMs,
})
export type MapNode = z.infer<typeof meshNode>

export const meshMap = z.object({ self: nodeId, nodes: z.array(meshNode) })
export type MeshMap = z.infer<typeof meshMap>

export const meshRoute = z.object({
  destination: nodeId,
  name: z.string(),
  address: z.string(),
  nextHop: nodeId,
  /** The neighbour that steps in at once when `nextHop` dies; null where there is none. */
  alternate: nodeId.nullable(),
  /** How it goes on from there: by a loop-free alternate, or on one of the independent trees. */
  alternatePlane: z.enum(['repair', 'red', 'blue']).nullable(),
  /** Whether the alternate survives the death of `nextHop` or of the link to it only. */
  alternateKind: z.enum(['node-protecting', 'link-protecting']).nullable(),
  costUs,
  /** Least cost during the last 100 ms. */
  feasibleUs: costUs,
  hops: count,
  /** From the first hop to the destination. */
  path: z.array(nodeId),
  /** Ways on the two independent trees, which share no node and no link that could be avoided; null while unknown. */
  red: z.array(nodeId).nullable(),
  blue: z.array(nodeId).nullable(),
  /** Largest datagram that fits every link of the path, and of the red and the blue one. */
  pathDatagramBytes: count,
  /** The neighbour through which packets to this member do not arrive, so that a tree carries them; else null. */
  suspect: nodeId.nullable(),
  /** Whether a setting asks to send everything to this member on both trees, and whom both of them pass all the same. */
  hitless: z.object({ isAsked: z.boolean(), sharedNodes: z.array(nodeId).nullable() }),
})
export type MeshRoute = z.infer<typeof meshRoute>

export const meshRoutes = z.object({ routes: z.array(meshRoute) })
export type MeshRoutes = z.infer<typeof meshRoutes>

export const traceRequest = z.strictObject({ to: nodeReference })
export type TraceRequest = z.infer<typeof traceRequest>

export const trace = z.object({
  to: nodeId,
  name: z.string(),
  reached: z.boolean(),
  /** In the order of the path; `rttUs` is null where a hop did not answer. */
  hops: z.array(z.object({ node: nodeId, name: z.string(), rttUs: z.number().nonnegative().nullable() })),
})
export type Trace = z.infer<typeof trace>

export const pathsRequest = z.strictObject({
  to: nodeReference,
  /** How many are asked for. */
  count: z.int().min(1).max(16).optional(),
  /** What the paths must not share: relays and links, or links only. */
  by: z.enum(['node', 'link']).optional(),
})
export type PathsRequest = z.infer<typeof pathsRequest>

const pathUse = z.enum(['shortest', 'red', 'blue'])

const meshPath = z.object({
  /** From the first hop to the destination. */
  path: z.array(nodeId),
  costUs,
  hops: count,
  /** What this very path is used as at the moment. */
  uses: z.array(pathUse),
})
export type MeshPath = z.infer<typeof meshPath>

export const meshPaths = z.object({
  to: nodeId,
  name: z.string(),
  asked: count,
  by: z.enum(['node', 'link']),
  /** Disjoint, with the least sum of costs there is for so many; cheapest first. */
  paths: z.array(meshPath),
  /** Where there are fewer than asked for: what parts the two ends when it fails; null where there are as many. */
  cut: z
    .object({ nodes: z.array(nodeId), links: z.array(z.object({ from: nodeId, to: nodeId })) })
    .nullable(),
  /** Paths in use that are none of `paths`. */
  others: z.array(meshPath),
  /** Names of all nodes above. */
  names: z.record(nodeId, z.string()),
})
export type MeshPaths = z.infer<typeof meshPaths>

export const meshStatus = z.object({
  id: nodeId,
  mesh: z.string(),
  nodes: count,
  peers: count,
  routes: count,
  uptimeMs: durationMs,
})
export type MeshStatus = z.infer<typeof meshStatus>
