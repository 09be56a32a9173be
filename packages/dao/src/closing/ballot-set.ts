import { merkleRoot } from '../merkle-tree.ts'
import type { RecordId } from '../record.ts'

/** Leaf of a ballot in the tree of a certified set: the text of its record's id, so that it can be hashed by hand. */
export function ballotLeaf(id: RecordId): Uint8Array {
  return Buffer.from(id, 'latin1')
}

/** RFC 6962 root over ids in ascending order of their text, 32 bytes. */
export function ballotSetRoot(ids: readonly RecordId[]): Uint8Array {
  return merkleRoot(ids.map(ballotLeaf))
}

/** Ids that at least `needed` of the declarations hold, ascending. Each declaration holds an id once. */
export function ballotsVouchedFor(
  declarations: readonly (readonly RecordId[])[],
  needed: number,
): readonly RecordId[] {
  const counts = new Map<RecordId, number>()
  for (const ballots of declarations) for (const id of ballots) counts.set(id, (counts.get(id) ?? 0) + 1)
  const vouched: RecordId[] = []
  for (const [id, count] of counts) if (count >= needed) vouched.push(id)
  return vouched.toSorted()
}
