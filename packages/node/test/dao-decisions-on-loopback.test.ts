import { writeFileSync } from 'node:fs'
import t from 'tap'
import { recordIdOf } from '@x0t/dao'
import { decisionsText } from '../src/dao/execution/decisions-file.ts'
import { homeAt } from '../src/home.ts'
import { createLoopbackNet } from './loopback-nodes.ts'

const net = createLoopbackNet()
t.teardown(() => net[Symbol.asyncDispose]())
t.setTimeout(110_000)
const proposal = recordIdOf(Buffer.from('a proposal'))

await t.test('what was voted holds from the first moment of a start, above any policy file', async (t) => {
  const a = net.node('a')
  await a.init()
  writeFileSync(
    homeAt(a.home).decisionsFile,
    decisionsText([
      { proposal, action: 0, kind: 'policy', key: 'thresholds.loss_percent', value: 3 },
      { proposal, action: 1, kind: 'policy', key: 'plans.link-dead', value: ['redial'] },
      { proposal, action: 2, kind: 'config', key: 'probe.misses', value: 6 },
    ]),
  )
  await a.start()
  const policy = await a.client.healPolicy()
  t.match(
    policy.numbers.find(({ key }) => key === 'thresholds.loss_percent'),
    { value: 3, origin: 'vote', proposal },
  )
  t.match(
    policy.plans.find(({ diagnosis }) => diagnosis === 'link-dead'),
    { actions: ['redial'], origin: 'vote', proposal },
  )
  t.same(policy.overruled, [])
  t.match(
    (await a.client.config()).settings.find(({ name }) => name === 'probe.misses'),
    { value: 6, source: 'vote', at: proposal },
  )

  const text = '[thresholds]\nloss_percent = 9\nlatency_ms = 77\n'
  const applied = await a.client.setHealPolicy({ text })
  t.match(
    applied.numbers.find(({ key }) => key === 'thresholds.loss_percent'),
    { value: 3, origin: 'vote', proposal },
  )
  t.match(
    applied.numbers.find(({ key }) => key === 'thresholds.latency_ms'),
    { value: 77, origin: 'file' },
  )
  t.same(applied.overruled, ['thresholds.loss_percent'])
})
