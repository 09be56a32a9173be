import { parseAmount } from './exact/amount.ts'
import { parseFraction } from './exact/fraction.ts'
import { invalidField, readFields, readList, type FieldReader } from './plain-object.ts'
import { choiceRoles, methods, quorumUnits, type ChoiceRole, type Method, type Rules } from './rules.ts'

const code = 'DAO_RULES_INVALID'

/** Methods in which choices can be for, against and abstain; the others ask which of several. */
export const supportMethods: readonly Method[] = [
  'quadratic-weight',
  'quadratic-credits',
  'quadratic-funding',
  'linear',
  'weighted',
]

const yearMs = 366 * 24 * 3_600_000

/**
 * The rules of a proposal from decoded JSON or CBOR, complete and without contradictions.
 * @throws X0tError DAO_RULES_INVALID, DAO_AMOUNT_INVALID, DAO_AMOUNT_ZERO, DAO_FRACTION_INVALID, each naming the field
 */
export function parseRules(value: unknown, path = 'rules'): Rules {
  const fields = readFields(value, path, code)
  const method = fields.oneOf('method', methods)
  const decides = fields.oneOf('decides', ['support', 'plurality'])
  const rules: Rules = {
    method,
    decimals: fields.integer('decimals', 0, 18),
    split: fields.oneOf('split', ['none', 'linear']),
    budget: parseBudget(fields.get('budget'), `${path}.budget`),
    decides,
    support: parseSupport(fields.get('support'), `${path}.support`),
    quorum: parseQuorum(fields.get('quorum'), `${path}.quorum`),
    tiebreak: fields.oneOf('tiebreak', ['none', 'choice-order', 'certificate-hash']),
    closesEarly: fields.boolean('closesEarly'),
    lateQuorumMs: fields.get('lateQuorumMs') === null ? null : fields.integer('lateQuorumMs', 1, yearMs),
  }
  fields.end()
  for (const [field, holds, why] of agreements(rules)) {
    if (!holds) throw invalidField(code, `${path}.${field}`, why)
  }
  return rules
}

/** What fields must agree on with each other. */
function agreements(rules: Rules): readonly (readonly [field: string, holds: boolean, why: string])[] {
  const { method, decides, support, quorum } = rules
  const isCredits = method === 'quadratic-credits'
  const roles: readonly ChoiceRole[] =
    decides === 'support' ? ['for', 'against', 'abstain'] : ['option', 'abstain']
  return [
    ['split', rules.split === 'none' || method === 'quadratic-weight', 'linear is for quadratic-weight only'],
    [
      'budget',
      (rules.budget !== null) === isCredits,
      'is what quadratic-credits needs and others do not have',
    ],
    [
      'decides',
      decides === 'plurality' || supportMethods.includes(method),
      `cannot be support with ${method}`,
    ],
    ['support', (support !== null) === (decides === 'support'), 'is there exactly where it decides'],
    ['support', !canNeverPass(support), 'above the whole can never be reached'],
    [
      'quorum.counts',
      quorum?.counts.every((role) => roles.includes(role)) ?? true,
      `takes ${roles.join(', ')} here`,
    ],
    ['quorum.unit', !(quorum && 'roundsDown' in quorum && quorum.unit === 'weight'), 'weight is not rounded'],
    [
      'tiebreak',
      rules.tiebreak === 'none' || decides === 'plurality',
      'is for plurality: a tied motion is defeated',
    ],
    ['lateQuorumMs', rules.lateQuorumMs === null || quorum !== null, 'needs a quorum'],
  ]
}

function canNeverPass(support: Rules['support']): boolean {
  if (!support?.isStrict) return false
  const { numerator, denominator } = parseFraction(support.threshold, 'rules.support.threshold')
  return numerator === denominator
}

function parseBudget(value: unknown, path: string): Rules['budget'] {
  if (value === null) return null
  const fields = readFields(value, path, code)
  const kind = fields.oneOf('kind', ['fixed', 'balance'])
  if (kind === 'balance') {
    fields.end()
    return { kind }
  }
  const credits = parseAmount(fields.get('credits'), `${path}.credits`, { allowsZero: false }).toString()
  const isWeighted = optionalTrue(fields, 'isWeighted')
  fields.end()
  return isWeighted ? { kind, credits, isWeighted } : { kind, credits }
}

/** A field that is true or is not there, so that the same rules have one encoding. */
function optionalTrue(fields: FieldReader, key: string): true | undefined {
  if (!fields.has(key)) return undefined
  if (fields.get(key) === true) return true
  throw invalidField(code, `${fields.path}.${key}`, 'is true or is not there')
}

function parseSupport(value: unknown, path: string): Rules['support'] {
  if (value === null) return null
  const fields = readFields(value, path, code)
  const threshold = fields.get('threshold')
  parseFraction(threshold, `${path}.threshold`)
  const support = {
    threshold: threshold as string,
    isStrict: fields.boolean('isStrict'),
    base: fields.oneOf('base', ['for+against', 'cast']),
  }
  fields.end()
  return support
}

function parseQuorum(value: unknown, path: string): Rules['quorum'] {
  if (value === null) return null
  const fields = readFields(value, path, code)
  const unit = fields.oneOf('unit', quorumUnits)
  const counts = readList(fields.get('counts'), `${path}.counts`, {
    code,
    from: 1,
    to: choiceRoles.length,
  }).map((role) => {
    const known = choiceRoles.find((word) => word === role)
    if (!known) throw invalidField(code, `${path}.counts`, `takes ${choiceRoles.join(', ')}`)
    return known
  })
  if (new Set(counts).size < counts.length) throw invalidField(code, `${path}.counts`, 'names a role twice')
  if (fields.has('share') === fields.has('amount')) {
    throw invalidField(code, path, 'has either a share or an amount')
  }
  if (fields.has('amount')) {
    const amount = parseAmount(fields.get('amount'), `${path}.amount`).toString()
    fields.end()
    return { unit, counts, amount }
  }
  const share = fields.get('share')
  parseFraction(share, `${path}.share`)
  const roundsDown = optionalTrue(fields, 'roundsDown')
  fields.end()
  const quorum = { unit, counts, share: share as string }
  return roundsDown ? { ...quorum, roundsDown } : quorum
}
