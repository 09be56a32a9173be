import type { DaoRecord, MemberId, MemberKeys, RecordId, SignedRecord, Verifier } from '@x0t/dao'
import { nodeIdOfKeys } from '@x0t/keys'
import type { RecordCheck, Verdict } from '@x0t/orbit'

/** Rotations of one member that are followed. */
const maxKeys = 64

/** The keys that members have or had, as far as records tell: enough to say whether a record may be carried. */
export interface KeyBook extends RecordCheck {
  /** Takes the keys out of a record that holds; true if one of them is new. */
  learn(record: DaoRecord): boolean
}

export function createKeyBook(genesis: RecordId, verifier: Verifier): KeyBook {
  const keys = new Map<MemberId, MemberKeys[]>()
  const add = (member: MemberId, more: MemberKeys): boolean => {
    const known = keys.get(member) ?? []
    if (known.length >= maxKeys || known.some((each) => isSame(each, more))) return false
    // The newest first: most records are signed with it.
    keys.set(member, [more, ...known])
    return true
  }
  return {
    keysOf: (member) => keys.get(member) ?? [],
    learn({ kind, author, body }) {
      if (kind === 'genesis') return body.members.map((each) => add(each.id, each.keys)).some(Boolean)
      if (kind === 'member.rotate') return add(author, body.keys)
      if (kind !== 'member.add') return false
      const { id, keys: first } = body.member
      // A member is named by its first keys: nobody can give it others.
      return nodeIdOfKeys(first.ed25519, first.mldsa65) === id && add(id, first)
    },
    async verify(records) {
      const verdicts = new Map<SignedRecord, Verdict>()
      let open = records.map((signed) => ({ signed, left: keys.get(signed.record.author) ?? [] }))
      for (const { signed, left } of open)
        verdicts.set(signed, left.length === 0 && signed.id !== genesis ? 'unknown' : 'doubtful')
      while (open.length > 0) {
        const tasks = open.flatMap(({ signed, left: [first, ...rest] }) =>
          first === undefined ? [] : [{ signed, keys: first, rest }],
        )
        const good = await verifier.verify(tasks)
        for (const [index, { signed }] of tasks.entries()) if (good[index]) verdicts.set(signed, 'good')
        open = tasks.flatMap(({ signed, rest }, index) => (good[index] ? [] : [{ signed, left: rest }]))
      }
      return records.map((signed) => verdicts.get(signed)!)
    },
  }
}

function isSame(a: MemberKeys, b: MemberKeys): boolean {
  return Buffer.compare(a.ed25519, b.ed25519) === 0 && Buffer.compare(a.mldsa65, b.mldsa65) === 0
}
