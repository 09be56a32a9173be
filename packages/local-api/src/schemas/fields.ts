import { z } from 'zod'
import { isNodeId, type NodeId } from '@x0t/core'

/** A node id: 52 characters of base32. */
export const nodeId = z
  .string()
  .regex(/^[a-z2-7]{51}[aq]$/, 'not a node id')
  .refine(isNodeId) as unknown as z.ZodType<NodeId, NodeId>

/** A node as people name it: id, the start of an id, name or overlay address. */
export const nodeReference = z.string().min(1).max(128)

export const count = z.int().nonnegative()

/** A wall-clock time, milliseconds since 1970. */
export const timeMs = z.number().nonnegative()

export const durationMs = z.number().nonnegative()

/** Share from 0 to 1. */
export const ratio = z.number().min(0).max(1)

/** A request without content. */
export const nothing = z.strictObject({})
