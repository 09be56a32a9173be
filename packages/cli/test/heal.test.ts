import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { HealHistory, HealIncident, HealPolicy, HealStatus } from '@x0t/local-api'
import { healHistoryView, healIncidentView, healPolicyView, healStatusView } from '../src/views/heal.ts'
import { statusView } from '../src/views/node.ts'
import { fakeDaemon, nodeB, sampleStatus } from './fake-daemon.ts'
import { runCli, shortFolder } from './run-cli.ts'

const openedAtMs = Date.parse('2026-01-01T10:00:00Z')
const incident: HealIncident = {
  id: 'abcd2345',
  entity: `node:${nodeB}`,
  about: 'beta',
  diagnosis: 'link-dead',
  confidence: 0.9,
  because: 'probes got no answer',
  openedAtMs,
  lastGoodAgoMs: 30,
  evidence: [],
  timeline: [
    { phase: 'detected', afterMs: 0, text: 'no probe gets through' },
    { phase: 'mitigated', afterMs: 0.4, text: 'the data plane moved traffic' },
    { phase: 'verified', afterMs: 4200, text: 'redial: quiet' },
  ],
  attempts: [
    {
      action: 'redial',
      diagnosis: 'link-dead',
      afterMs: 3000,
      why: 'best chance',
      changed: 'offered new keys',
      executionMs: 1,
      recoveryMs: 200,
      result: 'verified',
    },
  ],
  mitigation: { by: 'data-plane', to: '2 routes over gamma', afterMs: 0.4, verifiedAfterMs: 18 },
  outcome: 'verified',
  recoveredAfterMs: 3200,
  closedAfterMs: 4200,
  isDrill: true,
  explanation: ['A drill. About beta: the link to a neighbour is dead.', 'Seen: much \u001b[31mred.'],
}
const status: HealStatus = {
  enabled: true,
  state: 'VERIFYING',
  safeMode: null,
  entities: [],
  open: [{ ...incident, outcome: 'open', recoveredAfterMs: null }],
  actionsInMinute: 2,
  actionsPerMinute: 10,
  failuresInRow: 1,
  breakerOpenForMs: null,
  avoided: [{ id: nodeB, name: '', kind: 'avoided', leftMs: 42_000 }],
  incidents: 7,
}
const history: HealHistory = {
  incidents: [
    incident,
    {
      ...incident,
      id: 'zzzz2345',
      lastGoodAgoMs: null,
      mitigation: null,
      recoveredAfterMs: null,
      attempts: [],
      isDrill: false,
      outcome: 'open',
    },
  ],
}
const policy: HealPolicy = {
  numbers: [
    {
      key: 'thresholds.loss_percent',
      value: 5,
      origin: 'file',
      from: 0.1,
      to: 50,
      unit: '%',
      help: 'loss',
      learnt: 5.1,
    },
  ],
  plans: [
    {
      diagnosis: 'link-dead',
      meaning: 'dead',
      actions: ['redial'],
      origin: 'default',
      records: [{ action: 'redial', verified: 3, failed: 1 }],
    },
    { diagnosis: 'disk-full', meaning: 'full', actions: [], origin: 'default', records: [] },
  ],
}

t.test('without a running node every command about it ends with exit code 4', async (t) => {
  const home = shortFolder(t)
  const file = join(home, 'policy.toml')
  writeFileSync(file, '')
  for (const words of [
    'status',
    'history',
    'show x',
    'policy',
    `policy apply ${file}`,
    'drill --yes',
    'safe-mode enter',
    'safe-mode leave',
  ])
    t.equal((await runCli(['heal', ...words.split(' '), '--home', home])).code, 4, words)
})

t.test('status, history, show and policy show what the node says, to people and to programs', async (t) => {
  const home = shortFolder(t)
  const asked: unknown[] = []
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    healStatus: () => status,
    healHistory(request) {
      asked.push(request)
      return history
    },
    healIncident: () => incident,
    healPolicy: () => policy,
    setHealPolicy: ({ text }) => {
      asked.push(text)
      return policy
    },
  })
  void daemon
  const run = async (...words: string[]): ReturnType<typeof runCli> =>
    runCli(['heal', ...words, '--home', home])
  t.match((await run('status')).stdout, /VERIFYING[^]*2 of at most 10[^]*abcd2345[^]*moved, proven/)
  t.match(JSON.parse((await run('status', '--json')).stdout), { state: 'VERIFYING' })
  t.match(
    (await run('history', '--since', '2h', '--limit', '5')).stdout,
    /abcd2345 +2026-01-01 10:00:00 +beta +link-dead \(drill\) +redial +verified +30 ms +0\.4 ms +3200 ms/,
  )
  t.match(asked[0], { limit: 5 })
  t.match(JSON.parse((await run('history', '--json')).stdout), { incidents: [{ id: 'abcd2345' }, {}] })
  t.match(await run('history', '--limit', '0'), { code: 2 })
  t.match(await run('history', '--since', 'long'), { code: 2, stderr: /--since "long"/ })
  const shown = (await run('show', 'abcd')).stdout
  t.match(shown, /A drill\. About beta/)
  t.match(shown, /-30 +well[^]*0 +\+30 +detected[^]*0\.4 +\+0\.4 +mitigated[^]*4200 +\+4200 +verified/)
  t.notOk(shown.includes('\u001b'), 'what others chose cannot steer the terminal')
  t.match(
    (await run('policy')).stdout,
    /thresholds\.loss_percent +5 \(learnt: 5\.1\) +0\.1 +50 +% +file[^]*redial 3 of 4/,
  )
  t.notMatch((await run('policy')).stdout, /vote/)
  const file = join(home, 'policy.toml')
  writeFileSync(file, '[thresholds]\nloss_percent = 3\n')
  t.equal((await run('policy', 'apply', file)).code, 0)
  t.equal(asked.at(-1), '[thresholds]\nloss_percent = 3\n')
})

t.test('what a vote has set names its proposal, and what a file sets in vain is told', async (t) => {
  const home = shortFolder(t)
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    healPolicy: () => ({
      numbers: policy.numbers.map((one) => ({ ...one, origin: 'vote', proposal: 'bafyone' })),
      plans: policy.plans.map((one) => ({ ...one, origin: 'vote', proposal: 'bafytwo' })),
      overruled: ['thresholds.loss_percent'],
    }),
  })
  void daemon
  const { stdout } = await runCli(['heal', 'policy', '--home', home])
  t.match(stdout, /thresholds\.loss_percent .* vote bafyone +loss/)
  t.match(stdout, /link-dead +redial +vote bafytwo/)
  t.match(stdout, /^thresholds\.loss_percent: the file's value does not hold, a vote has set it/m)
  const json = await runCli(['heal', 'policy', '--home', home, '--json'])
  t.match(JSON.parse(json.stdout), {
    numbers: [{ proposal: 'bafyone' }],
    overruled: ['thresholds.loss_percent'],
  })
})

t.test(
  'a policy file is checked without a node: 0, 3 where it does not hold, 2 where it is not there',
  async (t) => {
    const folder = shortFolder(t)
    const file = join(folder, 'policy.toml')
    writeFileSync(file, '[plans]\nlink-dead = ["redial"]\n')
    t.match(await runCli(['heal', 'policy', 'check', file]), { code: 0, stdout: /the policy holds/ })
    writeFileSync(file, '[thresholds]\nloss_percent = 99\n')
    t.match(await runCli(['heal', 'policy', 'check', file]), { code: 3, stdout: /from 0\.1 to 50/ })
    t.match(await runCli(['heal', 'policy', 'check', join(folder, 'none')]), {
      code: 2,
      stderr: /POLICY_FILE_UNREADABLE/,
    })
  },
)

t.test('a drill asks first, waits for its incident, and ends with 3 if that was not healed', async (t) => {
  const home = shortFolder(t)
  const drills: unknown[] = []
  let answers: HealHistory[] = [
    { incidents: [] },
    { incidents: [{ ...incident, outcome: 'open' }] },
    { incidents: [incident] },
  ]
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    drill(request) {
      drills.push(request)
      return { id: nodeB, name: 'beta', forMs: request.forMs, startedAtMs: openedAtMs }
    },
    healHistory: () => (answers.length > 1 ? answers.shift()! : answers[0]!),
  })
  void daemon
  t.match(await runCli(['heal', 'drill', '--home', home]), { code: 2, stderr: /CONFIRMATION_NEEDED/ })
  t.match(await runCli(['heal', 'drill', '--home', home, '--ms', '1']), { code: 2 })
  t.same(drills, [])
  const run = await runCli([
    'heal',
    'drill',
    '--home',
    home,
    '--yes',
    '--ms',
    '200',
    '--node',
    'beta',
    '--force',
  ])
  t.match(run, { code: 0, stdout: /incident abcd2345/, stderr: /data link to beta is down/ })
  t.same(drills, [{ forMs: 200, node: 'beta', force: true }])
  answers = [{ incidents: [{ ...incident, recoveredAfterMs: null, outcome: 'gone' }] }]
  t.equal((await runCli(['heal', 'drill', '--home', home, '--yes', '--json'])).code, 3)
})

t.test('SAFE_MODE is left only after a yes, and entered without one', async (t) => {
  const home = shortFolder(t)
  const orders: unknown[] = []
  let now: HealStatus = {
    ...status,
    state: 'SAFE_MODE',
    safeMode: { reason: 'ordered', sinceMs: openedAtMs },
  }
  await using daemon = await fakeDaemon(`${home}/x0t.sock`, {
    healStatus: () => now,
    safeMode(request) {
      orders.push(request)
      return now
    },
  })
  void daemon
  const leave = ['heal', 'safe-mode', 'leave', '--home', home]
  t.match(await runCli(leave), { code: 2, stderr: /CONFIRMATION_NEEDED/ })
  t.same(orders, [])
  t.match(await runCli([...leave, '--yes']), { code: 0, stdout: /acts again/ })
  t.match(await runCli(['heal', 'safe-mode', 'enter', '--home', home, '--reason', 'work']), {
    code: 0,
    stdout: /SAFE_MODE/,
  })
  t.same(orders, [{ isOn: false }, { isOn: true, reason: 'work' }])
  t.match(
    healStatusView(now, openedAtMs),
    /SAFE_MODE since 2026-01-01 10:00:00: ordered; x0t heal safe-mode leave/,
  )
  now = { ...now, safeMode: null }
  t.match(await runCli([...leave, '--yes']), { code: 0, stderr: /not in SAFE_MODE/ })
})

t.test('views tell what is not there, and nothing by colour alone', (t) => {
  t.match(healStatusView({ ...status, enabled: false }, 0), /switched off/)
  t.match(
    healStatusView({ ...status, open: [], breakerOpenForMs: 5000 }, 0),
    /OPEN for 5s[^]*no open incidents/,
  )
  t.match(
    healStatusView({ ...status, open: [{ ...incident, mitigation: null, recoveredAfterMs: null }] }, 0),
    /link-dead +-/,
  )
  t.equal(healHistoryView({ incidents: [] }), 'no incidents')
  t.match(healHistoryView(history), /zzzz2345 .* - +open +- +- +-/)
  t.match(healIncidentView({ ...incident, lastGoodAgoMs: null }), /MS +STEP[^]*0 +detected/)
  t.match(healPolicyView(policy), /disk-full +none: observe/)
  t.match(statusView({ ...sampleStatus, healing: 'on', openIncidents: 0 }, 0), /healing +no open incidents/)
  t.match(
    statusView({ ...sampleStatus, healing: 'safe_mode', openIncidents: 1 }, 0),
    /SAFE_MODE, observes only; 1 open incident/,
  )
  t.match(statusView({ ...sampleStatus, healing: 'off' }, 0), /healing +OFF/)
  t.end()
})
