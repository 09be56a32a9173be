import { hasCode, messageOf, X0tError, type Clock, type Log } from '@x0t/core'
import type {
  DaoState,
  MemberId,
  OwnRecordStore,
  ProposalView,
  RecordId,
  RecordOf,
  SealBody,
  SignedRecord,
  Witness,
  WitnessAction,
} from '@x0t/dao'

export interface WitnessDriverOptions {
  readonly self: MemberId
  readonly store: OwnRecordStore
  readonly createWitness: typeof import('@x0t/dao').createWitness
  readonly state: () => DaoState
  /** True if a record is here and holds. */
  readonly holds: (id: RecordId) => boolean
  readonly endMs: (view: ProposalView) => number
  /** Signs a message of the closing as this number of its lane. */
  readonly sign: (body: SealBody, seq: number, prev: RecordId | null) => SignedRecord
  readonly onSigned: (proposal: RecordId, body: SealBody) => void
  /** A step of the first round waits this long. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Log
}

interface Running {
  readonly witness: Witness
  readonly given: Set<RecordId>
  readonly timers: Map<string, () => void>
  /** Something could not be signed, and is to be asked for again. */
  isUnsigned: boolean
}

/** Witnesses look at their clock this often. */
const tickMs = 500

/** Runs the closing of each vote that the member of this node is a witness of, and signs as it says. */
export interface WitnessDriver extends AsyncDisposable {
  /** Records came. */
  stateChanged(): void
}

export function startWitnessDriver(options: WitnessDriverOptions): WitnessDriver {
  const { self, store, createWitness, holds, endMs, sign, onSigned, clock, log } = options
  const running = new Map<RecordId, Running>()
  let isOver = false
  // One after the other: a signature is kept before the next is thought of.
  let last: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): void => {
    last = last.then(work).catch((error: unknown) => {
      if (!isOver) log.error('dao-witness-failed', { reason: messageOf(error) })
    })
  }

  const carryOut = async (
    proposal: RecordId,
    one: Running,
    actions: readonly WitnessAction[],
  ): Promise<void> => {
    for (const action of actions) {
      if (isOver) return
      if (action.type === 'timer') {
        one.timers.get(action.timer)?.()
        const fire = async (): Promise<void> =>
          carryOut(proposal, one, one.witness.handle({ type: 'timer', timer: action.timer }))
        one.timers.set(
          action.timer,
          clock.setTimer(action.delayMs, () => inTurn(fire)),
        )
        continue
      }
      const seal = await signed(proposal, action)
      // Not at once again: a full disk would keep this process busy.
      if (seal === undefined) one.isUnsigned = true
      else {
        one.given.add(seal.id)
        onSigned(proposal, action.body)
        await carryOut(proposal, one, one.witness.handle({ type: 'seal', seal }))
      }
    }
  }
  const signed = async (
    proposal: RecordId,
    { seq, body }: WitnessAction & { readonly type: 'sign' },
  ): Promise<SignedRecord | undefined> => {
    try {
      return await store.append(self, `witness:${proposal}`, (next, prev) => {
        if (next !== seq) throw new X0tError('DAO_SIGNED_ELSEWHERE', `number ${seq} of the lane is taken`)
        return sign(body, seq, prev)
      })
    } catch (error) {
      log.warn('dao-witness-unsigned', { proposal, step: body.step, reason: messageOf(error) })
      if (!hasCode(error, 'DAO_SIGNED_ELSEWHERE')) return undefined
      // Whoever signed before, the command line or an earlier life, its records come first.
      const one = running.get(proposal)
      if (one !== undefined) await giveOwn(proposal, one)
      return undefined
    }
  }
  /** Own messages that the store holds and the machine does not know. */
  const giveOwn = async (proposal: RecordId, one: Running): Promise<void> => {
    for await (const record of store.all()) {
      const { author, lane } = record.record
      if (author !== self || lane !== `witness:${proposal}` || one.given.has(record.id)) continue
      one.given.add(record.id)
      one.witness.handle({ type: 'seal', seal: record })
    }
  }

  const begin = async (view: ProposalView): Promise<Running | undefined> => {
    const proposal = await store.get(view.id)
    if (proposal?.record.kind !== 'proposal') return undefined
    const witness = createWitness({
      proposal: proposal as SignedRecord & { readonly record: RecordOf<'proposal'> },
      self,
      seals: view.seals,
      view: {
        effectiveEndMs: () => endMs(viewNow(view)),
        ballots: () => viewNow(view).box.map(({ id }) => id),
        holds,
      },
      timeoutMs: options.timeoutMs,
    })
    const given = new Set(view.seals.map(({ id }) => id))
    const one: Running = { witness, given, timers: new Map(), isUnsigned: false }
    running.set(view.id, one)
    return one
  }
  const viewNow = (view: ProposalView): ProposalView => options.state().proposals.get(view.id) ?? view

  const look = async (): Promise<void> => {
    for (const view of options.state().proposals.values()) {
      if (isOver) return
      if (view.certificate !== null || view.isCanceled || !view.record.body.witnesses.includes(self)) {
        end(view.id)
        continue
      }
      const one = running.get(view.id) ?? (await begin(view))
      if (one === undefined) continue
      const { witness, given } = one
      for (const seal of view.seals) {
        if (given.has(seal.id)) continue
        given.add(seal.id)
        await carryOut(view.id, one, witness.handle({ type: 'seal', seal }))
      }
      if (one.isUnsigned) {
        one.isUnsigned = false
        await carryOut(view.id, one, witness.handle({ type: 'unsigned' }))
      }
      await carryOut(view.id, one, witness.handle({ type: 'ballots' }))
      await carryOut(view.id, one, witness.handle({ type: 'clock', nowMs: clock.wallMs() }))
    }
  }
  const end = (proposal: RecordId): void => {
    for (const cancel of running.get(proposal)?.timers.values() ?? []) cancel()
    running.delete(proposal)
  }

  let isDue = false
  const stateChanged = (): void => {
    if (isDue || isOver) return
    isDue = true
    inTurn(async () => {
      isDue = false
      await look()
    })
  }
  let cancelTick = clock.setTimer(0, tick)
  function tick(): void {
    stateChanged()
    cancelTick = clock.setTimer(tickMs, tick)
  }
  return {
    stateChanged,
    async [Symbol.asyncDispose]() {
      isOver = true
      cancelTick()
      for (const proposal of running.keys()) end(proposal)
      await last
    },
  }
}
