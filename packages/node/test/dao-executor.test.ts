import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { nodeIdFromBytes, silentLog as log, type NodeId } from '@x0t/core'
import {
  cutArtifact,
  digestOf,
  recordIdOf,
  type Action,
  type DaoState,
  type ProposalResult,
  type ProposalView,
  type RecordBodies,
  type RecordId,
  type SignedRecord,
} from '@x0t/dao'
import { createIdentity, signFile } from '@x0t/keys'
import { decidePolicy, defaultPolicy, valueOfPolicy } from '@x0t/mape-k'
import { loadConfig, readDecisions, type ConfigEntry } from '../src/config/index.ts'
import { listArtifacts } from '../src/dao/execution/artifact-store.ts'
import type { Decision } from '../src/dao/execution/decision.ts'
import { createExecutor } from '../src/dao/execution/executor.ts'
import type { ExecutionTargets, Executor, KeyInUse } from '../src/dao/execution/ports.ts'
import { createRunningSettings } from '../src/dao/execution/running-settings.ts'
import { manualClock, type ManualClock } from './manual-clock.ts'

const nodeOf = (byte: number): NodeId => nodeIdFromBytes(new Uint8Array(32).fill(byte))
const [self, bob, carol, mallory] = [nodeOf(1), nodeOf(2), nodeOf(3), nodeOf(66)]
const idOf = (name: string): RecordId => recordIdOf(Buffer.from(name))
const folder = mkdtempSync(join(tmpdir(), 'x0t-executor-'))
t.teardown(() => rmSync(folder, { recursive: true }))
let homes = 0

const noKeys = { ed25519: new Uint8Array(32), mldsa65: new Uint8Array(1952) }
/** A timelock of a minute from second 100 on; what is not executed an hour later is expired. */
const closedMs = 100_000
const dueMs = 160_000
const expiredMs = dueMs + 3_600_000

type Report = RecordBodies['execution'] & { readonly by: NodeId }

/** Proposals that were passed and closed by self, bob and carol, and what nodes reported of them. */
function daoOf(): {
  readonly reports: Report[]
  readonly pieces: SignedRecord[]
  propose(
    name: string,
    actions: readonly Action[],
    more?: { at?: number; state?: Partial<ProposalView> },
  ): RecordId
  change(id: RecordId, state: Partial<ProposalView>): void
  state(): DaoState
  isMember: boolean
  outcome: ProposalResult['tally']['outcome']
} {
  const views = new Map<RecordId, ProposalView>()
  const dao = {
    reports: [] as Report[],
    pieces: [] as SignedRecord[],
    isMember: true,
    outcome: 'passed' as ProposalResult['tally']['outcome'],
    propose(
      name: string,
      actions: readonly Action[],
      more: { at?: number; state?: Partial<ProposalView> } = {},
    ) {
      const id = idOf(name)
      const witnesses = [self, bob, carol]
      const body = { witnesses, actions, timelockMs: 60_000, expiresMs: 3_600_000 }
      const commits = witnesses.map(() => ({ record: { atMs: more.at ?? closedMs } }))
      views.set(id, {
        id,
        record: { body },
        electorate: witnesses.map((id) => ({ id, keys: noKeys })),
        certificate: { commits },
        rivals: [],
        vetoes: [],
        isCanceled: false,
        isFinal: true,
        ...more.state,
      } as unknown as ProposalView)
      return id
    },
    change: (id: RecordId, state: Partial<ProposalView>) =>
      void views.set(id, { ...views.get(id)!, ...state }),
    state(): DaoState {
      const proposals = new Map(
        [...views].map(([id, view]) => [
          id,
          {
            ...view,
            executions: dao.reports.flatMap((body, seq) =>
              body.proposal === id ? [{ author: body.by, seq, body }] : [],
            ),
          },
        ]),
      )
      return { proposals } as unknown as DaoState
    },
  }
  return dao
}

interface Parts {
  readonly targets: ExecutionTargets
  readonly banned: Set<NodeId>
  authority: boolean
  keys: KeyInUse[]
  /** A link has keys that are not in use yet. */
  making: boolean
  renewed: number
  hasLoop: boolean
  sticks: boolean
  logLevel: string
  policyOf(key: string): unknown
}

/** A node's parts, as far as decisions change them: the policy and the settings are the real ones. */
function partsOf(entries: readonly ConfigEntry[]): Parts {
  let policy = defaultPolicy
  const home = join(folder, `home${homes++}`)
  const parts: Parts = {
    banned: new Set<NodeId>(),
    authority: false,
    keys: [] as KeyInUse[],
    making: false,
    renewed: 0,
    hasLoop: true,
    sticks: true,
    logLevel: 'info',
    policyOf: (key: string) => valueOfPolicy(policy, key),
    targets: {
      get policy() {
        if (!parts.hasLoop) return undefined
        return {
          decide(decisions: readonly Decision[]) {
            if (parts.sticks)
              policy = decidePolicy(
                defaultPolicy,
                decisions.map(({ key, value, proposal }) => ({ key, value: value as number, proposal })),
              )
          },
          valueOf: (key: string) => valueOfPolicy(policy, key)!,
        }
      },
      settings: createRunningSettings({
        entries,
        live: {
          'node.log_level': {
            apply: (value) => void (parts.logLevel = String(value)),
            read: () => parts.logLevel,
          },
        },
      }),
      bans: {
        isBanned: (id: NodeId) => parts.banned.has(id),
        get authority() {
          if (!parts.authority) return undefined
          return {
            self,
            ban: (id: NodeId) => void parts.banned.add(id),
            unban: (id: NodeId) => void parts.banned.delete(id),
          }
        },
        authorities: () => (parts.authority ? [self] : [carol]),
      },
      keys: {
        inUse: () => parts.keys,
        isMaking: () => parts.making,
        renew(key: KeyInUse) {
          parts.renewed++
          parts.keys = parts.keys.map((one) =>
            one === key ? { ...key, generation: `${key.generation}'` } : one,
          )
          return true
        },
      },
      artifactsDirectory: join(home, 'artifacts'),
      decisionsFile: join(home, 'decisions.json'),
    },
  }
  return parts
}

function executorOf(
  dao: ReturnType<typeof daoOf>,
  parts: ReturnType<typeof partsOf>,
  clock: ManualClock,
  report = async (body: RecordBodies['execution']): Promise<void> =>
    void dao.reports.push({ ...body, by: self }),
): Executor {
  return createExecutor({
    self,
    dao: {
      state: () => dao.state(),
      resultOf: () => ({ isFinal: true, tally: { outcome: dao.outcome } }) as ProposalResult,
      async *records() {
        yield* dao.pieces
      },
      report,
      member: () => (dao.isMember ? self : undefined),
    },
    targets: parts.targets,
    events: { emit() {} },
    clock,
    log,
  })
}

async function entriesOf(
  flags: Record<string, string> = {},
  decisions: readonly Decision[] = [],
): Promise<readonly ConfigEntry[]> {
  return (await loadConfig({ home: '/h', flags, decisions, readFile: async () => undefined })).entries
}
/** Lets files be written, which no manual clock does, and time pass beside it. */
async function eventually(clock: ManualClock, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000 && !isSo(); turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (turn % 20 === 0) clock.go(250)
  }
}
const lossTo = (value: string): Action => ({
  type: 'update_threshold',
  key: 'thresholds.loss_percent',
  value,
})

async function setUp(flags?: Record<string, string>) {
  const dao = daoOf()
  const parts = partsOf(await entriesOf(flags))
  const clock = manualClock()
  return { dao, parts, clock, executor: executorOf(dao, parts, clock) }
}

t.test('a threshold changes when the timelock is over, and says which proposal changed it', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  const proposal = dao.propose('p', [lossTo('3')])
  clock.go(dueMs - 1)
  await executor.look()
  t.match(parts.policyOf('thresholds.loss_percent'), { value: 5, origin: 'default' })
  t.same(dao.reports, [])
  clock.go(1)
  await executor.look()
  t.same(parts.policyOf('thresholds.loss_percent'), { value: 3, origin: 'vote', proposal })
  t.match(dao.reports, [
    { proposal, action: 0, outcome: 'executed', detail: 'thresholds.loss_percent: 5 → 3' },
  ])
  await executor.look()
  t.equal(dao.reports.length, 1, 'to look again changes nothing')
})

t.test('the end of a timelock wakes the executor', async (t) => {
  const { dao, clock, executor } = await setUp()
  clock.go(closedMs)
  dao.propose('p', [lossTo('3')])
  executor.recordsChanged()
  await executor.look()
  t.same(dao.reports, [])
  await eventually(clock, () => dao.reports.length > 0)
  t.match(dao.reports, [{ outcome: 'executed' }])
  await executor[Symbol.asyncDispose]()
})

t.test('a plan changes, and a second vote about it takes its place', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  const plan = (actions: readonly string[]): Action => ({
    type: 'update_policy',
    diagnosis: 'link-dead',
    actions,
  })
  dao.propose('first', [plan(['redial'])])
  clock.go(dueMs)
  await executor.look()
  t.match(parts.policyOf('plans.link-dead'), { value: ['redial'] })
  const second = dao.propose('second', [plan(['reroute', 'redial'])], { at: closedMs + 1 })
  clock.go(1)
  await executor.look()
  t.same(parts.policyOf('plans.link-dead'), {
    value: ['reroute', 'redial'],
    origin: 'vote',
    proposal: second,
  })
  t.same(
    dao.reports.map(({ outcome }) => outcome),
    ['executed', 'executed'],
  )
})

t.test(
  'a decision that a later one has overtaken before it was due here is failed, not executed',
  async (t) => {
    const { dao, parts, clock, executor } = await setUp()
    const later = dao.propose('later', [lossTo('7')], { at: closedMs + 1000 })
    const earlier = dao.propose('earlier', [lossTo('3')])
    clock.go(dueMs + 1000)
    await executor.look()
    t.match(parts.policyOf('thresholds.loss_percent'), { value: 7, proposal: later })
    t.match(
      dao.reports.find(({ proposal }) => proposal === earlier),
      { outcome: 'failed', detail: /later decision/ },
    )
  },
)

t.test('decisions hold after a restart from the first moment on, and are not reported again', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  const proposal = dao.propose('p', [lossTo('3'), { type: 'update_config', key: 'probe.misses', value: '6' }])
  clock.go(dueMs)
  await executor.look()
  await executor[Symbol.asyncDispose]()
  const { decisions } = await readDecisions(parts.targets.decisionsFile, async (path) =>
    readFileSync(path, 'utf8'),
  )
  t.match(decisions, [
    { proposal, kind: 'policy', value: 3 },
    { proposal, kind: 'config', key: 'probe.misses', value: 6 },
  ])

  const again = { ...partsOf(await entriesOf({}, decisions)) }
  const second = executorOf(dao, again, clock)
  await second.look()
  t.match(again.policyOf('thresholds.loss_percent'), { value: 3, origin: 'vote', proposal })
  t.same(
    dao.reports.map(({ action, outcome }) => [action, outcome]),
    [
      [0, 'executed'],
      [1, 'executed'],
    ],
    'what holds from a start on is reported after that start',
  )
  clock.go(10 * 3_600_000)
  await second.look()
  t.match(again.policyOf('thresholds.loss_percent'), { value: 3 }, 'what was executed does not expire')
  t.equal(dao.reports.length, 2)
})

t.test('a node that died between the effect and its report finds it done', async (t) => {
  const { dao, parts, clock } = await setUp()
  dao.propose('p', [lossTo('3')])
  clock.go(dueMs)
  const dying = executorOf(dao, parts, clock, async () => {
    throw new Error('killed')
  })
  await dying.look()
  t.same(dao.reports, [])
  await dying[Symbol.asyncDispose]()
  await executorOf(dao, parts, clock).look()
  t.match(dao.reports, [{ outcome: 'executed' }])
})

t.test(
  'a setting that takes effect at the next start is waited for, and fails if there is none',
  async (t) => {
    const { dao, parts, clock, executor } = await setUp()
    const proposal = dao.propose('p', [{ type: 'update_config', key: 'probe.misses', value: '6' }])
    clock.go(dueMs)
    await executor.look()
    t.same(dao.reports, [])
    const setting = parts.targets.settings as ReturnType<typeof createRunningSettings>
    t.match(
      setting.list().find(({ key }) => key === 'probe.misses'),
      { value: 3, next: { value: 6, proposal } },
    )
    const [change] = await executor.plan(proposal)
    t.match(change, { stage: 'due', from: '3', to: '6', takesEffect: 'start', detail: /next start/ })
    clock.go(expiredMs - dueMs)
    await executor.look()
    t.match(dao.reports, [
      { outcome: 'failed', detail: /expired: probe.misses will be 6 from the next start/ },
    ])
    t.notMatch(readFileSync(parts.targets.decisionsFile, 'utf8'), /probe/)
  },
)

t.test('a setting that can change at once does, and one that a flag holds fails', async (t) => {
  const { dao, parts, clock, executor } = await setUp({ 'probe.misses': '4' })
  const proposal = dao.propose('p', [
    { type: 'update_config', key: 'node.log_level', value: 'warn' },
    { type: 'update_config', key: 'probe.misses', value: '6' },
  ])
  clock.go(dueMs)
  await executor.look()
  t.equal(parts.logLevel, 'warn')
  t.match(parts.targets.settings.valueOf('node.log_level'), { value: 'warn', proposal })
  t.match(dao.reports, [
    { action: 1, outcome: 'failed', detail: /--set probe.misses, which stands above a vote/ },
    { action: 0, outcome: 'executed', detail: 'node.log_level: info → warn' },
  ])
})

t.test('vetoed, canceled, halted and defeated proposals change nothing and report nothing', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  const veto = { body: { reason: 'no' } } as ProposalView['vetoes'][number]
  const certificate = {} as ProposalView['rivals'][number]
  dao.propose('vetoed', [lossTo('3')], { state: { vetoes: [veto] } })
  dao.propose('canceled', [lossTo('3')], { state: { isCanceled: true } })
  dao.propose('halted', [lossTo('3')], { state: { rivals: [certificate, certificate] } })
  clock.go(dueMs)
  await executor.look()
  t.match(parts.policyOf('thresholds.loss_percent'), { value: 5 })
  t.same(dao.reports, [])
  dao.outcome = 'defeated'
  const defeated = dao.propose('defeated', [lossTo('3')])
  await executor.look()
  t.match(await executor.plan(defeated), [{ stage: 'not-passed' }])
  t.match(await executor.plan(idOf('vetoed')), [{ stage: 'vetoed' }])
  t.same(dao.reports, [])
})

t.test('a proposal whose time is over is failed as expired, by who had a say in it', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  dao.propose('p', [lossTo('3'), { type: 'rotate_keys', node: bob }])
  dao.propose('of others', [lossTo('3')], { state: { electorate: [] } })
  clock.go(expiredMs)
  await executor.look()
  t.match(parts.policyOf('thresholds.loss_percent'), { value: 5 })
  t.equal(dao.reports.length, 1)
  t.match(dao.reports, [{ proposal: idOf('p'), action: 0, outcome: 'failed', detail: /^expired/ }])
})

t.test('a node that was away does what more than half of the witnesses did', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  const proposal = dao.propose('p', [lossTo('3')])
  for (const by of [bob, carol])
    dao.reports.push({ by, proposal, action: 0, outcome: 'executed', detail: '' })
  clock.go(expiredMs * 2)
  await executor.look()
  t.match(parts.policyOf('thresholds.loss_percent'), { value: 3, proposal })
})

t.test('what cannot hold here, and what does not read back, is failed', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  parts.hasLoop = false
  dao.propose('no loop', [lossTo('3')])
  clock.go(dueMs)
  await executor.look()
  t.match(dao.reports, [{ outcome: 'failed', detail: /loop is switched off/ }])
  parts.hasLoop = true
  parts.sticks = false
  dao.propose('slips', [lossTo('4')])
  await executor.look()
  t.match(dao.reports[1], { outcome: 'failed', detail: /reads back as 5, not as 4/ })
  t.notMatch(readFileSync(parts.targets.decisionsFile, 'utf8'), /loss/)
  dao.propose('bad', [lossTo('77'), { type: 'ban_node', node: 'x' as NodeId, reason: '' }])
  await executor.look()
  t.match(dao.reports.slice(2), [
    { outcome: 'failed', detail: /DAO_ACTION_OUT_OF_BOUNDS/ },
    { outcome: 'failed', detail: /DAO_ACTION_INVALID/ },
  ])
})

t.test('a decision that cannot be written is not applied, and tried again', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  writeFileSync(join(folder, 'file'), '')
  const blocked = { ...parts.targets, decisionsFile: join(folder, 'file', 'decisions.json') }
  const hindered = executorOf(dao, { ...parts, targets: blocked }, clock)
  dao.propose('p', [lossTo('3')])
  clock.go(dueMs)
  await hindered.look()
  t.match(parts.policyOf('thresholds.loss_percent'), { value: 5 })
  t.same(dao.reports, [])
  await hindered[Symbol.asyncDispose]()
  await executor.look()
  t.match(dao.reports, [{ outcome: 'executed' }])
})

t.test('who is no member of the DAO does what was decided and reports nothing', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  dao.isMember = false
  dao.propose('p', [lossTo('3')])
  clock.go(dueMs)
  await executor.look()
  await executor.look()
  t.match(parts.policyOf('thresholds.loss_percent'), { value: 3 })
  t.same(dao.reports, [])
})

t.test('the node with the authority bans and readmits, once', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  parts.authority = true
  dao.propose('ban', [{ type: 'ban_node', node: mallory, reason: 'lies' }])
  clock.go(dueMs)
  t.match(await executor.plan(idOf('ban')), [{ from: 'not banned', to: 'banned' }])
  await executor.look()
  t.ok(parts.banned.has(mallory))
  t.match(dao.reports, [{ outcome: 'executed', detail: /this node signed it/ }])
  parts.banned.delete(mallory)
  await executor.look()
  t.notOk(parts.banned.has(mallory), 'what a person lifts afterwards stays lifted')
  parts.banned.add(mallory)
  dao.propose('readmit', [{ type: 'readmit_node', node: mallory }])
  await executor.look()
  t.notOk(parts.banned.has(mallory))
  dao.propose('own', [{ type: 'ban_node', node: self, reason: '' }])
  await executor.look()
  t.notOk(parts.banned.has(self))
  t.match(dao.reports.at(-1), { outcome: 'failed', detail: /authority/ })
})

t.test(
  'other nodes report a ban when it has come, and say what they waited for when it has not',
  async (t) => {
    const { dao, parts, clock, executor } = await setUp()
    const comes = dao.propose('comes', [{ type: 'ban_node', node: mallory, reason: '' }])
    const stays = dao.propose('stays away', [{ type: 'ban_node', node: bob, reason: '' }])
    dao.propose('authority', [{ type: 'ban_node', node: carol, reason: '' }])
    clock.go(dueMs)
    await executor.look()
    t.match(dao.reports, [{ proposal: idOf('authority'), outcome: 'failed' }])
    t.match(await executor.plan(stays), [{ detail: /has not signed it yet/ }])
    parts.banned.add(mallory)
    await eventually(clock, () => dao.reports.length > 1)
    t.match(dao.reports.at(-1), { proposal: comes, outcome: 'executed' })
    clock.go(expiredMs - dueMs)
    await executor.look()
    t.match(dao.reports.at(-1), {
      proposal: stays,
      outcome: 'failed',
      detail: /expired: the node with the authority/,
    })
  },
)

t.test('a ban that came while the node was down is reported as it is', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  dao.propose('p', [{ type: 'ban_node', node: mallory, reason: '' }])
  parts.banned.add(mallory)
  clock.go(expiredMs)
  await executor.look()
  t.match(dao.reports, [{ outcome: 'executed' }])
})

t.test('keys are replaced, and it is done when the new ones are in use', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  parts.keys = [
    { peer: bob, kind: 'session', generation: '1' },
    { peer: bob, kind: 'link', generation: 'a 0' },
  ]
  const proposal = dao.propose('all', [{ type: 'rotate_keys', node: 'all' }])
  dao.propose("bob's", [{ type: 'rotate_keys', node: bob }])
  clock.go(dueMs)
  t.match(await executor.plan(proposal), [{ from: '2 keys in use' }])
  t.match(await executor.plan(idOf("bob's")), [{ from: null }])
  executor.recordsChanged()
  await eventually(clock, () => dao.reports.length > 0)
  t.equal(parts.renewed, 2)
  t.match(dao.reports, [{ proposal, outcome: 'executed', detail: /2 keys were replaced/ }])
  await executor.look()
  t.equal(parts.renewed, 2, 'once')
})

t.test('keys that are just being made are waited for, and replaced too', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  parts.making = true
  dao.propose('all', [{ type: 'rotate_keys', node: 'all' }])
  clock.go(dueMs)
  executor.recordsChanged()
  for (let look = 0; look < 20; look += 1) {
    clock.go(250)
    await new Promise(setImmediate)
  }
  t.strictSame(dao.reports, [], 'that none are in use says nothing yet')
  parts.keys = [{ peer: bob, kind: 'link', generation: 'a 1' }]
  parts.making = false
  await eventually(clock, () => dao.reports.length > 0)
  t.match(dao.reports, [{ outcome: 'executed', detail: /1 keys were replaced/ }])
})

t.test('keys that stay in use are named after a minute', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  parts.keys = [{ peer: bob, kind: 'link', generation: 'a 0' }]
  const stuck = { ...parts.targets, keys: { ...parts.targets.keys, renew: () => false } }
  const waiting = executorOf(dao, { ...parts, targets: stuck }, clock)
  dao.propose('p', [{ type: 'rotate_keys', node: self }])
  clock.go(dueMs)
  waiting.recordsChanged()
  await eventually(clock, () => dao.reports.length > 0)
  await waiting[Symbol.asyncDispose]()
  t.match(dao.reports, [{ outcome: 'failed', detail: /the old keys are still in use: link to/ }])
  dao.propose('none', [{ type: 'rotate_keys', node: 'all' }])
  parts.keys = []
  await executor.look()
  t.match(dao.reports.at(-1), { outcome: 'executed', detail: 'no keys were in use' })
})

t.test('a published file is kept once all of it is here and its signature holds', async (t) => {
  const { dao, parts, clock, executor } = await setUp()
  const maker = createIdentity(new Uint8Array(32).fill(5))
  const bytes = new Uint8Array(100_000).fill(3)
  const path = join(folder, 'model.bin')
  writeFileSync(path, bytes)
  const signature = Buffer.from(await signFile(maker, path, 'model'))
  const action: Action & { type: 'publish_artifact' } = {
    type: 'publish_artifact',
    artifact: 'model',
    name: 'model.bin',
    digest: digestOf(bytes),
    sizeBytes: bytes.length,
    signer: maker.nodeId,
    signatureDigest: digestOf(signature),
  }
  const records = [...cutArtifact(bytes), ...cutArtifact(signature)].map(
    (body) => ({ record: { kind: 'artifact', author: bob, body } }) as unknown as SignedRecord,
  )
  const proposal = dao.propose('p', [action])
  clock.go(dueMs)
  await executor.look()
  t.match(await executor.plan(proposal), [{ from: 'not here', detail: /0 of \? pieces/ }])
  dao.pieces.push(...records.slice(0, 1))
  await executor.look()
  t.match(await executor.plan(proposal), [{ detail: /1 of 2 pieces/ }])
  dao.pieces.push(records[1]!)
  await executor.look()
  t.match(await executor.plan(proposal), [{ detail: /signature of the file is not here/ }])
  t.same(dao.reports, [])
  dao.pieces.push(records[2]!)
  await executor.look()
  t.match(dao.reports, [{ outcome: 'executed', detail: /model.bin/ }])
  const { artifacts } = await listArtifacts(parts.targets.artifactsDirectory)
  t.match(artifacts, [{ name: 'model.bin', artifact: 'model', signer: maker.nodeId, proposal }])
  t.same(new Uint8Array(readFileSync(artifacts[0]!.path)), bytes)

  dao.propose('again', [action])
  dao.propose('not his', [{ ...action, name: 'other.bin', signer: bob }])
  dao.propose('short', [{ ...action, name: 'short.bin', sizeBytes: 1 }])
  dao.propose('no program', [{ ...action, name: 'flow.o', artifact: 'program' }])
  await executor.look()
  t.match(dao.reports.slice(1), [
    { proposal: idOf('again'), outcome: 'executed' },
    { proposal: idOf('not his'), outcome: 'failed', detail: /not by/ },
    { proposal: idOf('short'), outcome: 'failed', detail: /bytes/ },
    { proposal: idOf('no program'), outcome: 'failed', detail: /signature of the program/ },
  ])
})

t.test('an unknown proposal has no plan', async (t) => {
  const { executor } = await setUp()
  await t.rejects(executor.plan(idOf('nothing')), { code: 'DAO_PROPOSAL_UNKNOWN' })
})
