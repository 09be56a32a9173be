import type { RecordId } from '@x0t/dao'
import { namedSettings, type ConfigEntry, type LoadedConfig, type RawValue } from '../../config/index.ts'
import type { Decision } from './decision.ts'
import type { SettingsTarget } from './ports.ts'

/** A setting that can change while the node runs. */
export interface LiveSetting {
  apply(value: RawValue): void
  /** What the node works with. */
  read(): RawValue
}

/** A setting as the node runs with it, and what a vote lets it be from the next start on. */
export interface RunningSetting extends ConfigEntry {
  readonly next?: { readonly value: RawValue; readonly proposal: string | null }
}

export interface RunningSettings extends SettingsTarget {
  list(): readonly RunningSetting[]
}

/**
 * The settings of a running node: those it was started with, and what votes make of them. Flags and environment stand
 * above a vote, a vote above file and default.
 */
export function createRunningSettings({
  entries,
  live,
}: {
  readonly entries: LoadedConfig['entries']
  readonly live: Readonly<Record<string, LiveSetting>>
}): RunningSettings {
  const started = new Map(entries.map((entry) => [entry.key, entry]))
  for (const [key, setting] of Object.entries(live))
    if (!started.has(key))
      started.set(key, { key, value: setting.read(), origin: { source: 'default', at: '' } })
  const running = new Map<string, RunningSetting>(started)

  const settle = (entry: ConfigEntry, decision: Decision | undefined): void => {
    const { key, origin } = entry
    if (origin.source === 'flag' || origin.source === 'env') return
    const plain = entry.beneath ?? { value: entry.value, origin }
    const wanted: ConfigEntry =
      decision === undefined
        ? { key, ...plain }
        : {
            key,
            value: decision.value,
            origin: { source: 'vote', at: decision.proposal },
            beneath: plain,
          }
    const target = live[key]
    if (target !== undefined) {
      // A level that somebody has set by hand meanwhile is left alone until the decision is another one.
      if (isSame(key, running.get(key)?.value, wanted.value)) return void running.set(key, wanted)
      target.apply(wanted.value)
      running.set(key, wanted)
    } else if (isSame(key, entry.value, wanted.value)) running.set(key, wanted)
    else running.set(key, { ...entry, next: { value: wanted.value, proposal: decision?.proposal ?? null } })
  }

  return {
    decide(decisions) {
      const byKey = new Map(decisions.flatMap((one) => (one.kind === 'config' ? [[one.key, one]] : [])))
      for (const entry of started.values()) settle(entry, byKey.get(entry.key))
    },
    valueOf(key) {
      const entry = running.get(key)
      if (entry === undefined) return { value: '', origin: 'unknown', proposal: null }
      const read = live[key]?.read()
      // As it was written, where that is what the node works with: `24h`, not `1d`.
      const value = read === undefined || isSame(key, read, entry.value) ? entry.value : read
      const { source, at } = entry.origin
      return {
        value: String(value),
        origin: at === '' ? source : `${source} ${at}`,
        proposal: source === 'vote' ? (at as RecordId) : null,
      }
    },
    list: () => [...running.values()],
  }
}

/** Whether two ways to write a setting mean the same. */
function isSame(key: string, one: RawValue | undefined, other: RawValue): boolean {
  const schema = namedSettings.find((named) => named.key === key)?.setting.kind.schema
  const meaning = (raw: unknown): string => JSON.stringify(schema?.safeParse(raw).data ?? raw)
  return one !== undefined && meaning(one) === meaning(other)
}
