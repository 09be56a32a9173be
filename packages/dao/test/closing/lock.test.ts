import t from 'tap'
import { ballotSetRoot, type MemberId, type RecordId, type SealBody, type SignedRecord } from '@x0t/dao'
import { ballotId, ClosingRun, sealOf, witnessIds, type Station } from '../support/closing-run.ts'

type Body<Type> = Type extends unknown ? Omit<Type, 'proposal'> : never

const ids = witnessIds(4)
const [w0, w1, w2, self] = ids as [MemberId, MemberId, MemberId, MemberId]
const a = ballotId('a')

/** A witness that has declared nothing of its own, and messages of the other three as if they had signed them. */
function locked() {
  const run = new ClosingRun(ids, [self], () => 0)
  const [station] = run.stations as [Station]
  const seqs = new Map<MemberId, number>()
  const say = (author: MemberId, body: Body<SealBody>): SignedRecord => {
    const seq = seqs.get(author) ?? 0
    seqs.set(author, seq + 1)
    const seal = sealOf(author, seq, null, { proposal: run.proposal.id, ...body })
    run.giveSeal(station, seal)
    return seal
  }
  const declare = (author: MemberId, ballots: readonly RecordId[]): RecordId =>
    say(author, { step: 'declare', part: 0, of: 1, ballots }).id
  const vote = (
    author: MemberId,
    step: 'prepare' | 'commit',
    round: number,
    set: readonly RecordId[] | null,
  ) =>
    say(author, {
      step,
      round,
      root: set === null ? null : ballotSetRoot(set),
      count: set?.length ?? 0,
      declarations: [],
      validRound: null,
    })
  run.giveBallot(station, a)
  const lists = [declare(w0, [a]), declare(w1, [a]), declare(w2, [])]
  run.nowMs = 1000
  run.tellTime(station)
  station.ballots.add(a)
  const propose = (
    author: MemberId,
    round: number,
    set: readonly RecordId[],
    declarations: readonly RecordId[],
    validRound: number | null,
  ) =>
    say(author, {
      step: 'propose',
      round,
      root: ballotSetRoot(set),
      count: set.length,
      declarations: declarations.toSorted(),
      validRound,
    })
  // Round 0: [a], of which two of three declarations tell; prepared by three, and this witness commits.
  propose(w0, 0, [a], lists, null)
  for (const author of [w0, w1]) vote(author, 'prepare', 0, [a])
  return { run, station, propose, vote, lists, declare }
}

function last(station: Station): SealBody {
  const { record } = station.own.at(-1)!
  if (record.kind !== 'seal') throw new TypeError('no seal')
  return record.body
}

const rootOfA = ballotSetRoot([a])

t.test('what q witnesses prepared is committed to', async (t) => {
  const { station } = locked()
  t.match(last(station), { step: 'commit', round: 0 })
  const body = last(station)
  t.ok(body.step !== 'declare' && Buffer.compare(body.root!, rootOfA) === 0)
})

for (const restarts of [false, true])
  t.test(
    `who has committed prepares no other new set${restarts ? ', nor after a restart' : ''}`,
    async (t) => {
      const { run, station, propose, vote, lists, declare } = locked()
      for (const author of [w0, w1]) vote(author, 'commit', 0, null)
      run.fire(station, 'commit 0')
      if (restarts) {
        run.crash(station)
        run.restart(station)
        run.fire(station, 'commit 0')
      }
      // Another declaration of a liar makes an empty set of the three.
      const other = declare(w1, [])
      propose(w1, 1, [], [lists[0]!, other, lists[2]!], null)
      t.match(last(station), { step: 'prepare', round: 1, root: null })
    },
  )

t.test('it changes to a set that q witnesses have prepared since, and not on a claim of that', async (t) => {
  const { run, station, propose, vote, lists, declare } = locked()
  for (const author of [w0, w1]) vote(author, 'commit', 0, null)
  run.fire(station, 'commit 0')
  const other = declare(w1, [])
  const empty = [lists[0]!, other, lists[2]!]
  propose(w1, 1, [], empty, null)
  t.match(last(station), { step: 'prepare', round: 1, root: null })
  for (const author of [w0, w1]) vote(author, 'prepare', 1, [])
  run.fire(station, 'prepare 1')
  for (const author of [w0, w1]) vote(author, 'commit', 1, null)
  run.fire(station, 'commit 1')
  propose(w2, 2, [], empty, 1)
  t.match(last(station), { step: 'commit', round: 1, root: null }, 'two have prepared it, three are needed')
  vote(w2, 'prepare', 1, [])
  const body = last(station)
  t.match(body, { step: 'prepare', round: 2 })
  t.ok(body.step !== 'declare' && Buffer.compare(body.root!, ballotSetRoot([])) === 0)
})
