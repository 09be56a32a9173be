import t from 'tap'
import type { HealIncident, HealPolicy } from '@x0t/local-api'
import { createLoopbackNet, until } from './loopback-nodes.ts'

const net = createLoopbackNet()
t.teardown(() => net[Symbol.asyncDispose]())
t.setTimeout(110_000)

// Three nodes and their workers share this process with other tests: probes must not be in a hurry.
const flags = { 'probe.interval_ms': '200', 'probe.misses': '5' }
const [a, b] = [net.node('a', { flags }), net.node('b', { flags })]
// Addresses on the loopback interface are not told to others.
const c = net.node('c', { flags: { ...flags, 'network.bootstrap': b.address } })

await t.test('three nodes know two ways to each other', async (t) => {
  await a.init()
  await a.start()
  for (const node of [b, c]) {
    await node.join((await a.client.invite({ addresses: [a.address] })).token)
    await node.start()
  }
  await until('all links are up', async () => {
    const peers = await Promise.all([a, b, c].map((node) => node.client.peers()))
    return peers.every((one) => one.peers.length === 2 && one.peers.every(({ rttMs }) => rttMs !== null))
  })
  await until('a has two paths to each of the others', async () => {
    const { routes } = await a.client.meshRoutes()
    return routes.length === 2 && routes.every(({ red, blue }) => red !== null && blue !== null)
  })
  t.match(await a.client.healStatus(), { enabled: true, state: 'IDLE', safeMode: null, open: [] })
})

/** The incident about this node that ends next. */
const seen = new Set<string>()
const ended = async (id: string): Promise<HealIncident> => {
  const incident = await until(
    'the incident is over',
    async () => {
      const { incidents } = await a.client.healHistory({})
      return incidents.find(
        (one) => one.outcome !== 'open' && one.isDrill && one.entity === `node:${id}` && !seen.has(one.id),
      )
    },
    30_000,
  )
  seen.add(incident.id)
  return incident
}

await t.test('a drill drops a real link, and the incident tells what happened', async (t) => {
  const { id, name } = await until('a link carries traffic', async () => {
    const { routes } = await a.client.meshRoutes()
    return (
      routes.some(({ destination, nextHop }) => destination === nextHop) && a.client.drill({ forMs: 1500 })
    )
  })
  const [open] = (await a.client.healStatus()).open.filter(({ isDrill }) => isDrill)
  t.match(open, { about: name, outcome: 'open' })
  t.ok((await a.client.status()).openIncidents! >= 1)
  const incident = await ended(id)
  t.match(incident, {
    diagnosis: 'link-dead',
    about: name,
    because: /a drill dropped it/,
    outcome: 'healed-by-itself',
    attempts: [],
  })
  t.ok(incident.recoveredAfterMs! >= 1500, `${incident.recoveredAfterMs} ms`)
  t.match(incident.mitigation, { by: 'data-plane', to: /routes through . now lead over ./ })
  t.type(incident.mitigation?.verifiedAfterMs, 'number')
  t.match(incident.explanation.join(' '), /A drill\. About .*: the link to a neighbour is dead/)
  t.match(await a.client.healIncident({ id: incident.id.slice(0, 6) }), { id: incident.id })
})

await t.test('a link that stays away is offered anew by the loop, which is credited for it', async (t) => {
  const { id } = await until('the link is back', async () => {
    const { peers } = await a.client.peers()
    return peers.every(({ rttMs }) => rttMs !== null) && a.client.drill({ forMs: 30_000, force: true })
  })
  const incident = await ended(id)
  t.match(incident, {
    outcome: 'verified',
    attempts: [{ action: 'redial', result: 'verified', changed: /new keys and ids/ }],
  })
  t.ok(incident.attempts[0]!.afterMs >= 3000, 'it had 3 s to pass by itself')
  const { plans } = await a.client.healPolicy()
  const [record] = plans.find(({ diagnosis }) => diagnosis === 'link-dead')!.records
  t.match(record, { action: 'redial' })
  t.ok(record!.verified >= 1)
  const text = await a.client.metrics()
  t.match(text, /^x0tta6bl4_mapek_recovery_actions_total\{action="redial",result="verified"\} \d/m)
  t.match(text, /^x0tta6bl4_mapek_anomalies_detected_total\{type="link-dead"\} \d/m)
  t.match(text, /^x0tta6bl4_self_healing_mttr_seconds_count \d/m)
  t.match(text, /^x0tta6bl4_mapek_knowledge_base_size_entries \d/m)
})

await t.test('a policy that raises alarms at once is taken back by the loop', async (t) => {
  for (const text of ['[thresholds]\nmemory_percent = 100', 'thresholds'])
    await t.rejects(a.client.setHealPolicy({ text }), { code: 'HEALING_POLICY_INVALID' })
  // Less than 64 GiB are free and more than 1 % of the memory is in use on any machine of today, nearly.
  const text = '[thresholds]\nmemory_percent = 1\n[limits]\ncheck_interval_s = 1'
  const changed = await a.client.setHealPolicy({ text })
  const memoryOf = ({ numbers }: HealPolicy): HealPolicy['numbers'][number] | undefined =>
    numbers.find(({ key }) => key === 'thresholds.memory_percent')
  t.match(memoryOf(changed), { value: 1, origin: 'file' })
  await until(
    'the policy is as it was',
    async () => memoryOf(await a.client.healPolicy())?.value === 90,
    40_000,
  )
  t.match(memoryOf(await a.client.healPolicy()), { origin: 'default' })
  const { incidents } = await a.client.healHistory({})
  t.match(
    incidents.find(({ diagnosis }) => diagnosis === 'bad-configuration'),
    { about: 'policy', attempts: [{ action: 'rollback-config', changed: /as before the change of/ }] },
  )
})

await t.test('SAFE_MODE is entered and left by a person, and outlives a restart', async (t) => {
  t.match(await a.client.safeMode({ isOn: true, reason: 'maintenance' }), {
    state: 'SAFE_MODE',
    safeMode: { reason: 'maintenance' },
  })
  t.match(await a.client.status(), { healing: 'safe_mode' })
  await a.stop()
  await a.start()
  t.match(await a.client.healStatus(), { state: 'SAFE_MODE', safeMode: { reason: 'maintenance' } })
  t.match(await a.client.safeMode({ isOn: false }), { safeMode: null })
  t.equal((await a.client.healHistory({ limit: 1 })).incidents.length, 1, 'the history is there')
  await t.rejects(a.client.healIncident({ id: 'nothing' }), { code: 'INCIDENT_UNKNOWN' })
})

await t.test('a node whose healing is switched off says so', async (t) => {
  const off = net.node('off', { flags: { ...flags, 'healing.enabled': 'false' } })
  await off.init()
  await off.start()
  t.match(await off.client.healStatus(), { enabled: false })
  t.match(await off.client.status(), { healing: 'off', openIncidents: 0 })
  await t.rejects(off.client.healHistory({}), { code: 'HEALING_OFF' })
  await t.rejects(off.client.drill({ forMs: 100 }), { code: 'HEALING_OFF' })
})
