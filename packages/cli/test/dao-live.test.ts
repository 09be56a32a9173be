import { PassThrough, Writable } from 'node:stream'
import { createElement as h } from 'react'
import { render } from 'ink-testing-library'
import t from 'tap'
import {
  defaultRules,
  rulesOfMethod,
  tally,
  type Ballot,
  type Choice,
  type MemberId,
  type Method,
  type RecordId,
} from '@x0t/dao'
import { arrivedWords, proposalLine } from '../src/views/dao-watch-lines.ts'
import { DaoWatchLive, renderDaoWatchFrame, showDaoWatchLive } from '../src/views/dao-watch-live.ts'
import {
  recordsArrived,
  watchOrder,
  type DaoWatchState,
  type WatchedProposal,
} from '../src/views/dao-watch-state.ts'
import { VoteLive } from '../src/views/dao-vote-live.ts'
import {
  filledBallot,
  spent,
  startVote,
  voteKey,
  type VoteKey,
  type VoteState,
} from '../src/views/dao-vote-state.ts'

const cities: readonly Choice[] = ['Oslo', 'Rome', 'Riga'].map((label) => ({ label, role: 'option' }))
const vote = (method: Method, budget: bigint | null = null): VoteState =>
  startVote('Where?', cities, rulesOfMethod(method, 'plurality'), budget)
const press = (state: VoteState, ...keys: readonly VoteKey[]): VoteState => keys.reduce(voteKey, state)

const until = async (good: () => boolean): Promise<void> => {
  while (!good()) await new Promise((resolve) => setImmediate(resolve))
}

t.test('keys fill in a ballot of each kind', async (t) => {
  t.equal(filledBallot(vote('linear')), undefined)
  t.same(filledBallot(press(vote('linear'), 'toggle', 'down', 'toggle')), { kind: 'single', choice: 1 })
  t.same(filledBallot(press(vote('approval'), 'toggle', 'up', 'toggle', 'down', 'toggle')), {
    kind: 'approval',
    choices: [2],
  })
  const ranked = press(vote('ranked-choice'), 'down', 'toggle', 'down', 'toggle', 'down', 'toggle')
  t.same(filledBallot(ranked), { kind: 'ranking', ranking: [1, 2, 0] })
  t.same(
    filledBallot(press(ranked, 'down', 'toggle')),
    { kind: 'ranking', ranking: [2, 0] },
    'taken out, the gap closes',
  )
  t.same(filledBallot(press(vote('weighted'), 'right', 'right', 'down', 'toggle', 'left', 'left')), {
    kind: 'shares',
    shares: [[0, '2']],
  })
  t.equal(
    press(vote('linear'), 'right').values.join(),
    '0,0,0',
    'arrows to the side mean nothing for one choice',
  )
})

t.test('credits are never overspent', async (t) => {
  // 3² = 9, and 1² more would be 10
  const full = press(vote('quadratic-credits', 9n), 'right', 'right', 'right')
  t.equal(spent(full), 9n)
  const over = press(full, 'down', 'left')
  t.match(over, { remark: '10 credits would be needed, 9 are there' })
  t.same(filledBallot(over), { kind: 'credits', votes: [[0, '3']] })
  t.same(filledBallot(press(vote('quadratic-credits', 9n), 'left')), { kind: 'credits', votes: [[0, '-1']] })
  t.same(filledBallot(press(over, 'up', 'left', 'down', 'left')), {
    kind: 'credits',
    votes: [
      [0, '2'],
      [1, '-1'],
    ],
  })
})

t.test('the terminal shows the ballot as it is filled in; enter casts it and q leaves', async (t) => {
  const run = async (
    start: VoteState,
    keys: readonly string[],
  ): Promise<{ ballot: Ballot | null | undefined; frame: string }> => {
    const cast: (Ballot | null)[] = []
    const app = render(h(VoteLive, { start, done: (ballot) => void cast.push(ballot) }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    for (const key of keys) {
      const before = app.lastFrame()
      app.stdin.write(key)
      for (let turn = 0; turn < 50 && app.lastFrame() === before && cast.length === 0; turn++)
        await new Promise((resolve) => setImmediate(resolve))
    }
    return { ballot: cast[0], frame: app.frames.join('\n') }
  }
  const [down, right, left] = ['\u001b[B', '\u001b[C', '\u001b[D']
  t.match(await run(vote('linear'), [down, '\r']), {
    ballot: { kind: 'single', choice: 1 },
    frame: /> 2 {2}Rome {2}\( \)/,
  })
  t.match(await run(vote('approval'), ['\r', ' ', '\r']), {
    ballot: { kind: 'approval', choices: [0] },
    frame: /nothing is chosen yet/,
  })
  t.match(await run(vote('ranked-choice'), [down, ' ', '\r']), {
    ballot: { kind: 'ranking', ranking: [1] },
    frame: /1\./,
  })
  t.match(await run(vote('weighted'), [right, right, left, '\r']), {
    ballot: { kind: 'shares', shares: [[0, '1']] },
    frame: /100 %/,
  })
  t.match(await run(vote('quadratic-credits', 4n), ['+', '+', '+', '-', '\r']), {
    ballot: { kind: 'credits', votes: [[0, '1']] },
    frame: /credits: 4 of 4 spent/,
  })
  t.match(await run(vote('linear'), ['q']), { ballot: null })
})

const memberId = 'a'.repeat(52) as MemberId
const id = (letter: string): RecordId => `bafyrei${letter.repeat(52)}` as RecordId
const nowMs = Date.parse('2026-01-01T12:00:00Z')

function watched(letter: string, more: Partial<WatchedProposal> = {}): WatchedProposal {
  const choices: readonly Choice[] = [
    { label: 'yes', role: 'for' },
    { label: 'no\u001b[2J', role: 'against' },
  ]
  const voice = {
    member: memberId,
    balance: 16n,
    ballot: { kind: 'single', choice: 0 } as const,
    by: memberId,
  }
  const counted = tally({
    choices,
    rules: defaultRules,
    electorate: [{ member: memberId, balance: 16n }],
    voices: [voice],
  })
  return {
    id: id(letter),
    title: `Question ${letter}`,
    state: 'open',
    isFinal: false,
    method: 'quadratic-weight',
    author: { id: memberId, name: 'alice' },
    opensMs: nowMs,
    closesMs: nowMs + 60_000,
    voices: 1,
    electorate: 1,
    report: {
      proposal: id(letter),
      title: `Question ${letter}`,
      state: 'open',
      isFinal: false,
      choices,
      rules: defaultRules,
      tally: counted,
      tallySha256: '00',
      certificate: null,
      missingWitnesses: [],
      executableAtMs: null,
      token: { decimals: 0, symbol: 'V' },
    },
    ...more,
  }
}

const empty: DaoWatchState = {
  name: 'orchard',
  records: 1,
  proposals: [],
  arrived: [],
  nowMs,
  problem: undefined,
}
const arrived = { atMs: nowMs, id: id('z'), kind: 'vote', author: 'bob', proposal: id('b') }

t.test('what may still change stands first, the soonest before the others', async (t) => {
  const order = watchOrder([
    watched('a', { state: 'executed', closesMs: 1 }),
    watched('b', { closesMs: nowMs + 9 }),
    watched('c', { closesMs: nowMs + 3 }),
    watched('d', { state: 'defeated', closesMs: 2 }),
  ])
  t.equal(order.map(({ title }) => title.at(-1)).join(''), 'cbda')
})

t.test('a frame shows proposals, the count of one, and the records that came', async (t) => {
  const state = recordsArrived({ ...empty, proposals: [watched('b'), watched('c')] }, [arrived])
  const frame = renderDaoWatchFrame(state, 120, 1)
  for (const words of [
    'orchard',
    'Question b',
    'COUNT: Question c',
    'yes',
    '█',
    'quorum holds',
    'vote',
    'by bob',
  ])
    t.ok(frame.includes(words), words)
  t.notOk(frame.includes('\u001b[2J'), 'a label cannot steer the terminal')
  t.match(
    renderDaoWatchFrame({ ...empty, problem: 'the disk is gone' }, 80),
    /! the disk is gone[^]*none[^]*none came yet/,
  )
  t.equal(
    recordsArrived(
      empty,
      Array.from({ length: 500 }, () => arrived),
    ).arrived.length,
    200,
  )
  t.match(arrivedWords({ ...arrived, proposal: null }), /^12:00:00 {2}vote/)
  t.match(proposalLine(watched('b')), /open {2}1 of 1 {2}yes 4, no.* 0 {2}Question b/)
})

t.test('the live view follows its source; arrows choose, q and a signal end it', async (t) => {
  let state: DaoWatchState = { ...empty, proposals: [watched('b'), watched('c')] }
  let watch = (): void => {}
  let watchers = 0
  const source = {
    state: () => state,
    subscribe(run: () => void) {
      watch = run
      watchers++
      return () => void watchers--
    },
  }
  const app = render(h(DaoWatchLive, { source, size: () => ({ width: 100, height: 40 }) }))
  await until(() => watchers === 1)
  t.match(app.lastFrame(), /COUNT: Question b/)
  app.stdin.write('\u001b[B')
  await until(() => app.lastFrame()?.includes('COUNT: Question c') === true)
  app.stdin.write('\u001b[A')
  await until(() => app.lastFrame()?.includes('COUNT: Question b') === true)
  state = recordsArrived(state, [arrived])
  watch()
  await until(() => app.lastFrame()?.includes('by bob') === true)
  app.stdin.write('q')
  await until(() => watchers === 0)
  const abort = new AbortController()
  const stdout = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    isTTY: true,
    columns: 80,
    rows: 20,
  })
  const shown = showDaoWatchLive(
    source,
    { stdin: new PassThrough(), stdout, stderr: stdout, env: {} },
    abort.signal,
  )
  await until(() => watchers === 1)
  abort.abort()
  await shown
  t.equal(watchers, 0)
})
