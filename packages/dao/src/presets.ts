import { X0tError } from '@x0t/core'
import { methods, type Method, type Rules } from './rules.ts'

/**
 * Rules of a motion unless a DAO says otherwise: x0tta6bl4's own (`src/dao/governance.py`). The weight of a member is
 * the root of its tokens; half of the electorate's weight must vote; more than half of what is cast must be for.
 */
export const defaultRules: Rules = {
  method: 'quadratic-weight',
  decimals: 9,
  split: 'none',
  budget: null,
  decides: 'support',
  support: { threshold: '1/2', isStrict: true, base: 'cast' },
  quorum: { unit: 'weight', counts: ['for', 'against', 'abstain'], share: '1/2' },
  tiebreak: 'none',
  closesEarly: false,
  lateQuorumMs: null,
}

const plurality: Rules = { ...defaultRules, decides: 'plurality', support: null, quorum: null }
const majority: Rules = {
  ...defaultRules,
  method: 'linear',
  support: { threshold: '1/2', isStrict: true, base: 'for+against' },
}

/** Rules of other systems, under their names (the note on each says where it differs). */
const presets = {
  x0tta6bl4: defaultRules,
  /** Governor with GovernorCountingSimple, GovernorVotesQuorumFraction(4) and no late extension. */
  'openzeppelin-governor': {
    ...majority,
    quorum: { unit: 'tokens', counts: ['for', 'abstain'], share: '4/100', roundsDown: true },
  },
  /** GovernorBravoDelegate: for > against, and 400,000 COMP (18 decimals) for. */
  'compound-bravo': {
    ...majority,
    quorum: { unit: 'tokens', counts: ['for'], amount: '400000000000000000000000' },
  },
  /** TokenVoting with support above 50 % and participation of at least 10 %. */
  aragon: {
    ...majority,
    quorum: { unit: 'tokens', counts: ['for', 'against', 'abstain'], share: '10/100' },
  },
  'snapshot-basic': { ...majority, quorum: null },
  'snapshot-single-choice': { ...plurality, method: 'linear' },
  'snapshot-approval': { ...plurality, method: 'approval' },
  'snapshot-weighted': { ...plurality, method: 'weighted' },
  /** What Snapshot calls quadratic is the formula of quadratic funding. */
  'snapshot-quadratic': { ...plurality, method: 'quadratic-funding' },
  /** Snapshot breaks no tie; the order in which it eliminates is ours as well. */
  'snapshot-ranked-choice': { ...plurality, method: 'ranked-choice' },
  /** MACI in `EMode.QV` with 100 voice credits for each that signed up. */
  'maci-quadratic': { ...plurality, method: 'quadratic-credits', budget: { kind: 'fixed', credits: '100' } },
  /** Vocdoni with `costExponent: 2` and `costFromWeight`. */
  'vocdoni-quadratic': { ...plurality, method: 'quadratic-credits', budget: { kind: 'balance' } },
  /** RadicalxChange: 99 credits, votes for and against. */
  radicalxchange: { ...plurality, method: 'quadratic-credits', budget: { kind: 'fixed', credits: '99' } },
  /** Belenios with homomorphic counting of yes and no for each answer: each voter has one token. */
  'belenios-approval': { ...plurality, method: 'approval' },
} as const satisfies Readonly<Record<string, Rules>>

export type PresetName = keyof typeof presets
export const presetNames = Object.keys(presets) as readonly PresetName[]

/** The rules of a system by its name. @throws X0tError DAO_PRESET_UNKNOWN */
export function rulesPreset(name: string): Rules {
  if (Object.hasOwn(presets, name)) return presets[name as PresetName]
  throw new X0tError('DAO_PRESET_UNKNOWN', `there are no rules named ${JSON.stringify(name.slice(0, 60))}`, {
    hint: `known are ${presetNames.join(', ')}`,
    exitCode: 2,
  })
}

/** The rules that a method has if nothing else is said: a motion where it can be one, else the choice with most. */
export function rulesOfMethod(method: Method, decides: Rules['decides']): Rules {
  if (!methods.includes(method)) throw new RangeError(`no method ${method}`)
  const rules = decides === 'support' ? defaultRules : plurality
  return { ...rules, method, budget: method === 'quadratic-credits' ? { kind: 'balance' } : null }
}
