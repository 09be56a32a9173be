import { nodeIdOfKeys } from '@x0t/keys'
import { verifyRotationProof } from './rotation-proof.ts'
import type { MemberId, MemberKeys, RecordId, SignedRecord } from './record.ts'

/** Keys that a member has from one of its records on. */
export interface KeyStep {
  readonly keys: MemberKeys
  /** The node id that these keys have. */
  readonly id: string
  /** Rotations before it, along its branch. */
  readonly rank: number
  /** The rotation that brought them; null for the keys that the member was admitted with. */
  readonly from: LaneNode | null
}

/** A record in the lane `member` of its author: signed by the keys that its predecessors leave. */
export interface LaneNode {
  readonly signed: SignedRecord
  readonly parent: LaneNode | null
  /** Keys that sign what follows it. */
  readonly step: KeyStep
}

const relevantKinds = new Set(['member.add', 'member.remove', 'member.balance', 'member.rotate', 'delegate'])

/** Whether both signatures of a record hold under these keys. */
export type Verify = (signed: SignedRecord, keys: MemberKeys) => boolean

/**
 * All that a member signed in its lane `member`: a chain, or a tree if it equivocated. **Which key verifies a record is
 * settled by its place**: the keys that the member was admitted with, replaced at each `member.rotate` on the way to it.
 * That depends on its predecessors alone, so a record is good or bad once and for all, in whatever order they come.
 */
export class MemberLane {
  readonly author: MemberId
  readonly nodes = new Map<RecordId, LaneNode>()
  /** Keys on any branch; a new list for each that comes. */
  steps: readonly KeyStep[]
  readonly #first: KeyStep
  readonly #bySeq: LaneNode[][] = []
  #cut = Infinity

  constructor(author: MemberId, keys: MemberKeys) {
    this.author = author
    this.#first = { keys, id: author, rank: 0, from: null }
    this.steps = [this.#first]
  }

  /** The first number that was given twice; from there on the lane is void. */
  get cut(): number {
    return this.#cut
  }

  /** Two records of the number at the cut, those with the lowest ids. */
  get proof(): readonly [RecordId, RecordId] | null {
    const twins = this.#bySeq[this.#cut]
    if (twins === undefined) return null
    const [a, b] = twins.map(({ signed }) => signed.id).toSorted()
    return [a!, b!]
  }

  /** The last record that has effect; null if there is none. */
  get head(): LaneNode | null {
    return this.#bySeq[Math.min(this.#cut, this.#bySeq.length) - 1]?.[0] ?? null
  }

  /** Records that have effect, in their order. */
  main(): LaneNode[] {
    return this.#bySeq.slice(0, Math.min(this.#cut, this.#bySeq.length)).map(([node]) => node!)
  }

  /** True if the record has effect now: no number up to its own was given twice. */
  isMain({ signed }: LaneNode): boolean {
    return signed.record.seq < this.#cut
  }

  /** Adds the genesis, or a record whose predecessor is here. Null if its signature is bad. */
  add(signed: SignedRecord, verify: Verify): LaneNode | null {
    const { record } = signed
    const parent = record.prev === null ? null : (this.nodes.get(record.prev) ?? null)
    const before = parent?.step ?? this.#first
    if (!verify(signed, before.keys)) return null
    const node: { signed: SignedRecord; parent: LaneNode | null; step: KeyStep } = {
      signed,
      parent,
      step: before,
    }
    if (record.kind === 'member.rotate' && isRotation(signed)) {
      const { keys } = record.body
      const id = nodeIdOfKeys(keys.ed25519, keys.mldsa65)
      node.step = { keys, id, rank: before.rank + 1, from: node }
      this.steps = [...this.steps, node.step]
    }
    this.nodes.set(signed.id, node)
    const twins = (this.#bySeq[record.seq] ??= [])
    twins.push(node)
    if (twins.length > 1 && record.seq < this.#cut) this.#cut = record.seq
    return node
  }
}

/** True if the new keys have signed that they are this member's. */
export function isRotation({ record }: SignedRecord): boolean {
  if (record.kind !== 'member.rotate' || record.dao === null) return false
  const { keys, proof } = record.body
  return verifyRotationProof({ dao: record.dao, member: record.author }, keys, proof)
}

/** This record, or the last one before it, that says something about the registry; null if there is none. */
export function lastRelevant(node: LaneNode | null): LaneNode | null {
  for (let at = node; at !== null; at = at.parent) if (relevantKinds.has(at.signed.record.kind)) return at
  return null
}

/** The records from the first of the lane to this one. */
export function pathTo(node: LaneNode | null): LaneNode[] {
  const path: LaneNode[] = []
  for (let at = node; at !== null; at = at.parent) path.push(at)
  return path.toReversed()
}

/**
 * True if these keys may sign for a member whose lane was known up to `cited`: the keys that it had there, or keys that
 * a later rotation on the same branch brought. Keys that were replaced by then may not.
 */
export function mayHold(step: KeyStep, cited: LaneNode | null): boolean {
  if (cited === null || step === cited.step) return true
  let at = step.from
  const { seq } = cited.signed.record
  while (at !== null && at.signed.record.seq > seq) at = at.parent
  return step.from !== null && at === cited && step.from !== cited
}
