import t from 'tap'
import fc from 'fast-check'
import { createPathJudge, type PathChange, type Ways } from '../src/path-judge.ts'

const all: Ways = { primary: 'r', red: 'r', blue: 's' }

/** A judge whose member answers, `rttMs` later, on the planes in `works`; data is sent all the time. */
function simulate({ rttMs = 1, lossFactor = 1 } = {}) {
  const changes: string[] = []
  const judge = createPathJudge({
    onChange: (change: PathChange) =>
      changes.push(`${change.kind} ${'reason' in change ? change.reason : change.evidence}`),
    lossFactor: () => lossFactor,
  })
  const pending: { readonly atMs: number; readonly id: number; readonly isPrimary: boolean }[] = []
  let lastPlane = 0
  const world = {
    judge,
    changes,
    nowMs: 0,
    rttMs,
    works: new Set([0, 2, 3]),
    ways: all,
    sends: true,
    /** When the plane changed, and to which. */
    moves: [] as [number, number][],
    requests: 0,
    pass(durationMs: number) {
      for (const end = world.nowMs + durationMs; world.nowMs < end; world.nowMs++) {
        const now = world.nowMs
        if (world.sends) judge.sent(now)
        while (pending.length > 0 && pending[0]!.atMs <= now) {
          const { id, isPrimary } = pending.shift()!
          if (isPrimary) judge.primaryAnswered(id, now)
          else judge.answered(id, now, true)
        }
        judge.follow(now, world.ways)
        if (judge.doubts(now)) judge.move(now, world.ways)
        if (judge.plane !== lastPlane) world.moves.push([now, judge.plane])
        lastPlane = judge.plane
        if (judge.requestDue(now)) {
          world.requests++
          const { id } = judge.makeRequest(now)
          if (world.works.has(judge.plane)) pending.push({ atMs: now + world.rttMs, id, isPrimary: false })
        }
        if (!judge.primaryDue(now)) continue
        const id = judge.makePrimaryRequest(now)
        if (world.works.has(0)) pending.push({ atMs: now + world.rttMs, id, isPrimary: true })
      }
    },
  }
  return world
}

t.test('a way that works is asked twenty times a second and never left', async (t) => {
  const world = simulate({ rttMs: 3 })
  world.pass(10_000)
  t.equal(world.requests, 200)
  t.strictSame(world.moves, [])
  const far = simulate({ rttMs: 400 })
  far.pass(10_000)
  t.ok(far.requests < 70, 'a long way is asked less often: every half round trip')
  t.strictSame(far.moves, [])
})

t.test('silence is borne for 150 ms, or four round trips, or before the first answer a second', async (t) => {
  for (const [rttMs, leastMs, mostMs] of [
    [1, 100, 152],
    [100, 300, 405],
  ] as const) {
    const world = simulate({ rttMs })
    world.pass(4000)
    world.works.delete(0)
    world.works.delete(2)
    world.pass(1000)
    const [atMs, to] = world.moves[0]!
    t.ok(atMs - 4000 >= leastMs && atMs - 4000 <= mostMs, `left ${atMs - 4000} ms later`)
    t.equal(to, 3, 'to the tree that does not begin at the same neighbour')
    t.strictSame(world.changes, ['path-suspect silence'])
  }
  const first = simulate()
  first.works.delete(0)
  first.pass(2000)
  t.equal(first.moves[0]![0], 1000)
})

t.test('where echoes are lost by chance more of them must be', async (t) => {
  const world = simulate({ lossFactor: 4 })
  world.pass(1000)
  world.works.delete(0)
  world.pass(540)
  t.strictSame(world.moves, [])
  world.pass(60)
  t.equal(world.moves.length, 1)
})

t.test('a way that comes back must answer for a second, and longer at each relapse', async (t) => {
  const world = simulate()
  const spans: number[] = []
  for (let i = 0; i < 4; i++) {
    world.works.delete(0)
    world.pass(3000)
    world.works.add(0)
    const mendedAtMs = world.nowMs
    world.pass(15_000)
    spans.push(world.moves.at(-1)![0] - mendedAtMs)
    t.equal(world.judge.plane, 0)
  }
  // At most 2 s until the next request, then 1, 2, 4 and 8 s of answers.
  for (const [i, span] of spans.entries())
    t.ok(span >= 1000 * 2 ** i && span <= 2300 + 1000 * 2 ** i, `${span}`)
  t.equal(world.changes.filter((change) => change === 'path-clear answers').length, 4)
})

t.test('a way that flaps is not trusted: its answers must come in a row', async (t) => {
  const world = simulate()
  world.pass(1000)
  for (let i = 0; i < 60; i++) {
    world.works.delete(0)
    world.pass(500)
    world.works.add(0)
    world.pass(500)
  }
  t.ok(world.moves.length <= 6, `${world.moves.length} moves in a minute of flapping`)
})

t.test(
  'an answer that was late, not lost, undoes the move, and the longer round trip is learnt',
  async (t) => {
    const world = simulate({ rttMs: 5 })
    world.pass(2000)
    world.rttMs = 240
    world.pass(3000)
    t.equal(world.judge.plane, 0)
    t.ok(world.moves.length <= 2)
    t.strictSame(world.changes, [], 'nobody was blamed')
  },
)

t.test('with all ways silent none is blamed, and they are tried ever more rarely', async (t) => {
  const world = simulate()
  world.pass(1000)
  world.works.clear()
  world.pass(20_000)
  t.strictSame(world.changes, [])
  const before = world.moves.length
  t.ok(before <= 21, `${before} moves`)
  world.pass(20_000)
  t.ok(world.moves.length - before <= 6)
  world.works.add(0)
  world.pass(500)
  t.equal(world.judge.plane, 0)
})

t.test('when the tree fails too, the other is taken, and then the ordinary way again', async (t) => {
  const world = simulate()
  world.pass(1000)
  world.works.delete(0)
  world.pass(1000)
  t.equal(world.judge.plane, 3)
  world.works.delete(3)
  world.pass(1000)
  t.equal(world.judge.plane, 2)
  world.works.delete(2)
  world.pass(300)
  t.strictSame(world.changes, ['path-suspect silence', 'path-clear no-better'])
})

t.test('what routing does about it ends the detour', async (t) => {
  const world = simulate()
  world.pass(1000)
  world.works.delete(0)
  world.pass(1000)
  world.ways = { primary: 's', red: 'r', blue: 's' }
  world.pass(10)
  t.strictSame(world.changes, ['path-suspect silence', 'path-clear rerouted'])
  t.equal(world.judge.plane, 0)
})

t.test('a tree whose first link dies is left at once; without any there is nothing to do', async (t) => {
  const world = simulate()
  world.pass(1000)
  world.works.delete(0)
  world.pass(1000)
  world.ways = { ...all, blue: undefined }
  world.pass(2)
  t.equal(world.judge.plane, 2)
  const alone = simulate()
  alone.ways = { primary: 'r', red: undefined, blue: undefined }
  alone.pass(1000)
  alone.works.clear()
  alone.pass(5000)
  t.strictSame(alone.moves, [])
  const cut = simulate()
  cut.ways = { primary: undefined, red: undefined, blue: undefined }
  cut.pass(3000)
  t.strictSame(cut.moves, [])
})

t.test('a minute without data ends the detour, and no more is asked', async (t) => {
  const world = simulate()
  world.pass(1000)
  world.works.delete(0)
  world.pass(1000)
  world.sends = false
  world.pass(61_000)
  t.strictSame(world.changes, ['path-suspect silence', 'path-clear idle'])
  const { requests } = world
  world.pass(10_000)
  t.equal(world.requests, requests)
  t.ok(world.judge.isAtRest(world.nowMs))
  t.equal(world.judge.nextAtMs(world.nowMs), Infinity)
  world.sends = true
  world.pass(140)
  t.equal(world.judge.plane, 0, 'the silence of the pause does not count')
})

t.test('time in which this process was not scheduled is nobody’s silence', async (t) => {
  const world = simulate()
  world.pass(1000)
  const { judge } = world
  for (const atMs of [1001, 1051, 1101]) {
    judge.sent(atMs)
    judge.makeRequest(atMs)
  }
  t.ok(judge.doubts(2000))
  judge.excuse(950)
  t.notOk(judge.doubts(2000))
})

t.test('whatever numbers come back, the judge stays consistent', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(6), fc.nat(40), fc.nat(300)), { maxLength: 80 }), (steps) => {
      const balance = { open: 0 }
      const judge = createPathJudge({
        onChange: ({ kind }) => (balance.open += kind === 'path-suspect' ? 1 : -1),
        lossFactor: () => 1,
      })
      let now = 0
      for (const [what, id, ms] of steps) {
        now += ms
        if (what === 0) judge.sent(now)
        else if (what === 1) judge.answered(id, now, ms % 2 === 0)
        else if (what === 2) judge.primaryAnswered(id, now)
        else if (what === 3) judge.toldOfLoss(now)
        else if (what === 4) judge.move(now, all)
        else if (what === 5 && judge.requestDue(now)) judge.makeRequest(now)
        else if (judge.primaryDue(now)) judge.makePrimaryRequest(now)
        judge.follow(now, ms % 7 === 0 ? { ...all, red: undefined, primary: 's' } : all)
        if (judge.doubts(now)) judge.move(now, all)
        // A suspicion is cleared before the next: never two open, never one cleared twice.
        if (balance.open < 0 || balance.open > 1 || ![0, 2, 3].includes(judge.plane)) return false
        if (judge.plane === 0 && balance.open !== 0) return false
      }
      return true
    }),
    { seed: 83, numRuns: 1000 },
  )
})
