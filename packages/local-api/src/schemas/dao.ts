import { z } from 'zod'
import { count, nodeId, timeMs } from './fields.ts'

/** The DAO of the node's home, as its daemon follows it. */
export const daoStatus = z.object({
  /** Null where the home holds no DAO. */
  dao: z
    .object({
      /** Id of the genesis record. */
      id: z.string(),
      name: z.string(),
      /** The member that this node signs as; null for a node of no member. */
      member: nodeId.nullable(),
      members: count,
      /** Records that hold. */
      records: count,
      /** Proposals by state. */
      proposals: z.record(z.string(), count),
      /** Records that count for nothing, and those that wait for others. */
      rejected: count,
      waiting: count,
      replication: z.object({
        /** Neighbours with which records are exchanged. */
        neighbours: z.array(nodeId),
        /** Neighbours that hold another DAO; nothing is taken from them. */
        strangers: z.array(z.object({ neighbour: nodeId, dao: z.string() })),
        /** Logs of members, records and bytes in them, and records whose author is not known yet. */
        logs: count,
        records: count,
        waiting: count,
        bytes: count,
      }),
    })
    .nullable(),
  /** Why a DAO that is there is not followed. */
  problem: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type DaoStatus = z.infer<typeof daoStatus>

/** A proposal to be carried out now, as far as it is due. */
export const daoExecuteRequest = z.strictObject({
  proposal: z.string().min(1).max(64),
  /** Only to be told what would change. */
  dryRun: z.boolean().optional(),
})
export type DaoExecuteRequest = z.infer<typeof daoExecuteRequest>

export const daoExecution = z.object({
  proposal: z.string(),
  actions: z.array(
    z.object({
      action: count,
      /** In words. */
      what: z.string(),
      /** executed, failed, waiting, due, vetoed … */
      stage: z.string(),
      untilMs: timeMs.nullable(),
      detail: z.string(),
      /** Value in force and after it; null where there is no such thing. */
      from: z.string().nullable(),
      to: z.string().nullable(),
      /** `live` or `start`: at the next start of the node. */
      takesEffect: z.string(),
    }),
  ),
})
export type DaoExecution = z.infer<typeof daoExecution>
