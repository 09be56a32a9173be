// One piece: what a record does when it comes, for each kind, and what waits for it, belong together.
import { X0tError } from '@x0t/core'
import { checkBallot } from './ballot.ts'
import { checkGenesis, type SignedGenesis } from './genesis.ts'
import { maxLaneRecords } from './limits.ts'
import {
  lastRelevant,
  MemberLane,
  mayHold,
  pathTo,
  type KeyStep,
  type LaneNode,
  type Verify,
} from './member-lane.ts'
import { checkProposal, openBeside } from './proposal-check.ts'
import {
  openProposal,
  twinsIn,
  viewOf,
  type FullView,
  type OpenProposal,
  type ViewContext,
} from './proposal-view.ts'
import { isOwnId, registryOf, type Registry } from './registry.ts'
import { verifyRecord } from './signed-record.ts'
import type { DaoState, Equivocation, RejectedRecord } from './dao-state.ts'
import type {
  DaoRecord,
  Elector,
  MemberId,
  MemberKeys,
  ProposalBody,
  RecordId,
  RecordOf,
  SignedRecord,
} from './record.ts'
import type { Verifier } from './verifier.ts'

/** Takes records as they come, and tells at any time what they say together. */
export interface Replay {
  readonly dao: RecordId
  /** Takes one record; its signature is checked here. True if the state may be another one now. */
  add(signed: SignedRecord): boolean
  /** Takes many records, their signatures checked on the threads of `verifier`. */
  addAll(
    records: Iterable<SignedRecord>,
    options?: { readonly verifier?: Verifier; readonly signal?: AbortSignal },
  ): Promise<void>
  /** What all records so far say. The same object until there is something new; never changed afterwards. */
  state(): DaoState
  /** True if the record is here and holds. */
  has(id: RecordId): boolean
  /** True for whoever is, was or is proposed to be a member: what others send is nothing to this DAO. */
  knows(author: MemberId): boolean
  /**
   * Members as the registry records that a proposal may name tell it.
   * @throws X0tError DAO_RECORD_MISSING if one of them is not here
   */
  electorateAt(asOf: ProposalBody['asOf']): ReadonlyMap<MemberId, Elector>
}

export interface ReplayOptions {
  /** For tests and for whoever has checked the signatures before. */
  readonly verify?: Verify
}

/**
 * What a set of records says: the same for every order, with every record once or more often.
 * @param options `dao` says which of several
 * @throws X0tError DAO_GENESIS_MISSING, DAO_GENESIS_AMBIGUOUS, DAO_GENESIS_INVALID
 */
export function replay(
  records: Iterable<SignedRecord>,
  { dao, ...options }: ReplayOptions & { readonly dao?: RecordId } = {},
): DaoState {
  const all = [...records]
  const running = createReplay(findGenesis(all, dao), options)
  for (const record of all) running.add(record)
  return running.state()
}

/**
 * The genesis among records.
 * @throws X0tError DAO_GENESIS_MISSING, DAO_GENESIS_AMBIGUOUS
 */
export function findGenesis(records: readonly SignedRecord[], dao?: RecordId): SignedRecord {
  const found = new Map<RecordId, SignedRecord>()
  for (const signed of records)
    if (signed.record.kind === 'genesis' && (dao === undefined || signed.id === dao))
      found.set(signed.id, signed)
  const [genesis, other] = found.values()
  if (genesis === undefined)
    throw new X0tError('DAO_GENESIS_MISSING', 'no record founds a DAO, or not the one asked for', {
      hint: 'export the whole DAO where it was founded: x0t dao export FILE',
    })
  if (other !== undefined)
    throw new X0tError(
      'DAO_GENESIS_AMBIGUOUS',
      `the records are of ${found.size} DAOs: ${[...found.keys()].join(', ')}`,
    )
  return genesis
}

/** @throws X0tError DAO_GENESIS_INVALID */
export function createReplay(genesis: SignedRecord, { verify = verifyRecord }: ReplayOptions = {}): Replay {
  checkGenesis(genesis, verify)
  return new RunningReplay(genesis, verify)
}

class RunningReplay implements Replay {
  readonly dao: RecordId
  readonly #genesis: SignedGenesis
  readonly #verify: Verify
  readonly #registrars: ReadonlySet<MemberId>
  readonly #guardians: ReadonlySet<MemberId>
  readonly #lanes = new Map<MemberId, MemberLane>()
  readonly #proposals = new Map<RecordId, OpenProposal>()
  readonly #accepted = new Set<RecordId>()
  readonly #rejected = new Map<RecordId, RejectedRecord>()
  /** What to try again once something is here: a record, a proposal, a member, a key. */
  readonly #waiting = new Map<string, (() => void)[]>()
  /** What to try again now: a list, as a chain that comes backwards would exhaust the stack. */
  readonly #ready: (() => void)[] = []
  readonly #checked = new WeakMap<SignedRecord, WeakMap<MemberKeys, boolean>>()
  readonly #vetoes: LaneNode[] = []
  readonly #cancels: LaneNode[] = []
  readonly #artifacts: SignedRecord[] = []
  readonly #registries = new Map<string, Registry>()
  #rotated: ReadonlyMap<MemberId, readonly KeyStep[]> | null = null
  #overview: Overview | null = null
  readonly #viewsMade = new Map<
    RecordId,
    { readonly counts: readonly number[]; readonly context: ViewContext; readonly view: FullView }
  >()
  #rejectedList: readonly RejectedRecord[] | null = null
  #state: DaoState | null = null

  constructor(genesis: SignedGenesis, verify: Verify) {
    this.dao = genesis.id
    this.#genesis = genesis
    this.#verify = verify
    const { constitution, members } = genesis.record.body
    this.#registrars = new Set(constitution.registrars)
    this.#guardians = new Set(constitution.guardians)
    for (const { id, keys } of members) this.#lanes.set(id, new MemberLane(id, keys))
    this.#accepted.add(genesis.id)
    this.#lanes.get(genesis.record.author)!.add(genesis, () => true)
  }

  add(signed: SignedRecord): boolean {
    const before = this.#state
    this.#takeWithFollowers(signed)
    return before === null || this.#state === null
  }

  async addAll(
    records: Iterable<SignedRecord>,
    { verifier, signal }: { readonly verifier?: Verifier; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const groups: [SignedRecord[], SignedRecord[], SignedRecord[]] = [[], [], []]
    for (const signed of records) {
      const { lane, author } = signed.record
      groups[lane !== 'member' ? 2 : this.#registrars.has(author) ? 0 : 1].push(signed)
    }
    // Registrars first: what they sign opens the lanes of the others, whose keys the rest is checked with.
    for (const group of groups) {
      if (verifier !== undefined) await this.#checkAhead(group, verifier, signal)
      for (const signed of group) this.#takeWithFollowers(signed)
    }
  }

  state(): DaoState {
    return (this.#state ??= this.#buildState())
  }

  has(id: RecordId): boolean {
    return this.#accepted.has(id)
  }

  knows(author: MemberId): boolean {
    return this.#lanes.has(author)
  }

  electorateAt(asOf: ProposalBody['asOf']): ReadonlyMap<MemberId, Elector> {
    const cited = this.#cited(asOf)
    if (typeof cited === 'string')
      throw new X0tError('DAO_RECORD_MISSING', `record ${cited} of the registry is not here`)
    return this.#registryAt(cited).members
  }

  /** Signatures of many records, under the keys that most likely signed them; others are checked one by one later. */
  async #checkAhead(
    records: readonly SignedRecord[],
    verifier: Verifier,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const tasks = records.flatMap((signed) => {
      const lane = this.#lanes.get(signed.record.author)
      if (lane === undefined || this.#accepted.has(signed.id)) return []
      return [{ signed, keys: (lane.head?.step ?? lane.steps[0]!).keys }]
    })
    const good = await verifier.verify(tasks, signal === undefined ? {} : { signal })
    for (const [index, { signed, keys }] of tasks.entries()) this.#remember(signed, keys, good[index]!)
  }

  #remember(signed: SignedRecord, keys: MemberKeys, isGood: boolean): void {
    let known = this.#checked.get(signed)
    if (known === undefined) this.#checked.set(signed, (known = new WeakMap()))
    known.set(keys, isGood)
  }

  readonly #holds = (signed: SignedRecord, keys: MemberKeys): boolean => {
    const known = this.#checked.get(signed)?.get(keys)
    if (known !== undefined) return known
    const isGood = this.#verify(signed, keys)
    this.#remember(signed, keys, isGood)
    return isGood
  }

  #takeWithFollowers(signed: SignedRecord): void {
    this.#take(signed)
    for (let again = this.#ready.pop(); again !== undefined; again = this.#ready.pop()) again()
  }

  #take(signed: SignedRecord): void {
    const { id, record } = signed
    if (this.#accepted.has(id)) return
    if (record.dao !== this.dao) return this.#reject(id, 'DAO_OTHER_DAO')
    const lane = this.#lanes.get(record.author)
    if (lane === undefined) return this.#wait(`author ${record.author}`, signed, 'DAO_NOT_A_MEMBER')
    if (record.seq >= this.#maxRecords(signed)) return this.#reject(id, 'DAO_TOO_MANY_RECORDS')
    if (record.lane === 'member') this.#takeMemberRecord(signed, lane)
    else if (record.kind === 'artifact') this.#takeArtifact(signed, lane)
    else if ('proposal' in record.body) {
      const proposal = this.#proposals.get(record.body.proposal)
      if (proposal === undefined)
        return this.#wait(`proposal ${record.body.proposal}`, signed, 'DAO_PROPOSAL_UNKNOWN')
      this.#takeForProposal(signed, lane, proposal)
    }
  }

  #maxRecords({ record }: SignedRecord): number {
    if (record.kind === 'vote') return maxLaneRecords.vote
    if (record.kind === 'seal') return maxLaneRecords.witness
    if (record.kind === 'execution') return maxLaneRecords.node
    if (record.kind === 'artifact') return maxLaneRecords.artifact
    return this.#registrars.has(record.author) ? maxLaneRecords.registrar : maxLaneRecords.member
  }

  #takeMemberRecord(signed: SignedRecord, lane: MemberLane): void {
    const { id, record } = signed
    if (record.prev !== null) {
      const parent = lane.nodes.get(record.prev)
      if (parent === undefined) return this.#wait(`record ${record.prev}`, signed, 'DAO_RECORD_MISSING')
      if (parent.signed.record.seq + 1 !== record.seq) return this.#reject(id, 'DAO_LANE_BROKEN')
    }
    const node = lane.add(signed, this.#holds)
    if (node === null) return this.#reject(id, 'DAO_SIGNATURE_INVALID')
    this.#overview = null
    this.#accept(signed)
    this.#takeEffect(node, lane)
    this.#retry(`record ${id}`)
  }

  /** What a record of the member lane does by itself; what it does to the registry is seen when that is made. */
  #takeEffect(node: LaneNode, lane: MemberLane): void {
    const { id, record } = node.signed
    if (record.kind === 'member.rotate') {
      if (node.step.from !== node) return this.#reject(id, 'DAO_ROTATION_INVALID')
      this.#rotated = null
      return this.#retry(`keys ${lane.author}`)
    }
    if (record.kind === 'proposal')
      return this.#openProposal(node as LaneNode & { signed: { record: RecordOf<'proposal'> } })
    if (record.kind === 'veto') {
      if (!this.#guardians.has(record.author)) return this.#reject(id, 'DAO_NOT_A_GUARDIAN')
      this.#vetoes.push(node)
    } else if (record.kind === 'cancel') this.#cancels.push(node)
    else if (
      record.kind === 'member.add' ||
      record.kind === 'member.remove' ||
      record.kind === 'member.balance'
    ) {
      if (!this.#registrars.has(record.author)) return this.#reject(id, 'DAO_NOT_A_REGISTRAR')
      if (record.kind === 'member.remove' && this.#registrars.has(record.body.id))
        return this.#reject(id, 'DAO_REGISTRAR_FIXED')
      if (record.kind !== 'member.add') return
      const { member } = record.body
      if (!isOwnId(member)) return this.#reject(id, 'DAO_KEYS_MISMATCH')
      if (this.#lanes.has(member.id)) return
      this.#lanes.set(member.id, new MemberLane(member.id, member.keys))
      this.#retry(`author ${member.id}`)
    }
  }

  #openProposal(node: LaneNode & { readonly signed: { readonly record: RecordOf<'proposal'> } }): void {
    const { id, record } = node.signed
    const { body, author } = record
    const { constitution } = this.#genesis.record.body
    const cited = this.#cited(body.asOf)
    if (typeof cited === 'string') {
      this.#note(id, 'DAO_RECORD_MISSING', true)
      return this.#waitFor(`record ${cited}`, () => this.#openProposal(node))
    }
    if (cited.has(author)) return this.#reject(id, 'DAO_SNAPSHOT_MISMATCH')
    if (node.parent !== null) cited.set(author, node.parent)
    const registry = this.#registryAt(cited)
    const { members } = registry
    try {
      checkProposal(body, { author, constitution, members })
    } catch (error) {
      if (!(error instanceof X0tError)) throw error
      return this.#reject(id, error.code)
    }
    if (openBeside(body, pathTo(node.parent)) >= constitution.maxOpenProposals)
      return this.#reject(id, 'DAO_TOO_MANY_PROPOSALS')
    this.#clear(id)
    this.#proposals.set(id, openProposal(node.signed, registry, cited))
    this.#state = null
    this.#retry(`proposal ${id}`)
  }

  /** The lanes' records that a list names, or the id of one that is not here. */
  #cited(asOf: ProposalBody['asOf']): Map<MemberId, LaneNode> | RecordId {
    const cited = new Map<MemberId, LaneNode>()
    for (const [author, seq, id] of asOf) {
      const node = this.#lanes.get(author)?.nodes.get(id)
      if (node === undefined || node.signed.record.seq !== seq) return id
      cited.set(author, node)
    }
    return cited
  }

  #registryAt(cited: ReadonlyMap<MemberId, LaneNode>): Registry {
    const nodes = [...cited.values()].map(lastRelevant).filter((node) => node !== null)
    const key = nodes
      .map(({ signed }) => signed.id)
      .toSorted()
      .join(' ')
    let registry = this.#registries.get(key)
    if (registry === undefined) {
      const paths = new Map(nodes.map((node) => [node.signed.record.author, pathTo(node)]))
      registry = registryOf(this.#genesis.record.body, paths)
      this.#registries.set(key, registry)
    }
    return registry
  }

  #takeForProposal(signed: SignedRecord, lane: MemberLane, proposal: OpenProposal): void {
    const { id, record } = signed
    const elector = proposal.electors.get(record.author)
    if (record.kind === 'vote' && elector === undefined) return this.#reject(id, 'DAO_NOT_IN_SNAPSHOT')
    if (record.kind === 'seal' && !proposal.witnesses.has(record.author))
      return this.#reject(id, 'DAO_NOT_A_WITNESS')
    // A node that joined later reports as well: for it any of its keys will do.
    const place = record.kind === 'execution' ? null : (proposal.cited.get(record.author) ?? null)
    const step = this.#signer(signed, lane, place)
    if (step === null) return this.#wait(`keys ${lane.author}`, signed, 'DAO_SIGNATURE_INVALID')
    this.#accept(signed)
    if (record.kind === 'seal') proposal.seals.push(signed as (typeof proposal.seals)[number])
    else if (record.kind === 'execution')
      proposal.executions.push(signed as (typeof proposal.executions)[number])
    else if (record.kind === 'vote') {
      const { choices, rules } = proposal.signed.record.body
      let code: string | null = null
      try {
        checkBallot(record.body.ballot, choices, rules, BigInt(elector!.balance))
      } catch (error) {
        if (!(error instanceof X0tError)) throw error
        this.#reject(id, (code = error.code))
      }
      proposal.ballots.push({
        signed: signed as SignedRecord & { record: RecordOf<'vote'> },
        key: step.id,
        fits: code === null,
      })
    }
  }

  #takeArtifact(signed: SignedRecord, lane: MemberLane): void {
    if (this.#signer(signed, lane, null) === null)
      return this.#wait(`keys ${lane.author}`, signed, 'DAO_SIGNATURE_INVALID')
    this.#artifacts.push(signed)
    this.#accept(signed)
  }

  /** The keys that signed it, of those that may; the newest are tried first. */
  #signer(signed: SignedRecord, lane: MemberLane, place: LaneNode | null): KeyStep | null {
    const steps = lane.steps.length === 1 ? lane.steps : lane.steps.toSorted((a, b) => b.rank - a.rank)
    return steps.find((step) => mayHold(step, place) && this.#holds(signed, step.keys)) ?? null
  }

  #accept({ id }: SignedRecord): void {
    this.#accepted.add(id)
    this.#clear(id)
    this.#state = null
  }

  #clear(id: RecordId): void {
    if (this.#rejected.delete(id)) this.#rejectedList = null
  }

  #reject(id: RecordId, code: string): void {
    this.#note(id, code, false)
  }

  #wait(what: string, signed: SignedRecord, code: string): void {
    this.#note(signed.id, code, code !== 'DAO_SIGNATURE_INVALID')
    this.#waitFor(what, () => this.#take(signed))
  }

  #note(id: RecordId, code: string, isWaiting: boolean): void {
    const known = this.#rejected.get(id)
    if (known?.code === code && known.isWaiting === isWaiting) return
    this.#rejected.set(id, { id, code, isWaiting })
    this.#rejectedList = null
    this.#state = null
  }

  #waitFor(what: string, again: () => void): void {
    const list = this.#waiting.get(what)
    if (list === undefined) this.#waiting.set(what, [again])
    else list.push(again)
  }

  #retry(what: string): void {
    const list = this.#waiting.get(what)
    if (list === undefined) return
    this.#waiting.delete(what)
    for (const again of list) this.#ready.push(again)
  }

  #buildState(): DaoState {
    const { registry, rotated, asOf, broken } = (this.#overview ??= this.#buildOverview())
    const views = this.#views({ registry, rotated })
    const artifacts = [...this.#artifacts]
    return {
      dao: this.dao,
      constitution: this.#genesis.record.body.constitution,
      members: registry.members,
      proposals: views,
      get equivocations() {
        return [
          ...broken,
          ...[...views.values()].flatMap(({ equivocations }) => equivocations),
          ...twinsIn(artifacts),
        ].toSorted(byLane)
      },
      rejected: (this.#rejectedList ??= [...this.#rejected.values()].toSorted((a, b) =>
        a.id < b.id ? -1 : 1,
      )),
      recordCount: this.#accepted.size,
      asOf,
      registry,
    }
  }

  #buildOverview(): Overview {
    const lanes = [...this.#lanes.values()]
    const registry = registryOf(
      this.#genesis.record.body,
      new Map(lanes.map((lane) => [lane.author, lane.main()])),
    )
    this.#rotated ??= new Map(
      lanes.filter(({ steps }) => steps.length > 1).map(({ author, steps }) => [author, steps]),
    )
    const broken = lanes.flatMap(({ author, cut, proof }) =>
      proof === null ? [] : [{ author, lane: 'member', seq: cut, records: proof }],
    )
    return { registry, rotated: this.#rotated, asOf: this.#asOf(registry), broken }
  }

  /** Proposals on the part of their authors' lanes that has effect; of others those that were certified. */
  #views({ registry, rotated }: Pick<Overview, 'registry' | 'rotated'>): Map<RecordId, FullView> {
    const vetoes = this.#inEffect(this.#vetoes)
    const cancels = this.#inEffect(this.#cancels)
    const views = new Map<RecordId, FullView>()
    for (const [id, proposal] of [...this.#proposals].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const { author, seq } = proposal.signed.record
      const isVoid = seq >= this.#lanes.get(author)!.cut
      if (isVoid && proposal.seals.length === 0) {
        this.#reject(id, 'DAO_EQUIVOCATION')
        continue
      }
      const view = this.#viewOf(proposal, {
        registry,
        rotated,
        vetoes: (vetoes.get(id) ?? []).filter(isKind('veto')),
        isCanceled: (cancels.get(id) ?? []).some((record) => record.author === author),
      })
      if (isVoid && view.certificate === null) this.#reject(id, 'DAO_EQUIVOCATION')
      else {
        views.set(id, view)
        this.#clear(id)
      }
    }
    return views
  }

  /** The view of before, with what was counted for it, unless something came that changes it. */
  #viewOf(proposal: OpenProposal, context: ViewContext): FullView {
    const { ballots, seals, executions, signed } = proposal
    const known = this.#viewsMade.get(signed.id)
    if (
      known !== undefined &&
      known.counts.join() === [ballots.length, seals.length, executions.length].join() &&
      known.context.registry === context.registry &&
      known.context.rotated === context.rotated &&
      known.context.vetoes.length === context.vetoes.length &&
      known.context.isCanceled === context.isCanceled
    )
      return known.view
    const view = viewOf(proposal, context)
    this.#viewsMade.set(signed.id, {
      counts: [ballots.length, seals.length, executions.length],
      context,
      view,
    })
    return view
  }

  #inEffect(nodes: readonly LaneNode[]): Map<RecordId, DaoRecord[]> {
    const found = new Map<RecordId, DaoRecord[]>()
    for (const node of nodes) {
      const { record } = node.signed
      if (!('proposal' in record.body) || !this.#lanes.get(record.author)!.isMain(node)) continue
      const list = found.get(record.body.proposal)
      if (list === undefined) found.set(record.body.proposal, [record])
      else list.push(record)
    }
    for (const list of found.values())
      list.sort((a, b) => (a.author === b.author ? a.seq - b.seq : a.author < b.author ? -1 : 1))
    return found
  }

  /** Of registrars and members the last record in effect that says something about the registry. */
  #asOf({ members }: Registry): ProposalBody['asOf'] {
    const authors = new Set([...this.#registrars, ...members.keys()])
    return [...authors].toSorted().flatMap((author) => {
      const last = lastRelevant(this.#lanes.get(author)?.head ?? null)
      return last === null ? [] : [[author, last.signed.record.seq, last.signed.id] as const]
    })
  }
}

/** What only records of members' lanes change. */
interface Overview {
  readonly registry: Registry
  readonly rotated: ReadonlyMap<MemberId, readonly KeyStep[]>
  readonly asOf: ProposalBody['asOf']
  readonly broken: readonly Equivocation[]
}

function isKind<Kind extends DaoRecord['kind']>(
  kind: Kind,
): (record: DaoRecord) => record is DaoRecord & { readonly kind: Kind } {
  return (record): record is DaoRecord & { readonly kind: Kind } => record.kind === kind
}

function byLane(a: Equivocation, b: Equivocation): number {
  const [one, other] = [`${a.author} ${a.lane}`, `${b.author} ${b.lane}`]
  return one < other ? -1 : one > other ? 1 : 0
}
