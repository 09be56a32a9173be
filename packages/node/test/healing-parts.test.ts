import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { nodeIdFromBytes, silentLog as log, type LogFields, type NodeId } from '@x0t/core'
import type { Alarm, LoopEvent, Reading } from '@x0t/mape-k'
import type { Route, RouteTable } from '@x0t/mesh'
import { createAvoidance } from '../src/healing/avoidance.ts'
import { carryOut, type EffectorTargets } from '../src/healing/effectors.ts'
import { openHostProbes } from '../src/healing/host-probes.ts'
import { createHostSensors } from '../src/healing/host-sensors.ts'
import { createLinkSensors } from '../src/healing/link-sensors.ts'
import { createMemberSensors } from '../src/healing/member-sensors.ts'
import { loadPolicy, openHistory } from '../src/healing/open-healing.ts'
import { createPathCheck } from '../src/healing/path-check.ts'
import type { SeenLink } from '../src/healing/ports.ts'
import { hasQuorum, suspectFeatures } from '../src/healing/suspicion.ts'
import { watchingWrites } from '../src/healing/write-watch.ts'
import { homeAt } from '../src/home.ts'
import { manualClock } from './manual-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'x0t-healing-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const idOf = (byte: number): NodeId => nodeIdFromBytes(new Uint8Array(32).fill(byte))
const [bob, carol, dave] = [idOf(2), idOf(3), idOf(4)]
const nameOf = (id: NodeId): string => ({ [bob]: 'bob', [carol]: 'carol', [dave]: 'dave' })[id] ?? id

function route(destination: NodeId, nextHop: NodeId, alternate?: NodeId): Route {
  return {
    destination,
    nextHop,
    costUs: 1,
    feasibleUs: 1,
    hops: 1,
    path: [nextHop, destination],
    pathDatagramBytes: 1232,
    ...(alternate === undefined
      ? {}
      : { alternate: { neighbour: alternate, plane: 'repair', remaining: 1, kind: 'node-protecting' } }),
  }
}
function tableOf(...routes: readonly Route[]): RouteTable {
  return new Map(routes.map((one) => [one.destination, one]))
}
const link = (more: Partial<SeenLink> = {}): SeenLink => ({
  nodeId: bob,
  isUp: true,
  isControlUp: true,
  rttMs: 1,
  lossRatio: 0,
  ...more,
})

t.test('links are read as they are, and what a neighbour does not tell is unknown', (t) => {
  const clock = manualClock()
  const readings: Reading[] = []
  const alarms: Alarm[] = []
  let routes = tableOf(route(carol, bob))
  const sensors = createLinkSensors({
    mesh: { routes: () => routes },
    alarms: () => alarms,
    clock,
    read: (reading) => void readings.push(reading),
  })
  const last = (sensor: string): Reading | undefined => readings.findLast((one) => one.sensor === sensor)
  sensors.metric(link({ lossRatio: 0.1, rttMs: 5 }))
  t.match(last('link-loss'), { subject: `link:${bob}`, value: 10, detail: {} })
  t.match(last('link-loss-to'), { value: undefined, detail: { otherPercent: 10 } })
  t.match(last('link-latency'), { value: 0, detail: { bestMs: 5 } })
  t.equal(last('traffic-on-bad-link'), undefined, 'asked only about links that are bad')
  sensors.metric(link({ lossRatio: 0.1, lossToRatio: 0.2, rttMs: 125 }))
  t.match(last('link-loss-to'), { value: 20 })
  t.match(last('link-latency'), { value: 120, detail: { bestMs: 5 } })
  clock.go(600_000)
  sensors.metric(link({ rttMs: 125 }))
  t.match(last('link-latency'), { value: 120 }, 'the best of the ten minutes before still counts')
  clock.go(600_000)
  sensors.metric(link({ rttMs: 125 }))
  t.match(last('link-latency'), { value: 0 }, 'a path that is longer for good is no trouble')
  sensors.metric(link({ rttMs: undefined, lossRatio: undefined }))
  t.match(last('link-latency'), { value: undefined })

  alarms.push({
    sensor: 'link-loss',
    subject: `link:${bob}`,
    value: 10,
    threshold: 5,
    raisedAtMs: 0,
    detail: {},
  })
  sensors.look([link()])
  t.match(last('traffic-on-bad-link'), { value: 1, detail: { routes: 1 } })
  routes = tableOf(route(carol, carol))
  sensors.look([link()])
  t.match(last('traffic-on-bad-link'), { value: 0 })

  sensors.down(link({ isUp: false, downReason: 'silent', deadlineMs: 30 }))
  t.match(last('link-silent'), { value: 1, detail: { reason: 'silent', lastGoodAgoMs: 30 } })
  sensors.down(link({ isUp: false, downReason: 'carrier', deadlineMs: 30 }))
  t.strictSame(
    last('link-silent')?.detail,
    { reason: 'carrier' },
    'how long the carrier was gone is not known',
  )
  t.match(last('link-flaps'), { value: 2 })
  clock.go(60_000)
  sensors.look([link()])
  t.match(last('link-flaps'), { value: 0 })
  sensors.up(link({ isControlUp: false }))
  t.match(last('link-silent'), { value: 0 })
  t.match(last('control-lost'), { value: 1 })
  sensors.forget(bob)
  t.end()
})

t.test('members that no route leads to any more are told, and those that never had one are not', (t) => {
  const clock = manualClock()
  const readings: Reading[] = []
  const gone: string[] = []
  const sensors = createMemberSensors({
    isRoutable: (id) => id === bob,
    clock,
    read: (reading) => void readings.push(reading),
    gone: (subject) => void gone.push(subject),
  })
  const exists = (id: NodeId): boolean => id !== dave
  sensors.routes(tableOf(route(bob, bob), route(carol, bob), route(dave, bob)), exists)
  t.same(readings, [])
  sensors.routes(tableOf(route(bob, bob)), exists)
  t.match(readings, [{ sensor: 'node-unreachable', subject: `node:${carol}`, value: 1 }])
  sensors.routes(tableOf(route(bob, bob), route(carol, bob)), exists)
  t.match(readings[1], { subject: `node:${carol}`, value: 0 })
  sensors.sessionFailed(carol, 'SESSION_TIMEOUT')
  t.equal(readings.length, 2, 'without a route there can be no session')
  sensors.sessionFailed(bob, 'SESSION_REFUSED')
  sensors.sessionFailed(bob, 'SESSION_REFUSED')
  t.match(readings[3], { sensor: 'session-failed', value: 2, detail: { code: 'SESSION_REFUSED' } })
  sensors.sessionMade(bob)
  sensors.sessionMade(bob)
  t.match(readings[4], { value: 0 })
  t.equal(readings.length, 5)
  sensors.sessionFailed(bob, 'SESSION_TIMEOUT')
  clock.go(59_000)
  sensors.look()
  t.same(gone, [])
  clock.go(1_000)
  sensors.look()
  t.same(gone, [`session:${bob}`], 'nobody wants it any more')
  sensors.forget(bob)
  t.end()
})

t.test('the host is read as it is, and a clock that jumps is told by how much and which way', async (t) => {
  const clock = manualClock(1_000_000)
  let [jumpMs, free, writeProblem]: [number, number | undefined, string | undefined] = [
    0,
    500,
    'disk is full',
  ]
  const readings: Reading[] = []
  const sensors = createHostSensors({
    probes: {
      cpuPercent: () => 12,
      memoryPercent: () => undefined,
      stallMs: () => 3,
      diskFreeMib: async () => free,
      tryToWrite: async () => writeProblem,
    },
    certificate: () => ({ notBeforeMs: 1_000_000, notAfterMs: 1_100_000 }),
    clock: { ...clock, wallMs: () => clock.wallMs() + jumpMs },
    read: (reading) => void readings.push(reading),
  })
  const last = (sensor: string): Reading | undefined => readings.findLast((one) => one.sensor === sensor)
  clock.go(25_000)
  await sensors.look()
  t.match(last('certificate-left'), { value: 75 })
  t.match(last('clock-jump'), { value: 0 })
  t.match(last('cpu'), { value: 12 })
  t.match(last('memory'), { value: undefined })
  t.equal(last('write-failed'), undefined)
  jumpMs = -60_000
  free = undefined
  sensors.stalled(700)
  t.match(last('stall'), { value: 700 })
  await sensors.look()
  t.match(last('clock-jump'), { value: 60_000, detail: { direction: 'back' } })
  t.match(last('stall'), { value: 700 }, 'the longest since the last look')
  t.match(last('disk-free'), { value: undefined })
  await sensors.look()
  t.match(last('stall'), { value: 3 })
  sensors.writeFailed('disk is full')
  await sensors.look()
  t.match(last('write-failed'), { value: 1, detail: { reason: 'disk is full' } })
  writeProblem = undefined
  await sensors.look()
  t.match(last('write-failed'), { value: 0 })
  sensors.lookAtCertificate()
})

t.test('this machine can be asked', async (t) => {
  using probes = openHostProbes(folder)
  const memory = probes.memoryPercent()
  t.ok(memory !== undefined && memory > 0 && memory < 100)
  t.ok((await probes.diskFreeMib())! > 0)
  t.equal(await probes.tryToWrite(), undefined)
  const cpu = probes.cpuPercent()
  t.ok(cpu === undefined || (cpu >= 0 && cpu <= 100))
  t.ok((probes.stallMs() ?? 0) >= 0)
  using nowhere = openHostProbes(join(folder, 'nowhere'))
  t.equal(await nowhere.diskFreeMib(), undefined)
  t.match(await nowhere.tryToWrite(), /ENOENT/)
})

t.test('what is led round a neighbour goes back after its time, and a quarantine stands above it', (t) => {
  const clock = manualClock()
  const changed: NodeId[] = []
  using avoidance = createAvoidance(clock, (id) => void changed.push(id))
  avoidance.avoid(bob, 1000)
  t.ok(avoidance.isAvoided(bob) && !avoidance.isQuarantined(bob))
  avoidance.quarantine(bob, 2000)
  avoidance.avoid(bob, 9000)
  t.ok(avoidance.isQuarantined(bob) && !avoidance.isAvoided(bob))
  t.same(avoidance.list(), [{ id: bob, kind: 'quarantined', leftMs: 2000 }])
  clock.go(2000)
  t.same(avoidance.list(), [])
  t.same(changed, [bob, bob, bob])
  avoidance.avoid(carol, 1000)
  t.end()
})

t.test('a quorum is more than half of a neighbour’s neighbours, and two at least', (t) => {
  const node = (id: NodeId, isReporting: boolean, neighbours: readonly NodeId[] = [bob]) => ({
    id,
    features: isReporting ? suspectFeatures([bob]) : ['relay'],
    neighbours: neighbours.map((neighbour) => ({ id: neighbour })),
  })
  const [e, f] = [idOf(5), idOf(6)]
  t.equal(hasQuorum(bob, [node(carol, true)]), false, 'one is none')
  t.equal(hasQuorum(bob, [node(carol, true), node(dave, true)]), true)
  t.equal(
    hasQuorum(bob, [node(carol, true), node(dave, true), node(e, false), node(f, false)]),
    false,
    'half',
  )
  t.equal(hasQuorum(bob, [node(carol, true), node(dave, true), node(e, false)]), true)
  t.equal(hasQuorum(bob, [node(carol, true), node(dave, true, [e])]), false, 'who has no link cannot tell')
  t.equal(hasQuorum(bob, [node(bob, true), node(carol, true)]), false)
  t.equal(suspectFeatures(Array.from({ length: 20 }, (_, byte) => idOf(byte))).length, 8)
  t.ok(suspectFeatures([bob])[0]!.length <= 64)
  t.end()
})

function targets(more: Partial<EffectorTargets> = {}): {
  readonly calls: string[]
  readonly targets: EffectorTargets
} {
  const calls: string[] = []
  const avoidance = createAvoidance(manualClock(), () => {})
  return {
    calls,
    targets: {
      avoidance,
      sessions: {
        drop: () => void calls.push('drop'),
        ensure: () => void calls.push('ensure'),
        renew: () => void calls.push('renew'),
        list: () => [{ sa: { peer: bob } }],
      },
      renewSvid: async () => undefined,
      renewLink: () => true,
      retryDials: () => true,
      routesOver: () => 3,
      neighbours: () => [bob],
      restoreLastGoodPolicy: () => 'as before',
      restartSubsystem: async (what) => `${what} cannot`,
      nameOf,
      ...more,
    },
  }
}

t.test('each effector says what it changed, or that it could not', async (t) => {
  const about = (id: NodeId): { entity: string } => ({ entity: `node:${id}` })
  const mesh = { entity: 'mesh' }
  const all = targets()
  t.match(await carryOut('reroute', about(bob), all.targets), {
    did: true,
    changed: /bob counts as half lost.*3 routes/,
  })
  t.ok(all.targets.avoidance.isAvoided(bob))
  t.match(await carryOut('quarantine-neighbour', about(bob), all.targets), { did: true })
  t.ok(all.targets.avoidance.isQuarantined(bob))
  t.match(await carryOut('restart-session', about(bob), all.targets), { did: true, changed: /dropped 1/ })
  t.match(await carryOut('rekey', about(bob), all.targets), { did: true })
  t.same(all.calls, ['drop', 'ensure', 'renew'])
  t.match(await carryOut('redial', about(bob), all.targets), { changed: /new keys and ids/ })
  t.match(await carryOut('redial', mesh, all.targets), { changed: /dialled/ })
  t.match(await carryOut('renew-svid', mesh, all.targets), { did: true })
  t.match(await carryOut('rollback-config', mesh, all.targets), { did: true, changed: 'as before' })
  t.match(await carryOut('restart-subsystem', { entity: 'subsystem:data plane' }, all.targets), {
    did: false,
    why: 'data plane cannot',
  })
  const none = targets({
    renewSvid: async () => 'nobody answered',
    renewLink: () => false,
    retryDials: () => false,
    restoreLastGoodPolicy: () => undefined,
    restartSubsystem: async () => undefined,
    routesOver: () => {
      throw new Error('broken')
    },
  }).targets
  for (const [action, diagnosis, why] of [
    ['reroute', mesh, /not about a neighbour/],
    ['reroute', about(carol), /not about a neighbour/],
    ['reroute', about(bob), /broken/],
    ['quarantine-neighbour', about(carol), /not about a neighbour/],
    ['restart-session', mesh, /not about a member/],
    ['rekey', mesh, /not about a member/],
    ['rekey', about(carol), /no session with carol/],
    ['redial', about(bob), /control plane/],
    ['renew-svid', mesh, /nobody answered/],
    ['rollback-config', mesh, /no earlier policy/],
  ] as const)
    t.match(await carryOut(action, diagnosis, none), { did: false, why }, action)
  t.match(await carryOut('restart-subsystem', { entity: 'subsystem:x' }, none), { did: true })
})

t.test(
  'traffic that was moved is proved by an answer over the new path, and one that does not come is told',
  async (t) => {
    const clock = manualClock()
    const events: LoopEvent[] = []
    const readings: Reading[] = []
    let answers = false
    let routes = tableOf(route(carol, bob, dave), route(bob, bob), route(dave, dave))
    using check = createPathCheck({
      mesh: {
        routes: () => routes,
        trace: async (to) => {
          if (!answers) throw new Error('too many traces')
          return { traceId: 'x', to, reached: true, hops: [] }
        },
      },
      isLinkUp: (id) => id === dave,
      nameOf,
      clock,
      send: (event) => void events.push(event),
      read: (reading) => void readings.push(reading),
    })
    check.neighbourDown(bob, routes)
    t.match(events, [
      { type: 'mitigated', entity: `node:${bob}`, to: '1 of 2 routes through bob now lead over dave' },
    ])
    await clock.settle(100)
    t.same(readings, [], 'while no route leads round it there is nothing to be asked')
    routes = tableOf(route(carol, dave), route(dave, dave))
    await clock.settle(250)
    t.match(readings, [{ sensor: 'path-unverified', subject: `node:${bob}`, value: 1 }])
    answers = true
    await clock.settle(1000)
    t.match(events[1], { type: 'mitigation-verified', how: /carol answered a trace over dave/ })
    t.match(readings.at(-1), { value: 0 })
    const count = readings.length
    check.neighbourUp(bob)
    await clock.settle(60_000)
    t.equal(readings.length, count, 'nothing more is asked')

    answers = false
    check.neighbourDown(bob, tableOf(route(carol, bob)))
    t.equal(events.length, 2, 'nothing was moved: there was no other path')
    await clock.settle(300)
    t.match(readings.at(-1), { value: 1 })
    check.neighbourUp(bob)
    t.match(readings.at(-1), { value: 0 })
    check.neighbourUp(carol)
    check.neighbourDown(carol, tableOf(route(dave, dave)))
    t.equal(events.length, 2, 'nobody was reached through it')
  },
)

t.test(
  'a policy file is read from where the configuration says, and a damaged history is replaced',
  async (t) => {
    const file = join(folder, 'policy.toml')
    const healing = { enabled: true, policyFile: file, historyDays: 1 }
    await t.rejects(loadPolicy({ healing }), { code: 'POLICY_FILE_UNREADABLE' })
    writeFileSync(file, '[thresholds]\nloss_percent = 2\n')
    t.match((await loadPolicy({ healing })).numbers['thresholds.loss_percent'], { value: 2, origin: 'file' })
    writeFileSync(file, 'x')
    await t.rejects(loadPolicy({ healing }), { code: 'HEALING_POLICY_INVALID' })
    t.match(
      (await loadPolicy({ healing: { ...healing, policyFile: '' } })).numbers['thresholds.loss_percent'],
      {
        origin: 'default',
      },
    )
    const home = homeAt(folder)
    writeFileSync(home.healingFile, 'no database, and long enough to be looked at as one by SQLite')
    const logged: string[] = []
    using history = openHistory(home, { healing }, { ...log, error: (event) => void logged.push(event) })
    t.equal(history.size(), 0)
    t.same(logged, ['healing-history-unusable'])
    rmSync(home.healingFile)
    using good = openHistory(home, { healing }, log)
    t.equal(good.size(), 0)
  },
)

t.test('writes that failed are told beside being logged', (t) => {
  const told: string[] = []
  const logged: string[] = []
  const record = (event: string, _fields?: LogFields): void => void logged.push(event)
  const watched = watchingWrites(
    { ...log, warn: record, error: record, level: () => 'info' },
    (reason) => void told.push(reason),
  )
  watched.warn('state-not-written', { reason: 'full' })
  watched.error('svid-not-stored', { reason: 7 })
  watched.warn('something-else', { reason: 'x' })
  watched.info('x')
  watched.debug('x')
  t.same(told, ['full', 'svid-not-stored'])
  t.same(logged, ['state-not-written', 'svid-not-stored', 'something-else'])
  t.equal(watched.level(), 'info')
  t.end()
})
