import t from 'tap'
import { fakeDaemon } from './fake-daemon.ts'
import { makeHomes } from './dao-homes.ts'

t.test('a dry run tells where an action stands, and with a running node what it changes', async (t) => {
  const homes = makeHomes(t)
  await homes.json('alice', ['init', '--name', 'orchard', '--as', 'alice', '--balance', '1'])
  const action = ['--action', 'update_threshold:thresholds.loss_percent=3']
  const { id } = await homes.json<{ id: string }>('alice', ['propose', '--title', 'x', ...action])
  t.match(await homes.dao('alice', 'execute', id), { code: 4 })
  t.match(await homes.json('alice', ['execute', id, '--dry-run']), {
    actions: [{ stage: 'not-passed', from: null, to: null }],
  })
  const asked: unknown[] = []
  await using daemon = await fakeDaemon(`${homes.path('alice')}/x0t.sock`, {
    daoExecute(request) {
      asked.push(request)
      const change = { from: '5', to: '3', takesEffect: 'live' }
      return {
        proposal: id,
        actions: [{ action: 0, what: 'w', stage: 'waiting', untilMs: 1, detail: '', ...change }],
      }
    },
  })
  void daemon
  t.match((await homes.dao('alice', 'execute', id, '--dry-run')).stdout, /waiting +5 → 3/)
  t.same(asked, [{ proposal: id, dryRun: true }])
})
