import t from 'tap'
import { decidePolicy, defaultPolicy, overruledByVote, readPolicy, valueOfPolicy } from '@x0t/mape-k'

const loss = { proposal: 'p1', key: 'thresholds.loss_percent', value: 3 }
const plan = { proposal: 'p2', key: 'plans.link-dead', value: ['redial'] }

t.test('a vote stands above file and default, and names its proposal', async (t) => {
  const file = readPolicy({ thresholds: { loss_percent: 9, latency_ms: 50 } }, 'file')
  const decided = decidePolicy(file, [loss, plan])
  t.same(valueOfPolicy(decided, loss.key), { value: 3, origin: 'vote', proposal: 'p1' })
  t.same(valueOfPolicy(decided, plan.key), { value: ['redial'], origin: 'vote', proposal: 'p2' })
  t.same(valueOfPolicy(decided, 'thresholds.latency_ms'), { value: 50, origin: 'file' })
  t.same(valueOfPolicy(file, loss.key), { value: 9, origin: 'file' }, 'what it is laid over stays as it is')
})

t.test('of two votes about one value the later holds', async (t) => {
  const decided = decidePolicy(defaultPolicy, [loss, { ...loss, proposal: 'p3', value: 7 }])
  t.match(valueOfPolicy(decided, loss.key), { value: 7, proposal: 'p3' })
})

t.test('what a file sets in vain is named, what it sets with effect is not', async (t) => {
  const file = readPolicy({ thresholds: { loss_percent: 9, latency_ms: 50 } }, 'file')
  t.same(overruledByVote(file, [loss, plan]), ['thresholds.loss_percent'])
  t.same(overruledByVote(defaultPolicy, [loss]), [])
})

t.test('a vote about nothing, or out of the bounds of the policy, is refused', async (t) => {
  for (const bad of [
    { ...loss, key: 'thresholds.luck' },
    { ...loss, key: 'toString' },
    { ...loss, key: 'plans.luck' },
    { ...loss, key: 'plans.toString', value: [] },
    { ...loss, value: 0 },
    { ...loss, value: Number.NaN },
    { ...loss, value: ['redial'] },
    { ...plan, value: 3 },
    { ...plan, value: ['redial', 'redial'] },
    { ...plan, value: ['pray'] },
  ])
    t.throws(
      () => decidePolicy(defaultPolicy, [bad]),
      { code: 'HEALING_POLICY_INVALID' },
      JSON.stringify(bad),
    )
  t.equal(valueOfPolicy(defaultPolicy, 'thresholds.luck'), undefined)
  t.equal(valueOfPolicy(defaultPolicy, 'plans.luck'), undefined)
})
