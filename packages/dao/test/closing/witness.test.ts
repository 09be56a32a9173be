import t from 'tap'
import { certificatesOf, createWitness, proposerOf, type RecordId, type SignedRecord } from '@x0t/dao'
import { ballotId, closesMs, ClosingRun, proposalWith, sealOf, witnessIds } from '../support/closing-run.ts'

const yearMs = 365 * 86_400_000
const a = ballotId('a')
const b = ballotId('b')
const none = (): SignedRecord[] => []
const byText = (ids: readonly RecordId[]): RecordId[] => ids.toSorted()

t.test('a vote with one witness is closed by it alone', async (t) => {
  const ids = witnessIds(1)
  const run = new ClosingRun(ids, ids, () => 0)
  run.giveBallot(run.stations[0]!, a)
  run.nowMs = 1000
  run.settle(none, 0)
  const { certificate } = certificatesOf(run.proposal, run.allSeals())
  t.match(certificate, { round: 0, count: 1, ballots: [a] })
  t.same(
    run.allSeals().map(({ record }) => record.kind === 'seal' && record.body.step),
    ['declare', 'propose', 'prepare', 'commit'],
  )
})

t.test('nobody declares before end and grace have passed on its own clock', async (t) => {
  const ids = witnessIds(3)
  const run = new ClosingRun(ids, ids, () => 0)
  run.nowMs = 999
  run.settle(none, 0)
  t.same(run.allSeals(), [])
  t.same(
    run.stations.map(({ witness }) => witness.phase),
    ['open', 'open', 'open'],
  )
  run.nowMs = 1000
  run.settle(none, 0)
  t.same(
    run.stations.map(({ witness }) => witness.phase),
    ['certified', 'certified', 'certified'],
  )
})

t.test(
  'one clock years ahead does not close a vote of three, and one years behind does not keep it open',
  async (t) => {
    const ids = witnessIds(3)
    const ahead = new ClosingRun(ids, ids, (at) => (at === 0 ? 10 * yearMs : 0))
    ahead.nowMs = -1000
    ahead.settle(none, 0)
    t.equal(ahead.allSeals().length, 1, 'the early one has declared, and waits')
    const behind = new ClosingRun(ids, ids, (at) => (at === 0 ? -10 * yearMs : 0))
    behind.nowMs = 1000
    behind.settle(none, 0)
    t.ok(certificatesOf(behind.proposal, behind.allSeals()).certificate)
  },
)

t.test(
  'of 4 witnesses a ballot needs 2 that had it; what one alone says it had does not count',
  async (t) => {
    const ids = witnessIds(4)
    const run = new ClosingRun(ids, ids, () => 0)
    run.giveBallot(run.stations[0]!, a)
    run.giveBallot(run.stations[1]!, a)
    run.giveBallot(run.stations[2]!, b)
    // All end the vote before they hear of one another.
    run.nowMs = 1000
    for (const station of run.stations) run.tellTime(station)
    run.settle(none, 0)
    t.same(certificatesOf(run.proposal, run.allSeals()).certificate?.ballots, [a])
  },
)

t.test(
  'a ballot that comes after the declaration is not taken, however long the closing lasts',
  async (t) => {
    const ids = witnessIds(3)
    const run = new ClosingRun(ids, ids, () => 0)
    run.nowMs = 1000
    for (const station of run.stations) run.tellTime(station)
    for (const station of run.stations) run.giveBallot(station, a)
    run.settle(none, 0)
    t.same(certificatesOf(run.proposal, run.allSeals()).certificate?.ballots, [])
  },
)

t.test('with the first proposer gone the next round has another one', async (t) => {
  const ids = witnessIds(4)
  const run = new ClosingRun(ids, ids.slice(1), () => 0)
  run.nowMs = 1000
  run.settle(none, 60_000)
  const { certificate } = certificatesOf(run.proposal, run.allSeals())
  t.equal(certificate?.round, 1)
  t.same(
    [0, 1, 4].map((round) => proposerOf(ids.toReversed(), round)),
    [ids[0], ids[1], ids[0]],
  )
})

t.test(
  'with more than f gone nothing is certified, no round passes, and it goes on when they are back',
  async (t) => {
    const ids = witnessIds(4)
    const run = new ClosingRun(ids, ids, () => 0)
    for (const station of run.stations.slice(2)) run.crash(station)
    run.nowMs = 1000
    for (let i = 0; i < 50; i++) {
      run.nowMs += 10_000
      for (const station of run.stations.slice(0, 2)) {
        run.tellTime(station)
        for (const seal of run.allSeals()) run.giveSeal(station, seal)
        for (const timer of station.timers.keys()) run.fire(station, timer)
      }
    }
    t.equal(run.allSeals().length, 2, 'two declarations, and nothing to agree on')
    t.same(
      run.stations.slice(0, 2).map(({ witness }) => witness.phase),
      ['gathering', 'gathering'],
    )
    run.settle(none, 60_000)
    t.ok(certificatesOf(run.proposal, run.allSeals()).certificate)
  },
)

t.test('a set is not prepared before all its ballots are here', async (t) => {
  const ids = witnessIds(4)
  const run = new ClosingRun(ids, ids, () => 0)
  run.giveBallot(run.stations[0]!, a)
  run.giveBallot(run.stations[1]!, a)
  run.nowMs = 1000
  for (const station of run.stations) run.tellTime(station)
  for (let i = 0; i < 3; i++)
    for (const station of run.stations) for (const seal of run.allSeals()) run.giveSeal(station, seal)
  const prepared = run
    .allSeals()
    .filter(({ record }) => record.kind === 'seal' && record.body.step === 'prepare')
  t.same(new Set(prepared.map(({ record }) => record.author)), new Set(ids.slice(0, 2)))
  run.giveBallot(run.stations[2]!, a)
  t.equal(run.stations[2]!.own.length, 3, 'it prepares, and as that makes three, commits')
})

t.test(
  'a large declaration comes in parts, and one that was cut short by a crash is made anew',
  async (t) => {
    const ids = witnessIds(1)
    const run = new ClosingRun(ids, ids, () => 0)
    const [station] = run.stations
    const ballots = Array.from({ length: 1025 }, (_, at) => ballotId(`${at}`))
    for (const id of ballots) station!.ballots.add(id)
    const proposal = proposalWith(ids)
    const view = { effectiveEndMs: () => closesMs, ballots: () => ballots, holds: () => true }
    const first = createWitness({ proposal, self: ids[0]!, seals: [], view, timeoutMs: 1000 })
    const [part] = first.handle({ type: 'clock', nowMs: closesMs + 1000 })
    t.match(part, { type: 'sign', seq: 0, body: { step: 'declare', part: 0, of: 3 } })
    if (part?.type !== 'sign') return
    run.stations[0]!.own.push(sealOf(ids[0]!, 0, null, part.body))
    run.stations[0]!.seals.set(station!.own[0]!.id, station!.own[0]!)
    run.nowMs = 1000
    run.restart(station!)
    run.settle(none, 0)
    t.same(
      run
        .allSeals()
        .flatMap(({ record }) =>
          record.kind === 'seal' && record.body.step === 'declare'
            ? [[record.seq, record.body.part, record.body.ballots.length]]
            : [],
        ),
      [
        [0, 0, 512],
        [1, 0, 512],
        [2, 1, 512],
        [3, 2, 1],
      ],
    )
    t.same(certificatesOf(run.proposal, run.allSeals()).certificate?.ballots, byText(ballots))
  },
)

t.test('what could not be signed is asked for again, and nothing else before it', async (t) => {
  const ids = witnessIds(1)
  const proposal = proposalWith(ids)
  const view = { effectiveEndMs: () => closesMs, ballots: () => [a], holds: () => true }
  const witness = createWitness({ proposal, self: ids[0]!, seals: [], view, timeoutMs: 1000 })
  const asked = witness.handle({ type: 'clock', nowMs: closesMs + 1000 })
  t.match(asked, [{ type: 'sign', seq: 0, body: { step: 'declare' } }])
  t.same(witness.handle({ type: 'ballots' }), [])
  t.same(witness.handle({ type: 'unsigned' }), asked)
})

t.test('a process beside that signed for the same witness is followed, not contradicted', async (t) => {
  const ids = witnessIds(1)
  const run = new ClosingRun(ids, ids, () => 0)
  run.nowMs = 1000
  run.settle(none, 0)
  const view = { effectiveEndMs: () => closesMs, ballots: () => [a], holds: () => true }
  const late = createWitness({ proposal: run.proposal, self: ids[0]!, seals: [], view, timeoutMs: 1000 })
  t.match(late.handle({ type: 'clock', nowMs: closesMs + 1000 }), [{ type: 'sign', seq: 0 }])
  const actions = run
    .allSeals()
    .slice(0, 3)
    .map((seal) => late.handle({ type: 'seal', seal }))
  t.match(actions, [
    [{ seq: 1, body: { step: 'propose' } }],
    [{ seq: 2, body: { step: 'prepare' } }],
    [{ seq: 3, body: { step: 'commit' } }],
  ])
  t.same(late.handle({ type: 'seal', seal: run.allSeals()[3]! }), [])
  t.equal(late.phase, 'certified')
})

t.test('nobody else can be a witness', async (t) => {
  const [self, ...others] = witnessIds(4)
  const view = { effectiveEndMs: () => closesMs, ballots: () => [], holds: () => true }
  t.throws(
    () => createWitness({ proposal: proposalWith(others), self: self!, seals: [], view, timeoutMs: 1 }),
    RangeError,
  )
})
