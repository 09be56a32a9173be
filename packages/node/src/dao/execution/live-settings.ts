import type { Sessions } from '@x0t/session'
import { formatDurationMs, parseDurationMs, type NodeConfig } from '../../config/index.ts'
import type { LiveSetting } from './running-settings.ts'

type Level = NodeConfig['node']['logLevel']

/** The settings that take effect while a node runs, each with how it is changed and read back. */
export function liveSettings({
  log,
  sessions,
  svidTtl,
  config,
}: {
  readonly log: { level?(): string; setLevel?(level: Level): void }
  readonly sessions: Pick<Sessions, 'setLifetime' | 'lifetime'>
  /** Lifetime of certificates that this node issues, ms. */
  readonly svidTtl: { read(): number; write(ttlMs: number): void }
  readonly config: NodeConfig
}): Readonly<Record<string, LiveSetting>> {
  return {
    'node.log_level': {
      apply: (value) => log.setLevel?.(value as Level),
      read: () => log.level?.() ?? config.node.logLevel,
    },
    'session.renew_seconds': {
      apply: (value) => sessions.setLifetime(lifetimeOf(Number(value))),
      read: () => sessions.lifetime.renewAfterMs / 1000,
    },
    'identity.svid_ttl': {
      apply: (value) => svidTtl.write(parseDurationMs(String(value))),
      read: () => formatDurationMs(svidTtl.read()),
    },
  }
}

/** Sessions end half as long again after they should have been renewed. */
export function lifetimeOf(renewSeconds: number): {
  readonly renewAfterMs: number
  readonly expireAfterMs: number
} {
  return { renewAfterMs: renewSeconds * 1000, expireAfterMs: renewSeconds * 1500 }
}
