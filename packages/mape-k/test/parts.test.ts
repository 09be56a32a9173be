import fc from 'fast-check'
import t from 'tap'
import {
  analyze,
  chanceOf,
  createMemoryKnowledge,
  defaultPolicy,
  diagnosisKinds,
  entityOf,
  entityWords,
  explainIncident,
  numberKeys,
  numberOf,
  plan,
  policyNumbers,
  readPolicy,
  type Alarm,
  type Diagnosis,
  type PlanInput,
} from '../src/index.ts'
import { createBudget } from '../src/budget.ts'
import { createFeedback } from '../src/feedback.ts'
import { appended } from '../src/incident.ts'
import { createMonitor } from '../src/monitor.ts'
import { incidentOf } from './sample-incident.ts'

function alarm(sensor: Alarm['sensor'], subject: string, value = 1, more: Partial<Alarm> = {}): Alarm {
  return { sensor, subject, value, threshold: undefined, raisedAtMs: 0, detail: {}, ...more }
}
const only = (...alarms: Alarm[]): Diagnosis => {
  const found = analyze(alarms)
  if (found.length !== 1) throw new Error(`${found.length} diagnoses`)
  return found[0]!
}

t.test('alarms about one neighbour are one diagnosis, and each kind of trouble has its name', (t) => {
  t.match(only(alarm('link-silent', 'link:b', 1, { detail: { reason: 'carrier' } })), {
    kind: 'link-dead',
    entity: 'node:b',
    confidence: 0.99,
    because: /carrier/,
  })
  t.match(only(alarm('link-silent', 'link:b', 1, { detail: { reason: 'told' } })), {
    because: /does not hear/,
  })
  t.match(only(alarm('link-silent', 'link:b'), alarm('node-unreachable', 'node:b')), { kind: 'relay-dead' })
  t.match(only(alarm('path-eaten', 'path:b:c', 1, { detail: { member: 'carol' } })), {
    kind: 'path-eaten',
    entity: 'node:b',
    because: /carol/,
  })
  t.match(only(alarm('link-silent', 'link:b'), alarm('path-eaten', 'path:b:c')), { kind: 'link-dead' })
  t.match(only(alarm('link-flaps', 'link:b', 4), alarm('link-silent', 'link:b')), { kind: 'flap' })
  t.match(only(alarm('link-loss', 'link:b', 20, { threshold: 5 })), { kind: 'gray-link' })
  t.match(only(alarm('link-latency', 'link:b', 250, { threshold: 100 })), { kind: 'gray-link' })
  const lossy = { threshold: 5, detail: { otherPercent: 0.1 } }
  t.match(only(alarm('link-loss', 'link:b', 20, lossy)), {
    kind: 'one-way-loss',
    because: /way from the neighbour, 0.1 %/,
  })
  t.match(only(alarm('link-loss-to', 'link:b', 20, lossy)), {
    kind: 'one-way-loss',
    because: /way to the neighbour/,
  })
  t.match(only(alarm('link-loss', 'link:b', 20, { threshold: 5, detail: { otherPercent: 4 } })), {
    kind: 'gray-link',
  })
  t.match(only(alarm('link-loss', 'link:b', 20), alarm('link-loss-to', 'link:b', 20)), { kind: 'gray-link' })
  t.match(only(alarm('session-failed', 'session:b', 3, { detail: { code: 'SESSION_TIMEOUT' } })), {
    kind: 'session-failed',
  })
  t.match(only(alarm('session-failed', 'session:b', 3, { detail: { code: 'SESSION_REFUSED' } })), {
    kind: 'handshake-failure',
    because: /SESSION_REFUSED/,
  })
  t.match(only(alarm('handshake-refused', 'handshakes', 50)), { kind: 'handshake-failure' })
  t.match(only(alarm('certificate-left', 'certificate', -3)), { kind: 'certificate-expired' })
  t.match(only(alarm('certificate-left', 'certificate', 12)), { kind: 'certificate-expiring' })
  t.match(only(alarm('disk-free', 'disk', 3), alarm('write-failed', 'disk')), {
    kind: 'disk-full',
    because: /writing failed/,
  })
  t.match(only(alarm('traffic-on-bad-link', 'link:b')), { kind: 'unexplained', confidence: 0.2 })
  t.end()
})

t.test('several members that are gone at once are a partition, and the mesh is what is to be healed', (t) => {
  const found = analyze([
    alarm('link-silent', 'link:b'),
    alarm('node-unreachable', 'node:b'),
    alarm('node-unreachable', 'node:c'),
  ])
  t.same(
    found.map(({ kind, entity }) => [kind, entity]),
    [
      ['link-dead', 'node:b'],
      ['partition', 'mesh'],
    ],
  )
  t.match(only(alarm('node-unreachable', 'node:c')), { kind: 'member-unreachable', entity: 'node:c' })
  t.end()
})

t.test('a node that stood still, or is busy, doubts itself before its neighbour', (t) => {
  const silent = alarm('link-silent', 'link:b', 1, { raisedAtMs: 1000 })
  const stall = alarm('stall', 'host', 900, { raisedAtMs: 3900 })
  const [doubted] = analyze([silent, stall])
  t.ok(Math.abs(doubted!.confidence - 0.27) < 1e-9, '0.9 × 0.3')
  t.match(doubted!.because, /may be us/)
  const later = { ...stall, raisedAtMs: 4100 }
  t.equal(analyze([silent, later])[0]!.confidence, 0.9, '3.1 s apart')
  t.equal(analyze([silent, alarm('cpu', 'host', 99)])[0]!.confidence, 0.9 * 0.7)
  const carrier = { ...silent, detail: { reason: 'carrier' } }
  t.equal(analyze([carrier, stall])[0]!.confidence, 0.99, 'a lost carrier is no opinion')
  t.end()
})

t.test('a score from outside moves the confidence by at most 0.3, and never out of 0 to 1', (t) => {
  const alarms = [alarm('link-loss', 'link:b', 20)]
  const scored = (value: number | undefined): number => analyze(alarms, { score: () => value })[0]!.confidence
  t.equal(scored(undefined), 0.8)
  t.equal(scored(Number.NaN), 0.8)
  t.equal(scored(-1), 0.5)
  t.equal(scored(-50), 0.5)
  t.equal(scored(1), 1)
  t.end()
})

t.test('the chance of an action begins with its place in the policy and follows its outcomes', (t) => {
  // (0.8 × 4 + v) / (4 + v + f)
  t.equal(chanceOf(0, undefined), 0.8)
  t.equal(chanceOf(0, { verified: 0, failed: 4 }), 0.4)
  t.equal(chanceOf(1, undefined), 0.65)
  t.equal(chanceOf(1, { verified: 6, failed: 0 }), (0.65 * 4 + 6) / 10)
  t.equal(chanceOf(9, undefined), 0.05)
  fc.assert(
    fc.property(fc.nat(20), fc.nat(100), fc.nat(100), (place, verified, failed) => {
      const chance = chanceOf(place, { verified, failed })
      return chance > 0 && chance < 1 && chanceOf(place, { verified: verified + 1, failed }) > chance
    }),
    { seed: 5, numRuns: 300 },
  )
  t.end()
})

function input(more: Partial<PlanInput> = {}): PlanInput {
  return {
    diagnosis: {
      kind: 'gray-link',
      entity: 'node:b',
      confidence: 0.8,
      evidence: [],
      because: '',
    },
    policy: defaultPolicy,
    records: [],
    facts: { holds: () => true },
    budget: createBudget(),
    tried: new Set(),
    isServiceHurt: true,
    isCauseActive: true,
    openedMs: -10_000,
    nowMs: 0,
    ...more,
  }
}

t.test('the plan follows the policy until experience speaks against it', (t) => {
  t.match(plan(input()), { kind: 'act', action: 'reroute', why: /2 candidates.*never tried/ })
  const failures = [
    { diagnosis: 'gray-link', action: 'reroute', verified: 0, failed: 3, recoveryMs: 0 },
  ] as const
  t.match(
    plan(input({ records: failures })),
    { kind: 'act', action: 'redial' },
    '3.2 / 7 = 0.46 is below 0.65',
  )
  const other = [{ ...failures[0], diagnosis: 'flap' }] as const
  t.match(plan(input({ records: other })), { action: 'reroute' }, 'another diagnosis is another matter')
  const success = [{ ...failures[0], verified: 2, failed: 0 }]
  t.match(plan(input({ records: success })), { why: /worked 2 of 2 times/ })
  t.end()
})

t.test('what does not hold, or is not known to, rules an action out, and the reason is told', (t) => {
  t.match(plan(input({ facts: { holds: () => undefined } })), {
    action: 'redial',
    why: /reroute: whether another path exists is unknown/,
  })
  t.match(plan(input({ facts: { holds: () => false } })), { action: 'redial', why: /reroute: not so that/ })
  t.match(plan(input({ isServiceHurt: false })), { action: 'redial', why: /traffic is not hurt/ })
  t.match(plan(input({ isServiceHurt: false, isCauseActive: false })), {
    kind: 'observe',
    why: /the cause is gone/,
  })
  t.match(plan(input({ tried: new Set(['reroute', 'redial']) })), {
    kind: 'observe',
    why: /has failed already/,
  })
  const unsure = { ...input().diagnosis, confidence: 0.2 }
  t.match(plan(input({ diagnosis: unsure })), { kind: 'observe', why: /confidence 0.20 is below the 0.5/ })
  const hopeless = { ...unsure, kind: 'disk-full' as const, confidence: 1 }
  t.match(plan(input({ diagnosis: hopeless })), { kind: 'observe', why: /only a person/ })
  const never = readPolicy({ actions: { reroute: { per_minute: 0 } } }, 'file')
  t.match(plan(input({ policy: never })), { kind: 'observe', why: /never/ })
  t.end()
})

t.test('trouble may pass by itself for a while before an action that disturbs more', (t) => {
  const dead = { ...input().diagnosis, kind: 'link-dead' as const, confidence: 0.9 }
  t.match(plan(input({ diagnosis: dead, openedMs: -2999, isServiceHurt: false })), {
    kind: 'wait',
    untilMs: 1,
    why: /may pass by itself before redial/,
  })
  t.match(plan(input({ diagnosis: dead, openedMs: -3000 })), { kind: 'act', action: 'redial' })
  t.match(
    plan(input({ diagnosis: dead, openedMs: -2000 })),
    { kind: 'act', action: 'reroute' },
    'what may act sooner does',
  )
  t.end()
})

t.test('a full minute and an open breaker make an action wait', (t) => {
  const budget = createBudget()
  for (let i = 0; i < 6; i++) budget.take('reroute', i)
  t.match(plan(input({ budget, nowMs: 10 })), { kind: 'wait', untilMs: 60_000, why: /limit/ })
  const broken = createBudget()
  const limits = { perMinute: 10, actionPerMinute: 6, breakerFailures: 2, breakerOpenMs: 500 }
  broken.settle(false, limits, 0)
  t.equal(broken.openUntilMs(0), undefined)
  broken.settle(false, limits, 100)
  t.match(plan(input({ budget: broken, nowMs: 200 })), { kind: 'wait', untilMs: 600, why: /breaker/ })
  t.equal(broken.openUntilMs(600), undefined)
  broken.settle(false, limits, 700)
  t.equal(broken.openUntilMs(700), 1200, 'the trial failed: open again at once')
  broken.settle(true, limits, 800)
  t.equal(broken.openUntilMs(800), undefined)
  t.end()
})

t.test('every default lies within its bounds, and every diagnosis has a plan', (t) => {
  for (const key of numberKeys) {
    const { fallback, from, to } = policyNumbers[key]
    t.ok(fallback >= from && fallback <= to, key)
  }
  t.same(Object.keys(defaultPolicy.plans), diagnosisKinds)
  t.end()
})

t.test('a policy is read value by value, each with its origin, and what does not fit is named', (t) => {
  const policy = readPolicy(
    {
      thresholds: { loss_percent: 3 },
      actions: { reroute: { per_minute: 2 } },
      plans: { 'link-dead': ['redial'] },
    },
    'file',
  )
  t.same(policy.numbers['thresholds.loss_percent'], { value: 3, origin: 'file' })
  t.same(policy.numbers['thresholds.latency_ms'], { value: 100, origin: 'default' })
  t.same(policy.plans['link-dead'], { value: ['redial'], origin: 'file' })
  const voted = readPolicy({ thresholds: { loss_percent: 4 } }, 'vote', policy)
  t.same(voted.numbers['thresholds.loss_percent'], { value: 4, origin: 'vote' })
  t.same(voted.numbers['actions.reroute.per_minute'], { value: 2, origin: 'file' })
  t.equal(numberOf(voted, 'thresholds.loss_percent'), 4)
  for (const [content, words] of [
    [{ thresholds: { loss_percent: 60 } }, /thresholds.loss_percent is 60, not a number from 0.1 to 50/],
    [{ thresholds: { loss_percent: '3' } }, /loss_percent is "3"/],
    [{ thresholds: { lost: 3 } }, /thresholds.lost is no value/],
    [{ thresholds: 3 }, /thresholds is no value/],
    [{ plans: { 'link-dead': ['dance'] } }, /plans.link-dead is not a list/],
    [{ plans: { 'link-dead': ['redial', 'redial'] } }, /without doubles/],
    [{ plans: { 'link-dead': 'redial' } }, /not a list/],
    [{ plans: { nothing: [] } }, /plans.nothing is no value/],
    [{ a: { b: { c: { d: { e: 1 } } } } }, /a.b.c is no value/],
    [[], /the policy is not a table/],
    [null, /the policy is not a table/],
  ] as const)
    t.throws(() => readPolicy(content, 'file'), {
      code: 'HEALING_POLICY_INVALID',
      exitCode: 3,
      message: words,
    })
  fc.assert(
    fc.property(fc.jsonValue(), (content) => {
      try {
        readPolicy(content, 'file')
        return true
      } catch (error) {
        return (error as { code?: string }).code === 'HEALING_POLICY_INVALID'
      }
    }),
    { seed: 9, numRuns: 300 },
  )
  t.end()
})

t.test('a learnt threshold stays within 10 % of what was set and within its bounds', (t) => {
  const knowledge = createMemoryKnowledge()
  const feedback = createFeedback(knowledge)
  feedback.settle(['thresholds.loss_percent', 'thresholds.cpu_percent', 'thresholds.loss_percent'], false)
  t.equal(feedback.factorOf('thresholds.loss_percent'), 0.95, 'once for one incident')
  t.equal(feedback.factorOf('thresholds.cpu_percent'), 1, 'does not learn')
  for (let i = 0; i < 9; i++) feedback.settle(['thresholds.loss_percent'], false)
  t.equal(feedback.valueOf('thresholds.loss_percent', defaultPolicy), 4.5)
  const lowest = readPolicy({ thresholds: { loss_percent: 0.1 } }, 'file')
  t.equal(feedback.valueOf('thresholds.loss_percent', lowest), 0.1, 'the bound of the table')
  t.equal(createFeedback(knowledge).factorOf('thresholds.loss_percent'), 0.9)
  knowledge.setNote('factor thresholds.loss_percent', 'nonsense')
  t.equal(createFeedback(knowledge).factorOf('thresholds.loss_percent'), 1)
  t.end()
})

t.test('the monitor keeps 4096 points: the first quiet one makes room', (t) => {
  const monitor = createMonitor(() => 5)
  monitor.take({ sensor: 'link-silent', subject: 'link:bad', value: 1 }, 0)
  for (let i = 0; i < 4096; i++) monitor.take({ sensor: 'link-silent', subject: `link:${i}`, value: 0 }, 0)
  t.equal(monitor.alarms().length, 1, 'an alarm is not forgotten for it')
  t.equal(monitor.quietSinceMs('link-silent', 'link:0'), undefined)
  t.equal(monitor.quietSinceMs('link-silent', 'link:4095'), 0)
  t.end()
})

t.test('an alarm ends a fifth beyond its threshold, on either side', (t) => {
  const monitor = createMonitor((sensor) => (sensor === 'disk-free' ? 100 : 5))
  const take = (sensor: Alarm['sensor'], value: number): boolean =>
    monitor.take({ sensor, subject: 'x', value }, 0)
  t.equal(take('link-flaps', 5), false, 'at the threshold all is well')
  t.equal(take('link-flaps', 5.1), true)
  t.equal(take('link-flaps', 4.1), false)
  t.equal(take('link-flaps', 4), true)
  t.equal(take('disk-free', 99), true)
  t.equal(take('disk-free', 119), false)
  t.equal(take('disk-free', 120), true)
  t.end()
})

t.test('lists of an incident keep their beginning and their newest', (t) => {
  t.same(appended([1, 2, 3], 4, 4), [1, 2, 3, 4])
  t.same(appended([1, 2, 3, 4], 5, 4), [1, 2, 4, 5])
  t.end()
})

t.test('subjects belong to the neighbour or member they name', (t) => {
  t.same(['link:b', 'session:b', 'node:b', 'path:b:c', 'subsystem:data plane', 'host'].map(entityOf), [
    'node:b',
    'node:b',
    'node:b',
    'node:b',
    'subsystem:data plane',
    'host',
  ])
  const names = (id: string): string => id.toUpperCase()
  t.same(
    ['path:b:c', 'subsystem:data plane', 'mesh', 'handshakes', 'path:b'].map((one) =>
      entityWords(one, names),
    ),
    ['the path through B to C', 'the data plane', 'the mesh', 'handshakes', 'the path through B to B'],
  )
  t.end()
})

t.test('an incident explains itself in words, whatever became of it', (t) => {
  const base = {
    action: 'reroute',
    diagnosis: 'gray-link',
    afterMs: 3,
    why: 'best chance',
    changed: 'avoids b for 60 s',
    executionMs: 1,
    recoveryMs: 42,
  } as const
  const results = ['running', 'verifying', 'verified', 'failed', 'not-done', 'overtaken'] as const
  const text = explainIncident(
    incidentOf('a', 0, {
      isDrill: true,
      diagnosis: 'gray-link',
      evidence: [
        { sensor: 'link-loss', subject: 'link:b', value: 22.2, threshold: 5, afterMs: 0, detail: {} },
        { sensor: 'path-eaten', subject: 'path:b:c', value: 1, threshold: null, afterMs: 0, detail: {} },
      ],
      mitigation: { by: 'data-plane', to: '2 members over c', afterMs: 4, verifiedAfterMs: 40 },
      attempts: results.map((result) => ({ ...base, result })),
      outcome: 'verified',
      recoveredAfterMs: 45,
    }),
    (id) => ({ b: 'bob', c: 'carol' })[id] ?? id,
  ).join('\n')
  t.match(text, /A drill\. About bob: a link works badly/)
  t.match(text, /22 %, limit 5 %/)
  t.match(text, /\[the path through bob to carol\]/)
  t.match(text, /known to be well 30 ms before/)
  t.match(text, /moved traffic by itself 4 ms.*proved it 40 ms/)
  t.match(text, /It helped: the sensors were quiet 42 ms/)
  t.match(text, /It did not help/)
  t.match(text, /could not be done/)
  t.match(text, /Outcome: verified.*45 ms after the alarm/)
  const quiet = explainIncident(
    incidentOf('a', 0, {
      outcome: 'healed-by-itself',
      lastGoodAgoMs: null,
      mitigation: { by: 'data-plane', to: 'nobody', afterMs: 4, verifiedAfterMs: null },
      timeline: [{ phase: 'observing', afterMs: 1, text: 'no-action: the policy has none' }],
    }),
  ).join('\n')
  t.match(quiet, /Nothing has proved the new path/)
  t.match(quiet, /The loop did nothing: the policy has none\./)
  t.match(explainIncident(incidentOf('a', 0)).join('\n'), /The loop has not acted so far\./)
  t.end()
})
