/** How figures of a unit are compared. */
export interface UnitRule {
  readonly better: 'lower' | 'higher'
  /** A smaller change of the median is never a regression, whatever its share. */
  readonly floor: number
}

const rules: Readonly<Record<string, UnitRule>> = {
  ms: { better: 'lower', floor: 0.1 },
  µs: { better: 'lower', floor: 0.5 },
  s: { better: 'lower', floor: 0.05 },
  's/GB': { better: 'lower', floor: 0.1 },
  packets: { better: 'lower', floor: 1 },
  requests: { better: 'lower', floor: 1 },
  count: { better: 'lower', floor: 1 },
  '%': { better: 'lower', floor: 0.5 },
  MiB: { better: 'lower', floor: 2 },
  'MiB/h': { better: 'lower', floor: 1 },
  'Mbit/s': { better: 'higher', floor: 1 },
  'packets/s': { better: 'higher', floor: 100 },
  'records/s': { better: 'higher', floor: 10 },
  'responses/s': { better: 'higher', floor: 1 },
}

/** Results that tell what was done, not how well it went: the load that was asked, the faults that were injected. */
const described = /^(faults|loss-injected\/|rate-sent\/|generator-late\/|held-back\/)/

/** The rule of a result; undefined where neither direction is better, or the unit is not known. */
export function ruleOf(name: string, unit: string): UnitRule | undefined {
  return described.test(name) || !Object.hasOwn(rules, unit) ? undefined : rules[unit]
}
