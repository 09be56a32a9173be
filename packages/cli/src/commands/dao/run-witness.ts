import { X0tError } from '@x0t/core'
import type {
  ProposalView,
  RecordOf,
  SignedRecord,
  WitnessAction,
  WitnessPhase,
  WitnessTimer,
} from '@x0t/dao'
import type { SignedStep } from '../../views/dao-closing.ts'
import { closingEndMs } from './closing-end.ts'
import type { OpenDao } from './open-dao.ts'
import type { Signer } from './own-keys.ts'

export interface WitnessRun {
  readonly phase: WitnessPhase
  readonly round: number
  readonly signed: readonly SignedStep[]
  /** When the vote is over for its witnesses: its end and the grace. */
  readonly endsMs: number
}

/**
 * Runs a witness once, as far as the records that are here let it. Time-outs do not pass in a command: with `goesOn`
 * those of the present round count as passed.
 */
export async function runWitness(
  dao: OpenDao,
  view: ProposalView,
  { identity, author, dao: id }: Signer,
  { goesOn, nowMs }: { readonly goesOn: boolean; readonly nowMs: number },
): Promise<WitnessRun> {
  const { createWitness, laneOf, signRecord } = await import('@x0t/dao')
  const endMs = await closingEndMs(view)
  const witness = createWitness({
    proposal: await signedProposal(dao, view),
    self: author,
    seals: view.seals,
    view: {
      effectiveEndMs: () => endMs,
      ballots: () => view.box.map((record) => record.id),
      holds: (record) => dao.holds(record),
    },
    timeoutMs: 1000,
  })
  const signed: SignedStep[] = []
  const timers: WitnessTimer[] = []
  const sign = async ({ seq, body }: WitnessAction & { readonly type: 'sign' }): Promise<SignedRecord> => {
    const lane = laneOf('seal', body)
    return dao.store.append(author, lane, (next, prev) => {
      // A running node of this home is a witness too: what it has signed comes first.
      if (next !== seq)
        throw new X0tError('DAO_SIGNED_ELSEWHERE', 'the running node of this home is closing this vote', {
          hint: 'leave it to the node: x0t dao tally',
        })
      return signRecord(identity, { dao: id, author, lane, seq, prev, atMs: Date.now() }, 'seal', body)
    })
  }
  const carryOut = async (actions: readonly WitnessAction[]): Promise<void> => {
    for (const action of actions) {
      if (action.type === 'timer') timers.push(action.timer)
      else {
        const seal = await sign(action)
        const { body } = action
        signed.push({ step: body.step, round: 'round' in body ? body.round : null, record: seal.id })
        await carryOut(witness.handle({ type: 'seal', seal }))
      }
    }
  }
  await carryOut(witness.handle({ type: 'clock', nowMs }))
  const { round } = witness
  const passed = goesOn ? timers : []
  for (let timer = passed.shift(); timer !== undefined && witness.round === round; timer = passed.shift())
    await carryOut(witness.handle({ type: 'timer', timer }))
  const { phase } = witness
  return { phase, round: witness.round, signed, endsMs: endMs + view.record.body.graceMs }
}

async function signedProposal(
  { store }: OpenDao,
  { id }: ProposalView,
): Promise<SignedRecord & { readonly record: RecordOf<'proposal'> }> {
  const signed = await store.get(id)
  if (signed?.record.kind !== 'proposal') throw new TypeError(`the store does not hold ${id}`)
  return { ...signed, record: signed.record }
}
