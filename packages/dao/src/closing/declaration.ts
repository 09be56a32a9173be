import type { MemberId, RecordId, RecordOf, SignedRecord } from '../record.ts'

/** Ids in one part of a declaration: 31 kB of text, well below what one record may hold. */
export const ballotsPerPart = 512

/** What one witness held when it ended the vote. */
export interface Declaration {
  /** Of the last part. */
  readonly id: RecordId
  readonly author: MemberId
  readonly ballots: readonly RecordId[]
}

type Part = SignedRecord & { readonly record: RecordOf<'seal'> }

/** The ids of each part of a declaration; one empty part where there is no ballot. */
export function partsOf(ballots: readonly RecordId[]): readonly (readonly RecordId[])[] {
  const parts: RecordId[][] = []
  for (let from = 0; from === 0 || from < ballots.length; from += ballotsPerPart)
    parts.push(ballots.slice(from, from + ballotsPerPart))
  return parts
}

/**
 * Puts a declaration together, from its last part backwards: each part names the one before by its hash, so that the
 * last one's id stands for all of it.
 * @returns the part that is missing, or the declaration; null if the parts do not make one
 */
export function declarationOf(
  last: Part,
  parts: ReadonlyMap<RecordId, Part>,
): { readonly missing: RecordId } | { readonly declaration: Declaration | null } {
  const none = { declaration: null }
  const lists: (readonly RecordId[])[] = []
  let part = last
  for (;;) {
    const { body, author, prev } = part.record
    if (body.step !== 'declare' || author !== last.record.author) return none
    if (last.record.body.step !== 'declare' || body.of !== last.record.body.of) return none
    if (body.part !== body.of - 1 - lists.length) return none
    lists.unshift(body.ballots)
    if (body.part === 0) break
    if (prev === null) return none
    const before = parts.get(prev)
    if (before === undefined) return { missing: prev }
    part = before
  }
  const ballots = lists.flat()
  for (let i = 1; i < ballots.length; i++) if (ballots[i - 1]! >= ballots[i]!) return none
  return { declaration: { id: last.id, author: last.record.author, ballots } }
}
