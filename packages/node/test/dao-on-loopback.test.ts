import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { resultOf, tallyBytes } from '@x0t/dao'
import { DaoHome } from './dao-home.ts'
import { createLoopbackNet, until } from './loopback-nodes.ts'

t.setTimeout(300_000)
const longMs = 120_000

t.test('three nodes vote, close and carry out; one joins late and one is restarted', async (t) => {
  await using net = createLoopbackNet()
  const [a, b, c] = [net.node('a'), net.node('b'), net.node('c')]
  await a.init()
  await a.start()
  t.match(await a.client.daoStatus(), { dao: null, problem: null })
  t.notOk(existsSync(join(a.home, 'orbit.sqlite')), 'a home without a DAO loads and makes nothing of it')
  const join3 = async (node: typeof b): Promise<void> => {
    await node.join((await a.client.invite({ name: node.name, addresses: [a.address] })).token)
    await node.start()
  }
  await join3(b)
  await join3(c)

  await using homeA = await DaoHome.open(a.home)
  await using homeB = await DaoHome.open(b.home)
  await using homeC = await DaoHome.open(c.home)
  const genesis = await homeA.found([homeA.identity, homeB.identity, homeC.identity])
  await homeB.store.put(genesis)
  for (const node of [a, b])
    await until(
      'it follows the DAO',
      async () => (await node.client.daoSync()).dao?.id === genesis.id,
      longMs,
    )
  await until(
    'both have found each other',
    async () => (await a.client.daoStatus()).dao?.replication.neighbours.length === 1,
    longMs,
  )
  t.match((await a.client.daoStatus()).dao, { name: 'Loop', members: 3, replication: { strangers: [] } })

  // c has no DAO yet: what a and b do does not reach it, and then all of it does.
  const proposal = await homeA.propose('the alarm', 25_000, [
    { type: 'update_threshold', key: 'thresholds.loss_percent', value: '30' },
  ])
  await homeA.vote(proposal, 0)
  await until('the proposal is at b', () => homeB.store.has(proposal.id), longMs)
  const ofB = await homeB.vote(proposal, 0)
  await until('the ballot of b is at a', () => homeA.store.has(ofB.id), longMs)
  await b.stop()
  await homeC.store.put(genesis)
  await c.client.daoSync()
  await until('the ballot of b is at c, by a', () => homeC.store.has(ofB.id), longMs)
  const ofC = await homeC.vote(proposal, 1)
  await until('the ballot of c is at a', () => homeA.store.has(ofC.id), longMs)
  await b.start()

  const bytes: string[] = []
  for (const home of [homeA, homeB, homeC]) {
    const state = await until(
      'the vote is certified',
      async () => {
        const now = await home.state()
        return now.proposals.get(proposal.id)?.isFinal === true && now
      },
      longMs,
    )
    bytes.push(Buffer.from(tallyBytes(resultOf(state, proposal.id, Date.now()).tally)).toString('hex'))
  }
  t.equal(new Set(bytes).size, 1, 'the same tally, byte for byte')
  for (const node of [a, b, c])
    await until(
      'the decision holds',
      async () => {
        const { numbers } = await node.client.healPolicy()
        return numbers.some(({ key, value }) => key === 'thresholds.loss_percent' && value === 30)
      },
      longMs,
    )
  await until(
    'all have reported it',
    async () => (await homeA.state()).proposals.get(proposal.id)?.executions.length === 3,
    longMs,
  )
  const { actions } = await b.client.daoExecute({ proposal: proposal.id })
  t.match(actions, [{ action: 0, stage: 'executed' }])
  const metrics = await a.client.metrics()
  t.match(metrics, /x0t_dao_members 3/)
  t.match(metrics, /x0t_dao_replication_peers [12]/)
  t.match(metrics, /x0t_dao_records_total\{from="mesh"\}/)
})
