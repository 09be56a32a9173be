import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { silentLog as log } from '@x0t/core'
import { recordIdOf, votableSettings, votableValue } from '@x0t/dao'
import { defaultSessionLimits } from '@x0t/session'
import {
  loadConfig,
  namedSettings,
  readConfigFile,
  readDecisions,
  type ConfigEntry,
} from '../src/config/index.ts'
import type { Decision } from '../src/dao/execution/decision.ts'
import { decisionsText, parseDecisions } from '../src/dao/execution/decisions-file.ts'
import { lifetimeOf, liveSettings } from '../src/dao/execution/live-settings.ts'
import { openDecisions } from '../src/dao/execution/open-decisions.ts'
import { createRunningSettings } from '../src/dao/execution/running-settings.ts'
import { homeAt } from '../src/home.ts'

const folder = mkdtempSync(join(tmpdir(), 'x0t-decisions-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const proposal = recordIdOf(Buffer.from('a proposal'))
const other = recordIdOf(Buffer.from('another'))
const decided = (key: string, value: Decision['value'], by = proposal): Decision => ({
  proposal: by,
  action: 0,
  kind: 'config',
  key,
  value,
})
const load = (sources: Partial<Parameters<typeof loadConfig>[0]> = {}) =>
  loadConfig({ home: '/h', readFile: async () => undefined, ...sources })
const entryOf = (entries: readonly ConfigEntry[], key: string): ConfigEntry =>
  entries.find((one) => one.key === key)!

t.test('a vote stands above the file, and the file is still told', async (t) => {
  const readFile = async (): Promise<string> => '[probe]\nmisses = 7\n'
  const { config, entries, origins, warnings } = await load({
    readFile,
    decisions: [decided('probe.misses', 5), decided('identity.svid_ttl', '7d')],
  })
  t.equal(config.probe.misses, 5)
  t.equal(config.identity.svidTtlMs, 7 * 86_400_000)
  t.same(origins['probe.misses'], { source: 'vote', at: proposal })
  t.match(entryOf(entries, 'probe.misses').beneath, { value: 7, origin: { source: 'file' } })
  t.match(entryOf(entries, 'identity.svid_ttl').beneath, { value: '24h', origin: { source: 'default' } })
  t.same(warnings, [])
})

t.test('a flag and a variable of the machine stand above a vote, and are named', async (t) => {
  const { config, entries, warnings } = await load({
    decisions: [decided('probe.misses', 5), decided('session.renew_seconds', 60)],
    flags: { 'probe.misses': '4' },
    env: { X0T_SESSION_RENEW_SECONDS: '90' },
  })
  t.equal(config.probe.misses, 4)
  t.equal(config.session.renewSeconds, 90)
  t.equal(entryOf(entries, 'probe.misses').beneath, undefined)
  t.match(warnings, [
    `--set probe.misses overrules a vote: probe.misses = 5 was decided (${proposal})`,
    /^X0T_SESSION_RENEW_SECONDS overrules a vote: session.renew_seconds = 60/,
  ])
})

t.test('a decision that does not fit this version is left out and named', async (t) => {
  const { config, warnings } = await load({
    decisions: [
      decided('probe.luck', 5),
      decided('probe.misses', 'many'),
      { ...decided('x', 1), kind: 'policy' },
    ],
  })
  t.equal(config.probe.misses, 3)
  t.match(warnings, [/probe.luck does not fit/, /probe.misses does not fit/])
})

t.test(
  'every setting that may be voted on exists, and a vote is bound more tightly than the file',
  async (t) => {
    for (const [key, votable] of Object.entries(votableSettings)) {
      const schema = namedSettings.find((named) => named.key === key)?.setting.kind.schema
      const { accepts } = votable
      const texts =
        accepts.kind === 'integer'
          ? [String(accepts.from), String(accepts.to), ...(accepts.orAuto === true ? ['auto'] : [])]
          : accepts.kind === 'duration'
            ? [`${accepts.fromMs / 3_600_000}h`, `${accepts.toMs / 3_600_000}h`]
            : accepts.choices
      for (const text of texts) {
        const raw = votableValue(votable, text)
        t.ok(schema?.safeParse(raw).success, `${key} = ${text}`)
      }
    }
  },
)

t.test('the file of decisions is read back as it was written', async (t) => {
  const list = [
    decided('probe.misses', 5),
    { ...decided('plans.link-dead', ['redial']), kind: 'policy' as const },
  ]
  t.same(parseDecisions(decisionsText(list)), list)
  t.same(parseDecisions(decisionsText([])), [])
})

t.test('a damaged file of decisions keeps no node from starting, and is told', async (t) => {
  const path = homeAt(folder).decisionsFile
  t.same(await readDecisions(path, readConfigFile), { decisions: [] })
  for (const text of ['', '{', '[]', '{"v":2,"decisions":[]}', '{"v":1,"decisions":[{}]}', 'null', '\0']) {
    writeFileSync(path, text)
    t.throws(() => parseDecisions(text), { code: 'DECISIONS_DAMAGED' })
    t.match(await readDecisions(path, readConfigFile), {
      decisions: [],
      problem: /decisions.json: .* damaged/,
    })
    t.same(await openDecisions(homeAt(folder), log), { policy: [] })
  }
  const policy = (key: string, value: Decision['value']): Decision => ({
    ...decided(key, value),
    kind: 'policy',
  })
  writeFileSync(
    path,
    decisionsText([
      policy('thresholds.loss_percent', 3),
      policy('thresholds.luck', 3),
      policy('thresholds.cpu_percent', 'high'),
      decided('probe.misses', 5),
    ]),
  )
  t.same(await openDecisions(homeAt(folder), log), {
    policy: [{ proposal, key: 'thresholds.loss_percent', value: 3 }],
  })
})

async function running(decisions: readonly Decision[], flags: Record<string, string> = {}) {
  const { entries, config } = await load({ decisions, flags })
  let ttlMs = config.identity.svidTtlMs
  let level = config.node.logLevel
  let lifetime = lifetimeOf(config.session.renewSeconds)
  const settings = createRunningSettings({
    entries,
    live: liveSettings({
      log: { level: () => level, setLevel: (next) => (level = next) },
      sessions: {
        setLifetime: (next) => (lifetime = next),
        get lifetime() {
          return lifetime
        },
      },
      svidTtl: { read: () => ttlMs, write: (next) => (ttlMs = next) },
      config,
    }),
  })
  const find = (key: string) => settings.list().find((one) => one.key === key)
  return { settings, find, now: () => ({ ttlMs, level, lifetime }) }
}

t.test('what can change at once does, and goes back when the vote is lifted', async (t) => {
  const { settings, find, now } = await running([])
  settings.decide([
    decided('identity.svid_ttl', '7d'),
    decided('node.log_level', 'debug'),
    decided('session.renew_seconds', 60),
  ])
  t.same(now(), {
    ttlMs: 7 * 86_400_000,
    level: 'debug',
    lifetime: { renewAfterMs: 60_000, expireAfterMs: 90_000 },
  })
  t.same(settings.valueOf('identity.svid_ttl'), { value: '7d', origin: `vote ${proposal}`, proposal })
  t.match(find('session.renew_seconds'), { value: 60, origin: { source: 'vote' }, beneath: { value: 120 } })
  settings.decide([])
  t.same(now(), {
    ttlMs: 86_400_000,
    level: 'info',
    lifetime: { renewAfterMs: defaultSessionLimits.renewAfterMs, expireAfterMs: 180_000 },
  })
  t.same(settings.valueOf('identity.svid_ttl'), { value: '24h', origin: 'default', proposal: null })
})

t.test('what the node was started with is what holds until it is started again', async (t) => {
  const { settings, find } = await running([decided('probe.misses', 5)])
  t.match(settings.valueOf('probe.misses'), { value: '5', proposal })
  settings.decide([decided('probe.misses', 9, other)])
  t.match(find('probe.misses'), { value: 5, origin: { at: proposal }, next: { value: 9, proposal: other } })
  settings.decide([])
  t.match(find('probe.misses'), { value: 5, next: { value: 3, proposal: null } })
  settings.decide([decided('probe.misses', 5, other)])
  t.match(find('probe.misses'), { value: 5, origin: { source: 'vote', at: other } })
  t.equal(find('probe.misses')?.next, undefined)
})

t.test('a flag is left alone, and so is a level that somebody set by hand', async (t) => {
  const { settings, find, now } = await running([], { 'node.log_level': 'error' })
  settings.decide([decided('node.log_level', 'debug')])
  t.equal(now().level, 'error')
  t.match(find('node.log_level'), { origin: { source: 'flag' } })
  t.match(settings.valueOf('node.log_level').origin, /^flag /)
  t.match(settings.valueOf('node.luck'), { origin: 'unknown', proposal: null })
})

t.test('without a list of settings those that can change are known all the same', async (t) => {
  let level = 'info'
  const live = { 'node.log_level': { apply: (value: unknown) => (level = String(value)), read: () => level } }
  const settings = createRunningSettings({ entries: [], live })
  settings.decide([decided('node.log_level', 'warn')])
  t.match(settings.valueOf('node.log_level'), { value: 'warn', proposal })
})
