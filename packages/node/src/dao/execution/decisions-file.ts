import { X0tError } from '@x0t/core'
import type { RecordId } from '@x0t/dao'
import { z } from 'zod'
import type { Decision } from './decision.ts'

/** More than there are values to vote on; the file stays below the largest that is read. */
const maxDecisions = 100
const schema = z.strictObject({
  v: z.literal(1),
  decisions: z
    .array(
      z.strictObject({
        proposal: z.string().regex(/^[a-z2-7]{10,100}$/),
        action: z.number().int().min(0).max(255),
        kind: z.enum(['policy', 'config']),
        key: z.string().min(1).max(100),
        value: z.union([z.string().max(200), z.number(), z.array(z.string().max(100)).max(32)]),
      }),
    )
    .max(maxDecisions),
})

/**
 * Decisions in force from the text of `decisions.json`: what was decided and applied here, so that it holds from the
 * first moment of a start. The records decide: once the daemon has read them it puts right what differs.
 * @throws X0tError DECISIONS_DAMAGED
 */
export function parseDecisions(text: string): readonly Decision[] {
  try {
    return schema.parse(JSON.parse(text)).decisions.map((one) => ({
      ...one,
      proposal: one.proposal as RecordId,
    }))
  } catch (error) {
    throw new X0tError('DECISIONS_DAMAGED', 'the file of decisions in force is damaged', {
      cause: error,
      hint: 'start the node: it makes the file anew from the records of the DAO',
    })
  }
}

export function decisionsText(decisions: readonly Decision[]): string {
  return `${JSON.stringify({ v: 1, decisions }, undefined, 2)}\n`
}

/** The decisions of a home; none, and why, where the file is damaged: that must keep no node from starting. */
export async function readDecisions(
  path: string,
  readFile: (path: string) => Promise<string | undefined>,
): Promise<{ readonly decisions: readonly Decision[]; readonly problem?: string }> {
  const text = await readFile(path)
  if (text === undefined) return { decisions: [] }
  try {
    return { decisions: parseDecisions(text) }
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
    return { decisions: [], problem: `${path}: ${error.message}; ${error.hint ?? ''}` }
  }
}
