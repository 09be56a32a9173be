import t from 'tap'
import {
  certifiedAtMs,
  executionOf,
  executionState,
  expiryMs,
  reportersOf,
  timelockEndMs,
  type Action,
} from '@x0t/dao'
import { nodeIdOfKeys } from '@x0t/keys'
import { nodeOf, viewOf, type SampleView } from './support/sample-proposal.ts'

// Three witnesses; the middle one of the commits says 1000, the timelock takes 1000 more, the expiry 10,000 more.
const [one, two, three] = [nodeOf(1), nodeOf(2), nodeOf(3)]
const threshold: Action = { type: 'update_threshold', key: 'thresholds.loss_percent', value: '3' }
const at = (
  nowMs: number,
  more: Partial<SampleView> = {},
  outcome: 'passed' | 'defeated' | null = 'passed',
) => executionOf(viewOf({ actions: [threshold], ...more }), { outcome, self: one, nowMs })[0]!

t.test('a vote is closed at the median of what the witnesses say, whatever one of them says', async (t) => {
  t.equal(certifiedAtMs(viewOf({ actions: [] }).certificate!), 1000)
  t.equal(certifiedAtMs(viewOf({ actions: [], commitsMs: [900, 1000, 9e14] }).certificate!), 1000)
  t.equal(certifiedAtMs(viewOf({ actions: [], commitsMs: [0, 900, 1000] }).certificate!), 900)
  t.equal(timelockEndMs(viewOf({ actions: [] })), 2000)
  t.equal(expiryMs(viewOf({ actions: [] })), 12_000)
  t.equal(timelockEndMs(viewOf({ actions: [], commitsMs: null })), null)
})

t.test('an action waits for the timelock, is due until it expires, and not after', async (t) => {
  t.match(at(1999), { stage: 'waiting', untilMs: 2000 })
  t.match(at(2000), { stage: 'due', untilMs: 12_000 })
  t.match(at(11_999), { stage: 'due' })
  t.match(at(12_000), { stage: 'expired', untilMs: null })
})

t.test('without a certificate, and with a vote against it, nothing is due', async (t) => {
  t.match(at(5000, { commitsMs: null }), { stage: 'not-passed' })
  t.match(at(5000, {}, null), { stage: 'not-passed' })
  t.match(at(5000, {}, 'defeated'), { stage: 'not-passed', detail: /defeated/ })
})

t.test('a veto, a cancellation and two certificates end it before and after the timelock', async (t) => {
  for (const nowMs of [0, 5000, 50_000]) {
    t.match(at(nowMs, { vetoes: ['too early'] }), { stage: 'vetoed', detail: /too early/ })
    t.match(at(nowMs, { isCanceled: true }), { stage: 'canceled' })
    t.match(at(nowMs, { isHalted: true }), { stage: 'halted' })
  }
})

t.test("a node's own report is final for it, also after a veto and after the expiry", async (t) => {
  const reports = [[one, 0, 'executed', 'from 5 to 3']] as const
  t.match(at(50_000, { reports, vetoes: ['late'] }), { stage: 'executed', detail: 'from 5 to 3' })
  t.match(at(5000, { reports: [[one, 0, 'failed', 'no loop']] }), { stage: 'failed', detail: 'no loop' })
  t.match(
    at(5000, {
      reports: [
        [one, 0, 'failed'],
        [one, 0, 'executed'],
      ],
    }),
    { stage: 'failed' },
  )
})

t.test(
  'what more than half of the witnesses did is due for a node that was away, and not after a veto',
  async (t) => {
    const reports = [
      [two, 0, 'executed'],
      [three, 0, 'executed'],
    ] as const
    t.match(at(9e12, { reports }), { stage: 'due', untilMs: 9e12 })
    t.match(at(0, { reports }), { stage: 'due' }, 'a clock that is behind does not keep it back')
    t.match(at(9e12, { reports: reports.slice(1) }), { stage: 'expired' })
    t.match(at(9e12, { reports, vetoes: ['no'] }), { stage: 'vetoed' })
    t.match(
      at(9e12, {
        reports: [
          [nodeOf(7), 0, 'executed'],
          [nodeOf(8), 0, 'executed'],
        ],
      }),
      { stage: 'expired' },
    )
  },
)

t.test('each action of a proposal has its own fate', async (t) => {
  const view = viewOf({
    actions: [threshold, { type: 'rotate_keys', node: 'all' }],
    reports: [[one, 1, 'failed', 'a peer is away']],
  })
  const stages = executionOf(view, { outcome: 'passed', self: one, nowMs: 5000 }).map(({ stage }) => stage)
  t.same(stages, ['due', 'failed'])
})

t.test('a proposal is executed once more than half of the witnesses report all of it', async (t) => {
  const state = (nowMs: number, more: Partial<SampleView> = {}) =>
    executionState(viewOf({ actions: [threshold], ...more }), 'passed', nowMs)
  t.equal(state(5000), 'queued')
  t.equal(state(5000, { reports: [[one, 0, 'executed']] }), 'queued')
  t.equal(
    state(5000, {
      reports: [
        [one, 0, 'executed'],
        [two, 0, 'executed'],
      ],
    }),
    'executed',
  )
  t.equal(
    state(9e12, {
      reports: [
        [one, 0, 'executed'],
        [two, 0, 'executed'],
      ],
    }),
    'executed',
  )
  t.equal(
    state(5000, {
      reports: [
        [one, 0, 'failed'],
        [two, 0, 'failed'],
      ],
    }),
    'failed',
  )
  t.equal(
    state(5000, {
      reports: [
        [one, 0, 'executed'],
        [one, 0, 'executed'],
      ],
    }),
    'queued',
  )
  t.equal(state(12_000, { reports: [[one, 0, 'executed']] }), 'expired')
  t.equal(state(5000, { vetoes: ['no'] }), 'vetoed')
  t.equal(state(5000, { isCanceled: true }), 'canceled')
  t.equal(state(5000, { isHalted: true }), 'halted')
  t.equal(state(5000, { actions: [] }), 'passed')
  t.equal(executionState(viewOf({ actions: [threshold] }), 'tied', 5000), 'tied')
})

t.test('the keys of one node are reported by that node alone', async (t) => {
  const actions: Action[] = [{ type: 'rotate_keys', node: two }]
  t.equal(executionState(viewOf({ actions, reports: [[two, 0, 'executed']] }), 'passed', 5000), 'executed')
  t.equal(executionState(viewOf({ actions, reports: [[two, 0, 'failed']] }), 'passed', 5000), 'failed')
  t.equal(executionState(viewOf({ actions, reports: [[one, 0, 'executed']] }), 'passed', 5000), 'queued')
  // A member whose keys were rotated: its id is that of the first keys, the node's that of the present ones.
  const keys = { ed25519: new Uint8Array(32).fill(1), mldsa65: new Uint8Array(1952).fill(1) }
  const view = viewOf({ actions: [{ type: 'rotate_keys', node: nodeIdOfKeys(keys.ed25519, keys.mldsa65) }] })
  const rotated = { ...view, electorate: [{ ...view.electorate[1]!, keys }] }
  t.same(reportersOf(rotated, rotated.record.body.actions[0]!), [two])
})
