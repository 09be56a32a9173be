import {
  ballotSetRoot,
  ballotsVouchedFor,
  proposerOf,
  quorumOf,
  type MemberId,
  type RecordId,
  type SealBody,
  type SignedProposal,
  type SignedRecord,
} from '@x0t/dao'
import { ballotId, sealOf } from './closing-run.ts'

interface KnownSet {
  readonly root: Uint8Array | null
  readonly count: number
}

/**
 * A witness that signs whatever may do harm: declarations of other ballots for everybody, sets that nothing gives,
 * two values in a step, steps of rounds that are over or far away, numbers used twice.
 */
export class LyingWitness {
  readonly seals: SignedRecord[] = []
  readonly #self: MemberId
  readonly #proposal: SignedProposal
  readonly #random: (below: number) => number

  constructor(self: MemberId, proposal: SignedProposal, random: (below: number) => number) {
    this.#self = self
    this.#proposal = proposal
    this.#random = random
  }

  /** Signs one more message, made of what others have signed and of the ballots that there are. */
  act(known: readonly SignedRecord[], ballots: readonly RecordId[]): void {
    const body = this.#body([...known, ...this.seals], ballots)
    if (body === null) return
    // Now and then a number that was used before: an equivocation.
    const seq = this.#random(4) === 0 ? Math.max(0, this.seals.length - 1) : this.seals.length
    this.seals.push(sealOf(this.#self, seq, seq === 0 ? null : (this.seals[seq - 1]?.id ?? null), body))
  }

  #body(known: readonly SignedRecord[], ballots: readonly RecordId[]): SealBody | null {
    const proposal = this.#proposal.id
    const choice = this.#random(10)
    if (choice === 0 || this.seals.length === 0) {
      const some = ballots.filter(() => this.#random(2) === 0)
      if (this.#random(3) === 0) some.push(ballotId(`invented ${this.#random(2)}`))
      return { proposal, step: 'declare', part: 0, of: 1, ballots: some.toSorted() }
    }
    const steps = known.flatMap(({ record }) =>
      record.kind === 'seal' && record.body.step !== 'declare' ? [record.body] : [],
    )
    const lastRound = Math.max(0, ...steps.map(({ round }) => round))
    const round = this.#random(lastRound + 2)
    if (choice < 4) return this.#proposalIn(round, lastRound, known)
    // Half of the time it goes along with what somebody just signed, whatever it signed itself: so quorums come about.
    const followed = steps[steps.length - 1 - this.#random(Math.min(steps.length, 6) || 1)]
    if (choice < 8 && followed !== undefined)
      return {
        proposal,
        step: this.#random(2) === 0 ? 'prepare' : 'commit',
        round: followed.round,
        root: followed.root,
        count: followed.count,
        declarations: [],
        validRound: null,
      }
    const values: KnownSet[] = [{ root: null, count: 0 }, ...steps]
    const { root, count } = values[this.#random(values.length)]!
    const step = this.#random(2) === 0 ? 'prepare' : 'commit'
    return { proposal, step, round, root, count, declarations: [], validRound: null }
  }

  #proposalIn(near: number, lastRound: number, known: readonly SignedRecord[]): SealBody | null {
    const { witnesses } = this.#proposal.record.body
    let round = near
    while (proposerOf(witnesses, round) !== this.#self) round += 1
    if (round > lastRound + witnesses.length) return null
    const { needed, faults } = quorumOf(witnesses.length)
    const byAuthor = new Map<MemberId, { readonly id: RecordId; readonly ballots: readonly RecordId[] }>()
    for (const { id, record } of known)
      if (record.kind === 'seal' && record.body.step === 'declare')
        if (!byAuthor.has(record.author) || this.#random(2) === 0)
          byAuthor.set(record.author, { id, ballots: record.body.ballots })
    const chosen = [...byAuthor.values()]
    while (chosen.length > needed && this.#random(2) === 0) chosen.splice(this.#random(chosen.length), 1)
    const ballots = [
      ...ballotsVouchedFor(
        chosen.map((one) => one.ballots),
        faults + 1,
      ),
    ]
    // A set that its declarations do not give.
    if (this.#random(3) === 0) ballots.pop()
    return {
      proposal: this.#proposal.id,
      step: 'propose',
      round,
      root: ballotSetRoot(ballots),
      count: ballots.length,
      declarations: chosen.map(({ id }) => id).toSorted(),
      validRound: this.#random(2) === 0 || round === 0 ? null : this.#random(round),
    }
  }
}
