/** A number of the policy: its default, its bounds and what it means. */
export interface PolicyNumber {
  readonly fallback: number
  readonly from: number
  readonly to: number
  readonly unit: '%' | 'ms' | 's' | 'MiB' | 'count' | 'ratio'
  readonly help: string
  /** May be moved by what is learnt, up to 10 % to either side of the value set. */
  readonly learns?: boolean
}

function number(
  unit: PolicyNumber['unit'],
  [fallback, from, to]: readonly [number, number, number],
  help: string,
  learns = false,
): PolicyNumber {
  return { fallback, from, to, unit, help, learns }
}

/** Every number of the policy by its key: thresholds of the sensors, limits of the loop, and what each action may do. */
export const policyNumbers = {
  'thresholds.cpu_percent': number('%', [80, 1, 99], 'processor time in use on this host'),
  'thresholds.memory_percent': number('%', [90, 1, 99], 'memory in use on this host'),
  'thresholds.loss_percent': number('%', [5, 0.1, 50], 'datagrams lost on a link, one direction', true),
  'thresholds.latency_ms': number('ms', [100, 10, 5000], 'round trip of a link above its best', true),
  'thresholds.stall_ms': number('ms', [200, 20, 10_000], 'time for which this process was not scheduled'),
  'thresholds.flaps_per_minute': number('count', [2, 1, 60], 'times a link goes down in a minute'),
  'thresholds.session_failures': number('count', [1, 1, 20], 'failed attempts in a row at one session'),
  'thresholds.refusals_per_minute': number('count', [30, 1, 10_000], 'connections refused in a minute'),
  'thresholds.certificate_left_percent': number('%', [20, 1, 49], "life left of this node's certificate"),
  'thresholds.clock_jump_ms': number('ms', [1000, 100, 3_600_000], 'jump of the wall clock'),
  'thresholds.disk_free_mib': number('MiB', [64, 1, 65_536], 'free space where the home lies'),
  'limits.check_interval_s': number('s', [5, 1, 3600], 'between two looks at what tells no changes itself'),
  'limits.actions_per_minute': number('count', [10, 1, 10], 'actions within 60 s, of all kinds'),
  'limits.cooldown_s': number('s', [30, 1, 3600], 'after an action, before the next on the same thing'),
  'limits.retry_after_s': number('s', [60, 5, 86_400], 'until actions that failed are tried again'),
  'limits.breaker_failures': number('count', [5, 1, 100], 'failed actions in a row that open the breaker'),
  'limits.breaker_open_s': number('s', [300, 10, 86_400], 'for which an open breaker stops all actions'),
  ...ofAction('reroute', { perMinute: 6, afterMs: 2000, verifyMs: 10_000, minConfidence: 0.5 }),
  ...ofAction('restart-session', { perMinute: 6, afterMs: 0, verifyMs: 15_000, minConfidence: 0.5 }),
  ...ofAction('redial', { perMinute: 6, afterMs: 3000, verifyMs: 15_000, minConfidence: 0.4 }),
  ...ofAction('renew-svid', { perMinute: 2, afterMs: 0, verifyMs: 30_000, minConfidence: 0.5 }),
  ...ofAction('rekey', { perMinute: 3, afterMs: 0, verifyMs: 15_000, minConfidence: 0.5 }),
  ...ofAction('restart-subsystem', { perMinute: 2, afterMs: 0, verifyMs: 20_000, minConfidence: 0.9 }),
  ...ofAction('quarantine-neighbour', { perMinute: 1, afterMs: 5000, verifyMs: 15_000, minConfidence: 0.7 }),
  ...ofAction('rollback-config', { perMinute: 2, afterMs: 0, verifyMs: 30_000, minConfidence: 0.5 }),
} as const satisfies Readonly<Record<string, PolicyNumber>>

export type NumberKey = keyof typeof policyNumbers
export const numberKeys = Object.keys(policyNumbers) as readonly NumberKey[]

function ofAction<Name extends string>(
  name: Name,
  defaults: {
    readonly perMinute: number
    readonly afterMs: number
    readonly verifyMs: number
    readonly minConfidence: number
  },
): Readonly<
  Record<`actions.${Name}.${'per_minute' | 'after_ms' | 'verify_within_ms' | 'min_confidence'}`, PolicyNumber>
> {
  const { perMinute, afterMs, verifyMs, minConfidence } = defaults
  return {
    [`actions.${name}.per_minute`]: number('count', [perMinute, 0, 10], `${name} within 60 s; 0: never`),
    [`actions.${name}.after_ms`]: number(
      'ms',
      [afterMs, 0, 600_000],
      `for which trouble may pass by itself before ${name}`,
    ),
    [`actions.${name}.verify_within_ms`]: number(
      'ms',
      [verifyMs, 1000, 600_000],
      `until ${name} has failed if the sensor is not quiet`,
    ),
    [`actions.${name}.min_confidence`]: number(
      'ratio',
      [minConfidence, 0, 1],
      `least confidence in the diagnosis for ${name}`,
    ),
  } as never
}
