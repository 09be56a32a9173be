// One piece: the rules of one algorithm (Tendermint, arXiv 1807.04938, algorithm 1) that refer to one another.
import type { MemberId, RecordId, SealBody, SignedRecord } from '../record.ts'
import { partsOf } from './declaration.ts'
import { ballotSetRoot, ballotsVouchedFor } from './ballot-set.ts'
import { proposerOf } from './quorum.ts'
import { nothing, SealBook, valueOf, type ProposedSet, type SignedProposal, type Value } from './seal-book.ts'

/** What a witness has besides the messages of the closing. */
export interface WitnessView {
  /** When the vote ends, ms since 1970: the proposal's end, or what its rules on early or late closing make of it. */
  effectiveEndMs(): number
  /** Ballots to declare: all known ones that count or prove an equivocation, in any order. */
  ballots(): readonly RecordId[]
  /** True if this ballot's record is here. */
  holds(id: RecordId): boolean
}

export interface WitnessOptions {
  readonly proposal: SignedProposal
  /** One of the proposal's witnesses. */
  readonly self: MemberId
  /** All messages of this closing that are known, the own ones above all. Their signatures were checked. */
  readonly seals: Iterable<SignedRecord>
  readonly view: WitnessView
  /** How long a step of the first round waits for messages, ms; each round waits that much longer. */
  readonly timeoutMs: number
}

export type WitnessTimer = `${'gather' | 'propose' | 'prepare' | 'commit'} ${number}`

export type WitnessEvent =
  /** A message came, from others or from this witness itself. */
  | { readonly type: 'seal'; readonly seal: SignedRecord }
  /** Ballots came, or what the view says has changed. */
  | { readonly type: 'ballots' }
  | { readonly type: 'clock'; readonly nowMs: number }
  | { readonly type: 'timer'; readonly timer: WitnessTimer }
  /** What was to be signed was not: it is asked for again, and so are timers that have not run out. */
  | { readonly type: 'unsigned' }

export type WitnessAction =
  /**
   * Sign this as number `seq` of lane `witness:<proposal>`, keep it, and give it back as a `seal` event. If the lane's
   * next number is another one, sign nothing: another process has signed, and its record comes first.
   */
  | { readonly type: 'sign'; readonly seq: number; readonly body: SealBody }
  | { readonly type: 'timer'; readonly timer: WitnessTimer; readonly delayMs: number }

/** Where a witness stands. */
export type WitnessPhase = 'open' | 'declaring' | 'gathering' | 'agreeing' | 'certified'

/** One witness of one proposal: events in, actions out. */
export interface Witness {
  handle(event: WitnessEvent): readonly WitnessAction[]
  readonly phase: WitnessPhase
  readonly round: number
}

interface Signed {
  readonly round: number
  readonly value: Value
}

/**
 * The closing protocol as one witness runs it. It keeps nothing that must outlive it: what it is bound by are its own
 * records, which it is given at the start and gets back as it signs them. So a restart is a new one of these.
 * @throws RangeError if `self` is no witness of the proposal
 */
export function createWitness(options: WitnessOptions): Witness {
  return new WitnessMachine(options)
}

class WitnessMachine implements Witness {
  readonly #proposal: SignedProposal
  readonly #self: MemberId
  readonly #view: WitnessView
  readonly #timeoutMs: number
  readonly #book: SealBook
  readonly #fired = new Set<WitnessTimer>()
  readonly #started = new Set<WitnessTimer>()
  readonly #ownProposals = new Set<number>()
  readonly #ownPrepares = new Map<number, Value>()
  readonly #ownCommits = new Map<number, Value>()
  /** How much of a set is known to be here, by its value: it is checked once. */
  readonly #heldUpTo = new Map<Value, number>()
  /** What this witness declares, part by part, while it does. */
  #declaring: readonly (readonly RecordId[])[] | null = null
  /** The last own part that was signed. */
  #lastPart = -1
  #nextSeq = 0
  #awaitedSeq: number | null = null
  #isOver = false
  #hasCertificate = false
  #round = 0

  constructor({ proposal, self, seals, view, timeoutMs }: WitnessOptions) {
    this.#proposal = proposal
    this.#self = self
    this.#view = view
    this.#timeoutMs = timeoutMs
    this.#book = new SealBook(proposal)
    if (!this.#book.witnesses.has(self)) throw new RangeError(`${self} is no witness of ${proposal.id}`)
    for (const seal of seals) this.#take(seal)
    this.#round = Math.max(0, ...this.#ownPrepares.keys(), ...this.#ownCommits.keys(), ...this.#ownProposals)
    // An unfinished declaration of an earlier life is left as it is, and a new one made.
    this.#lastPart = -1
  }

  get round(): number {
    return this.#round
  }

  get phase(): WitnessPhase {
    if (this.#hasCertificate) return 'certified'
    if (this.#declaring !== null) return 'declaring'
    const declarers = this.#book.declarers()
    if (!declarers.has(this.#self)) return 'open'
    return declarers.size < this.#book.quorum.needed ? 'gathering' : 'agreeing'
  }

  handle(event: WitnessEvent): readonly WitnessAction[] {
    if (event.type === 'seal') this.#take(event.seal)
    else if (event.type === 'clock') this.#isOver ||= event.nowMs >= this.#endMs()
    else if (event.type === 'timer') this.#fired.add(event.timer)
    else if (event.type === 'unsigned') {
      this.#awaitedSeq = null
      // Whoever could not sign may have dropped timers as well.
      this.#started.clear()
    }
    const actions: WitnessAction[] = []
    // One signature at a time: what it was given for must be kept before the next is thought of.
    if (!this.#hasCertificate && this.#awaitedSeq === null) this.#advance(actions)
    return actions
  }

  #take(signed: SignedRecord): void {
    if (!this.#book.add(signed)) return
    const { author, seq, body } = signed.record
    if (body.step === 'commit')
      this.#hasCertificate ||= this.#book
        .valuesWithQuorum('commit', body.round)
        .some((value) => value !== nothing)
    if (author !== this.#self) return
    this.#nextSeq = Math.max(this.#nextSeq, seq + 1)
    if (this.#awaitedSeq !== null && seq >= this.#awaitedSeq) this.#awaitedSeq = null
    if (body.step === 'declare') this.#lastPart = body.part
    else if (body.step === 'propose') this.#ownProposals.add(body.round)
    else {
      const own = body.step === 'prepare' ? this.#ownPrepares : this.#ownCommits
      own.set(body.round, body.root === null ? nothing : valueOf(body.root, body.count))
    }
  }

  #advance(actions: WitnessAction[]): void {
    const declarers = this.#book.declarers()
    if (!declarers.has(this.#self)) return this.#declare(declarers.size, actions)
    this.#declaring = null
    if (declarers.size < this.#book.quorum.needed) return
    // Whoever lags goes where one honest witness at least already is (line 55).
    this.#round = Math.max(this.#round, this.#book.roundReachedByOneHonest())
    while (this.#advanceInRound(this.#round, declarers.size, actions)) this.#round += 1
  }

  /** Its clock has passed the end, or the clocks of most witnesses have: one that runs years behind keeps nobody. */
  #declare(others: number, actions: WitnessAction[]): void {
    if (this.#declaring === null) {
      if (!this.#isOver && others < this.#book.quorum.majority) return
      this.#declaring = partsOf([...new Set(this.#view.ballots())].toSorted())
      this.#lastPart = -1
    }
    const part = this.#lastPart + 1
    const ballots = this.#declaring[part]
    if (ballots === undefined) {
      // Another process went on differently: begin again.
      this.#declaring = null
      return
    }
    this.#sign({ step: 'declare', part, of: this.#declaring.length, ballots }, actions)
  }

  /** True if the round is over for this witness. */
  #advanceInRound(round: number, declarers: number, actions: WitnessAction[]): boolean {
    if (this.#proposes(round, declarers, actions)) return false
    if (!this.#ownPrepares.has(round)) {
      const value = this.#valueToPrepare(round)
      if (value === undefined) this.#startTimer(`propose ${round}`, this.#waitMs(round), actions)
      else this.#signStep('prepare', round, value, actions)
      return false
    }
    if (!this.#ownCommits.has(round)) {
      const value = this.#valueToCommit(round, actions)
      if (value !== undefined) {
        this.#signStep('commit', round, value, actions)
        return false
      }
    }
    // Lines 47 and 65: q witnesses are past their commit, and no set has q commits.
    if (this.#book.votersIn('commit', round) < this.#book.quorum.needed) return false
    this.#startTimer(`commit ${round}`, this.#waitMs(round), actions)
    return this.#fired.has(`commit ${round}`)
  }

  /** True if it is this witness's turn to propose and it does, or waits a little for more declarations. */
  #proposes(round: number, declarers: number, actions: WitnessAction[]): boolean {
    if (proposerOf([...this.#book.witnesses], round) !== this.#self) return false
    if (this.#ownProposals.has(round) || this.#ownPrepares.has(round)) return false
    const valid = this.#lastPrepared(round)
    if (valid === null && declarers < this.#book.witnesses.size && !this.#fired.has(`gather ${round}`)) {
      this.#startTimer(`gather ${round}`, this.#waitMs(round) / 2, actions)
      return !this.#fired.has(`gather ${round}`)
    }
    const proposed = valid === null ? this.#newSet() : valid.set
    const { root, count, declarations } = proposed
    const validRound = valid === null ? null : valid.round
    this.#sign({ step: 'propose', round, root, count, declarations, validRound }, actions)
    return true
  }

  /** The set that q witnesses prepared last, before this round (validValue and validRound). */
  #lastPrepared(before: number): { readonly round: number; readonly set: ProposedSet } | null {
    for (const round of this.#book.rounds('prepare').toReversed()) {
      if (round >= before) continue
      for (const value of this.#book.valuesWithQuorum('prepare', round)) {
        const set = this.#book.proposedAs(value).find((proposed) => this.#isSound(proposed) === true)
        if (set !== undefined) return { round, set }
      }
    }
    return null
  }

  /** Of every witness that has declared, the declaration with the lowest id. */
  #newSet(): Pick<ProposedSet, 'root' | 'count' | 'declarations'> {
    const chosen = new Map<MemberId, RecordId>()
    for (const { id, author } of this.#book.declarations.values()) {
      const other = chosen.get(author)
      if (other === undefined || id < other) chosen.set(author, id)
    }
    const declarations = [...chosen.values()].toSorted()
    const lists = declarations.map((id) => this.#book.declarations.get(id)!.ballots)
    const ballots = ballotsVouchedFor(lists, this.#book.quorum.faults + 1)
    return { root: ballotSetRoot(ballots), count: ballots.length, declarations }
  }

  /** Lines 22 to 33: a sound proposal that the lock allows; nothing if there is none, or none came in time. */
  #valueToPrepare(round: number): Value | undefined {
    const proposer = proposerOf([...this.#book.witnesses], round)
    let isOpen = true
    for (const proposed of this.#book.proposedIn(round)) {
      if (proposed.author !== proposer) continue
      const verdict = this.#judge(proposed)
      if (verdict === true) return proposed.value
      isOpen &&= verdict === undefined
    }
    return isOpen && !this.#fired.has(`propose ${round}`) ? undefined : nothing
  }

  /** Whether this witness may prepare what was proposed; undefined if something is missing for that. */
  #judge(proposed: ProposedSet): boolean | undefined {
    const { validRound, value, round } = proposed
    const isSound = this.#isSound(proposed)
    if (isSound !== true) return isSound
    const lock = this.#lock()
    if (validRound === null) return lock === null || lock.value === value
    if (validRound >= round) return false
    if (!this.#book.hasQuorum('prepare', validRound, value)) return undefined
    return lock === null || lock.round <= validRound || lock.value === value
  }

  /** It is what q declarations give, and all its ballots are here. */
  #isSound(proposed: ProposedSet): boolean | undefined {
    const ballots = this.#book.ballotsOf(proposed)
    if (ballots === null || ballots === undefined) return ballots === null ? false : undefined
    let held = this.#heldUpTo.get(proposed.value) ?? 0
    while (held < ballots.length && this.#view.holds(ballots[held]!)) held += 1
    this.#heldUpTo.set(proposed.value, held)
    return held === ballots.length ? true : undefined
  }

  /** The last set this witness committed to (lockedValue and lockedRound). */
  #lock(): Signed | null {
    let lock: Signed | null = null
    for (const [round, value] of this.#ownCommits)
      if (value !== nothing && (lock === null || round > lock.round)) lock = { round, value }
    return lock
  }

  /** Lines 34 to 46: what q witnesses prepared; nothing if they cannot agree in time. */
  #valueToCommit(round: number, actions: WitnessAction[]): Value | undefined {
    for (const value of this.#book.valuesWithQuorum('prepare', round)) {
      if (value === nothing) return nothing
      if (this.#book.proposedAs(value).some((proposed) => this.#isSound(proposed) === true)) return value
    }
    if (this.#book.votersIn('prepare', round) < this.#book.quorum.needed) return undefined
    this.#startTimer(`prepare ${round}`, this.#waitMs(round), actions)
    return this.#fired.has(`prepare ${round}`) ? nothing : undefined
  }

  #endMs(): number {
    return this.#view.effectiveEndMs() + this.#proposal.record.body.graceMs
  }

  #waitMs(round: number): number {
    return this.#timeoutMs * (round + 1)
  }

  #startTimer(timer: WitnessTimer, delayMs: number, actions: WitnessAction[]): void {
    if (this.#started.has(timer) || this.#fired.has(timer)) return
    this.#started.add(timer)
    actions.push({ type: 'timer', timer, delayMs })
  }

  #signStep(step: 'prepare' | 'commit', round: number, value: Value, actions: WitnessAction[]): void {
    const [proposed] = this.#book.proposedAs(value)
    this.#sign(
      {
        step,
        round,
        root: proposed?.root ?? null,
        count: proposed?.count ?? 0,
        declarations: [],
        validRound: null,
      },
      actions,
    )
  }

  #sign(body: DistributiveOmit<SealBody, 'proposal'>, actions: WitnessAction[]): void {
    this.#awaitedSeq = this.#nextSeq
    actions.push({
      type: 'sign',
      seq: this.#nextSeq,
      body: { proposal: this.#proposal.id, ...body } as SealBody,
    })
  }
}

type DistributiveOmit<Type, Key extends PropertyKey> = Type extends unknown ? Omit<Type, Key> : never
