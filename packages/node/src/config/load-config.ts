import { X0tError } from '@x0t/core'
import type { Decision } from '../dao/execution/decision.ts'
import { homeAt } from '../home.ts'
import { didYouMean } from './did-you-mean.ts'
import { formatEndpoint, isLoopback } from './endpoint.ts'
import type { RawValue } from './kind.ts'
import {
  isDerived,
  namedSettings,
  type DerivedDefaults,
  type NamedSetting,
  type NodeConfig,
} from './settings.ts'
import { parseConfigFile } from './toml-file.ts'

/** Where a value came from; `at` is the flag, the variable, the proposal that was voted on, or file and line. */
export interface Origin {
  readonly source: 'flag' | 'env' | 'vote' | 'file' | 'default'
  readonly at: string
}

/** A setting's raw value with its origin, as `x0t config show` lists it. */
export interface ConfigEntry {
  readonly key: string
  readonly value: RawValue
  readonly origin: Origin
  /** Of a vote: what would hold without it. */
  readonly beneath?: { readonly value: RawValue; readonly origin: Origin }
}

export interface LoadedConfig {
  readonly config: NodeConfig
  readonly entries: readonly ConfigEntry[]
  /** By key of the file: `network.listen`. */
  readonly origins: Readonly<Record<string, Origin>>
  /** What is allowed but worth a second look. */
  readonly warnings: readonly string[]
}

export interface ConfigSources {
  /** Folder of the node; the file is `config.toml` in it. */
  readonly home: string
  /** Values by key of the file; a list stands for a repeated flag. */
  readonly flags?: Readonly<Record<string, string | readonly string[]>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Text of a file, or undefined where there is none. */
  readFile(path: string): Promise<string | undefined>
  /** Default of `node.name`. */
  readonly hostname?: string
  /** What votes have set, from `readDecisions`. */
  readonly decisions?: readonly Decision[]
}

/**
 * Reads, merges and checks the configuration: flag, then environment, then vote, then file, then default. Touches
 * nothing else. A vote stands above the file; who starts a node by hand stands above the vote, and is told so.
 * @throws X0tError CONFIG_INVALID that lists every problem with its place
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const { loaded, problems } = await inspectConfig(sources)
  if (loaded === undefined) {
    throw new X0tError('CONFIG_INVALID', `the configuration does not hold:\n  ${problems.join('\n  ')}`, {
      hint: 'x0t config check, x0t help config',
    })
  }
  return loaded
}

/** As {@link loadConfig}, but returns the problems. */
export async function inspectConfig(
  sources: ConfigSources,
): Promise<{ readonly loaded?: LoadedConfig; readonly problems: readonly string[] }> {
  const problems: string[] = []
  const warnings: string[] = []
  const given = new Map<string, { raw: unknown; origin: Origin }>()
  await fromFile(sources, given, problems)
  const beneath = fromVotes(sources.decisions ?? [], given, warnings)
  fromEnvironment(sources.env ?? {}, given, warnings)
  fromFlags(sources.flags ?? {}, given, problems)
  warnings.push(...overruledVotes(sources.decisions ?? [], given))

  const derived: DerivedDefaults = {
    hostname: nameOfHost(sources.hostname ?? 'node'),
    socket: homeAt(sources.home).socketFile,
  }
  const config: Record<string, Record<string, unknown>> = {}
  const entries: ConfigEntry[] = []
  for (const named of namedSettings) {
    const { raw, origin } = given.get(named.key) ?? { raw: defaultOf(named, derived), origin: defaultOrigin }
    const parsed = named.setting.kind.schema.safeParse(raw)
    if (!parsed.success) {
      const what = `${named.key} = ${JSON.stringify(raw)?.slice(0, 120)}`
      const reason = parsed.error.issues[0]!.message
      problems.push(`${place(origin, what)}: expected ${reason}`)
      continue
    }
    ;(config[named.group] ??= {})[named.field] = parsed.data
    const lower = origin.source === 'vote' ? beneath.get(named.key) : undefined
    const { raw: value, origin: lowerOrigin } = lower ?? {
      raw: defaultOf(named, derived),
      origin: defaultOrigin,
    }
    entries.push({
      key: named.key,
      value: raw as RawValue,
      origin,
      ...(origin.source === 'vote' ? { beneath: { value: value as RawValue, origin: lowerOrigin } } : {}),
    })
  }
  if (problems.length > 0) return { problems }
  const checked = config as unknown as NodeConfig
  warnings.push(...doubtsAbout(checked))
  const origins = Object.fromEntries(entries.map((entry) => [entry.key, entry.origin]))
  return { loaded: { config: checked, entries, origins, warnings }, problems }
}

const defaultOrigin: Origin = { source: 'default', at: '' }
const byKey = new Map(namedSettings.map((named) => [named.key, named]))
const sections = [...new Set(namedSettings.map((named) => named.section))]
type Given = Map<string, { raw: unknown; origin: Origin }>

async function fromFile(sources: ConfigSources, given: Given, problems: string[]): Promise<void> {
  const path = homeAt(sources.home).configFile
  const text = await sources.readFile(path)
  if (text === undefined) return
  const content = parseConfigFile(text)
  if (content.kind === 'broken') {
    problems.push(`${path}:${content.line}: ${content.problem}`)
    return
  }
  for (const { section, key, value, line } of content.entries) {
    const at = line === 0 ? path : `${path}:${line}`
    const named = byKey.get(`${section}.${key}`)
    if (named !== undefined) given.set(named.key, { raw: value, origin: { source: 'file', at } })
    else if (!sections.includes(section)) {
      const word = section === '' ? key : section
      const what = section === '' ? `key ${key} outside of a section` : `section [${section}]`
      problems.push(`${at}: unknown ${what}${meant(word, sections)}`)
    } else if (key !== '') {
      const keys = namedSettings.filter((one) => one.section === section).map((one) => one.fileKey)
      problems.push(`${at}: unknown key ${section}.${key}${meant(key, keys)}`)
    }
  }
}

/** @returns what the file says where a vote says something else */
function fromVotes(decisions: readonly Decision[], given: Given, warnings: string[]): Given {
  const beneath: Given = new Map()
  for (const { kind, key, value, proposal } of decisions) {
    if (kind !== 'config') continue
    const named = byKey.get(key)
    if (named === undefined || !named.setting.kind.schema.safeParse(value).success) {
      warnings.push(
        `the decision about ${key} does not fit this version of x0t and is left out (${proposal})`,
      )
      continue
    }
    const before = given.get(key)
    if (before !== undefined && before.origin.source !== 'vote') beneath.set(key, before)
    given.set(key, { raw: value, origin: { source: 'vote', at: proposal } })
  }
  return beneath
}

/** Votes that a flag or a variable of this machine stands against. */
function overruledVotes(decisions: readonly Decision[], given: Given): string[] {
  return decisions.flatMap(({ kind, key, value, proposal }) => {
    const origin = given.get(key)?.origin
    const isOverruled = kind === 'config' && (origin?.source === 'flag' || origin?.source === 'env')
    return isOverruled
      ? [`${origin.at} overrules a vote: ${key} = ${String(value)} was decided (${proposal})`]
      : []
  })
}

function fromEnvironment(env: NonNullable<ConfigSources['env']>, given: Given, warnings: string[]): void {
  for (const named of namedSettings) {
    const text = env[named.variable]
    if (text === undefined || text === '') continue
    given.set(named.key, {
      raw: named.setting.kind.fromText(text),
      origin: { source: 'env', at: named.variable },
    })
  }
  const variables = namedSettings.map((named) => named.variable)
  for (const name of Object.keys(env)) {
    const isOurs = sections.some((section) => name.startsWith(`X0T_${section.toUpperCase()}_`))
    if (!isOurs || variables.includes(name)) continue
    warnings.push(`the environment variable ${name} is unknown and ignored${meant(name, variables)}`)
  }
}

function fromFlags(flags: NonNullable<ConfigSources['flags']>, given: Given, problems: string[]): void {
  for (const [key, value] of Object.entries(flags)) {
    const named = byKey.get(key)
    if (named === undefined) {
      problems.push(`--set ${key}: unknown setting${meant(key, [...byKey.keys()])}`)
      continue
    }
    const { kind } = named.setting
    const texts = typeof value === 'string' ? [value] : value
    const raws = texts.map((text) => kind.fromText(text))
    const raw = kind.list ? raws.flat() : raws.at(-1)
    given.set(key, { raw, origin: { source: 'flag', at: named.setting.flag ?? `--set ${key}` } })
  }
}

function defaultOf(named: NamedSetting, derived: DerivedDefaults): RawValue {
  const { fallback } = named.setting
  return isDerived(fallback) ? derived[fallback.derived] : fallback
}

function nameOfHost(hostname: string): string {
  const name = hostname.replaceAll(/[^A-Za-z0-9.-]/g, '-').replace(/^[.-]+/, '')
  return name === '' ? 'node' : name.slice(0, 63)
}

function place(origin: Origin, what: string): string {
  return origin.source === 'default' ? `default ${what}` : `${origin.at}: ${what}`
}

function meant(word: string, candidates: readonly string[]): string {
  const near = didYouMean(word, candidates)
  return near === undefined ? '' : `; did you mean ${near}?`
}

/** Settings that are allowed but open a door or do nothing. */
function doubtsAbout(config: NodeConfig): string[] {
  const doubts: string[] = []
  const { http, network, tunnel, probe } = config
  if (http.listen !== 'off' && !isLoopback(http.listen.host)) {
    doubts.push(
      `http.listen = ${formatEndpoint(http.listen)} shows the state of the mesh to anyone who reaches it`,
    )
  }
  if (network.listen.length === 0) doubts.push('network.listen is empty: no member can connect to this node')
  if (network.listen.every((one) => isLoopback(one.host)) && network.listen.length > 0) {
    doubts.push('network.listen has loopback addresses only: members on other machines cannot connect')
  }
  if (tunnel.enabled === false)
    doubts.push('tunnel.enabled = false: this node only relays, it has no interface')
  if (probe.intervalMs !== 'auto' && probe.intervalMs * probe.misses < 20) {
    doubts.push(
      'probe.interval_ms × probe.misses is below 20 ms: a busy machine will see links fail that do not',
    )
  }
  return doubts
}
