import { createHash } from 'node:crypto'
import {
  createProposal,
  createWitness,
  type ProposalView,
  type RecordId,
  type SignedProposal,
  type SignedRecord,
} from '@x0t/dao'
import { hourMs, startMs, TestDao, type TestMember } from './test-dao.ts'

/** A DAO whose members have voted on one proposal. */
export interface OpenVote {
  readonly dao: TestDao
  readonly proposal: SignedProposal
  readonly ballots: readonly SignedRecord[]
}

/** Everybody votes for the first choice, the last member for the second. */
export function openVote(balances: readonly string[]): OpenVote {
  const dao = new TestDao(balances)
  const [author] = dao.members
  const proposal = dao.put(
    author!,
    createProposal(dao.state(), {
      author: author!.id,
      title: 'Plant trees',
      text: '',
      choices: [
        { label: 'yes', role: 'for' },
        { label: 'no', role: 'against' },
      ],
      opensMs: startMs,
    }),
  ) as SignedProposal
  const ballots = dao.members.map((member, at) =>
    dao.sign(member, 'vote', {
      proposal: proposal.id,
      ballot: { kind: 'single', choice: at === dao.members.length - 1 ? 1 : 0 },
    }),
  )
  return { dao, proposal, ballots }
}

/** Witnesses that hold these ballots agree on them, with real signatures; their messages are in `dao.records`. */
export function closeVote(
  { dao, proposal }: Pick<OpenVote, 'dao' | 'proposal'>,
  witnesses: readonly TestMember[],
  ballots: readonly RecordId[],
): SignedRecord[] {
  const seals: SignedRecord[] = []
  const machines = witnesses.map((member) => ({
    member,
    seqs: 0,
    prev: null as RecordId | null,
    machine: createWitness({
      proposal,
      self: member.id,
      seals: [],
      view: { effectiveEndMs: () => startMs + hourMs, ballots: () => ballots, holds: () => true },
      timeoutMs: 1000,
    }),
  }))
  const queue: (() => void)[] = []
  /** Timers run out once nothing else is left to do. */
  const late: (() => void)[] = []
  const handle = (one: (typeof machines)[number], event: Parameters<typeof one.machine.handle>[0]): void => {
    for (const action of one.machine.handle(event)) {
      if (action.type === 'timer') {
        late.push(() => handle(one, { type: 'timer', timer: action.timer }))
        continue
      }
      const at = { seq: action.seq, prev: one.prev }
      const seal = dao.sign(one.member, 'seal', action.body, { at, atMs: startMs + 2 * hourMs })
      one.prev = seal.id
      seals.push(seal)
      for (const other of machines) queue.push(() => handle(other, { type: 'seal', seal }))
    }
  }
  for (const one of machines) handle(one, { type: 'clock', nowMs: startMs + 2 * hourMs })
  for (let work = queue.shift(); work !== undefined; work = queue.shift() ?? late.shift()) work()
  return seals
}

export function viewOfVote({ dao, proposal }: Pick<OpenVote, 'dao' | 'proposal'>): ProposalView {
  return dao.state().proposals.get(proposal.id)!
}

export function sha256(bytes: Uint8Array | string): Buffer {
  return createHash('sha256').update(bytes).digest()
}
