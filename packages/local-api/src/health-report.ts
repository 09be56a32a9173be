import type { Health } from './schemas/health.ts'

/** What the node knows of its parts. */
export interface HealthFacts {
  readonly version: string
  /** Whether each component works, not whether it loads. */
  readonly components: Readonly<Record<string, boolean>>
  /** Versions of what the node stands on, such as node and openssl. */
  readonly dependencies: Readonly<Record<string, string>>
  readonly criticalIssues: readonly string[]
  readonly warnings: readonly string[]
}

/** The answer of `/health`: `ok` only if every component works and no issue is critical. */
export function healthReport(facts: HealthFacts): Health {
  const states = Object.values(facts.components)
  const active = states.filter(Boolean).length
  return {
    status: active === states.length && facts.criticalIssues.length === 0 ? 'ok' : 'degraded',
    version: facts.version,
    components: { ...facts.components },
    component_stats: {
      active,
      total: states.length,
      percentage: states.length === 0 ? 100 : Math.round((active / states.length) * 1000) / 10,
    },
    dependencies: { ...facts.dependencies },
    critical_issues: [...facts.criticalIssues],
    warnings: [...facts.warnings],
  }
}
