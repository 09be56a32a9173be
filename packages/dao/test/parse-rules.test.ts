import fc from 'fast-check'
import t from 'tap'
import {
  checkChoices,
  defaultRules,
  methods,
  parseChoices,
  parseRules,
  presetNames,
  rulesOfMethod,
  rulesPreset,
  supportMethods,
  type Choice,
} from '../src/index.ts'
import { motion, options } from './election.ts'

const withField = (field: string, value: unknown): unknown => ({ ...defaultRules, [field]: value })

t.test('the rules of every preset and method are complete and agree with each other', (t) => {
  for (const name of presetNames)
    t.same(parseRules(structuredClone(rulesPreset(name))), rulesPreset(name), name)
  for (const method of methods) {
    t.same(parseRules(rulesOfMethod(method, 'plurality')).method, method)
    if (supportMethods.includes(method)) t.same(parseRules(rulesOfMethod(method, 'support')).method, method)
    else t.throws(() => parseRules(rulesOfMethod(method, 'support')), { code: 'DAO_RULES_INVALID' })
  }
  t.same(rulesPreset('x0tta6bl4'), defaultRules)
  t.throws(() => rulesPreset('toString'), { code: 'DAO_PRESET_UNKNOWN' })
  t.throws(() => rulesOfMethod('quadratic' as never, 'support'), RangeError)
  t.end()
})

t.test('a field that is missing, unknown or of another kind is named', (t) => {
  for (const field of Object.keys(defaultRules)) {
    const { [field as keyof typeof defaultRules]: _, ...rest } = defaultRules
    t.throws(() => parseRules(rest), {
      code: 'DAO_RULES_INVALID',
      message: new RegExp(`^rules\\.${field} is missing`),
    })
  }
  const bad: readonly (readonly [field: string, value: unknown, code?: string])[] = [
    ['method', 'quadratic'],
    ['method', 1],
    ['decimals', 19],
    ['decimals', -1],
    ['decimals', 1.5],
    ['decimals', '9'],
    ['split', 'linear2'],
    ['closesEarly', 'yes'],
    ['lateQuorumMs', 0],
    ['lateQuorumMs', 1e12],
    ['tiebreak', 'coin'],
    ['decides', 'dictator'],
    ['surprise', 1],
    ['budget', {}],
    ['budget', { kind: 'balance', credits: '1' }],
    ['support', null],
    ['support', { threshold: '1/2', isStrict: true }],
    ['support', { threshold: '1/1', isStrict: true, base: 'cast' }],
    ['support', { threshold: 0.5, isStrict: true, base: 'cast' }, 'DAO_FRACTION_INVALID'],
    ['quorum', { unit: 'people', counts: ['for'], share: '1/2' }],
    ['quorum', { unit: 'tokens', counts: [], share: '1/2' }],
    ['quorum', { unit: 'tokens', counts: ['for', 'for'], share: '1/2' }],
    ['quorum', { unit: 'tokens', counts: ['option'], share: '1/2' }],
    ['quorum', { unit: 'tokens', counts: ['maybe'], share: '1/2' }],
    ['quorum', { unit: 'tokens', counts: ['for'] }],
    ['quorum', { unit: 'tokens', counts: ['for'], share: '1/2', amount: '1' }],
    ['quorum', { unit: 'tokens', counts: ['for'], share: '50%' }, 'DAO_FRACTION_INVALID'],
    ['quorum', { unit: 'tokens', counts: ['for'], amount: '-1' }, 'DAO_AMOUNT_INVALID'],
    ['quorum', { unit: 'tokens', counts: ['for'], share: '1/2', roundsDown: false }],
    ['quorum', { unit: 'weight', counts: ['for'], share: '1/2', roundsDown: true }],
    ['quorum', { unit: 'tokens', counts: ['for'], share: '1/2', extra: 1 }],
  ]
  for (const [field, value, code = 'DAO_RULES_INVALID'] of bad) {
    t.throws(() => parseRules(withField(field, value)), { code }, `${field} ${JSON.stringify(value)}`)
  }
  for (const value of [null, [], 'rules', 1]) t.throws(() => parseRules(value), { code: 'DAO_RULES_INVALID' })
  t.end()
})

t.test('fields that contradict each other are refused', (t) => {
  const plurality = rulesOfMethod('linear', 'plurality')
  const bad: readonly unknown[] = [
    { ...plurality, split: 'linear' },
    { ...plurality, budget: { kind: 'balance' } },
    { ...plurality, support: defaultRules.support },
    { ...plurality, lateQuorumMs: 1000 },
    { ...plurality, quorum: { unit: 'tokens', counts: ['for'], share: '1/2' } },
    { ...rulesOfMethod('quadratic-credits', 'plurality'), budget: null },
    { ...defaultRules, tiebreak: 'choice-order' },
  ]
  for (const rules of bad) t.throws(() => parseRules(rules), { code: 'DAO_RULES_INVALID' })
  const credits = rulesOfMethod('quadratic-credits', 'plurality')
  t.same(parseRules({ ...credits, budget: { kind: 'fixed', credits: '9', isWeighted: true } }).budget, {
    kind: 'fixed',
    credits: '9',
    isWeighted: true,
  })
  t.throws(() => parseRules({ ...credits, budget: { kind: 'fixed', credits: '0' } }), {
    code: 'DAO_AMOUNT_ZERO',
  })
  t.throws(() => parseRules({ ...credits, budget: { kind: 'fixed', credits: '9', isWeighted: 0 } }), {
    code: 'DAO_RULES_INVALID',
  })
  t.end()
})

t.test('whatever comes is rules or an error with a code', (t) => {
  const fields = fc.record(
    Object.fromEntries(
      Object.entries(defaultRules).map(([key, value]) => [key, fc.oneof(fc.constant(value), fc.anything())]),
    ),
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fields), (value) => {
      try {
        const rules = parseRules(value)
        parseRules(rules)
      } catch (error) {
        return error instanceof Error && 'code' in error && String(error.code).startsWith('DAO_')
      }
      return true
    }),
    { seed: 11, numRuns: 500 },
  )
  t.end()
})

t.test('choices have distinct readable labels and roles that the rules can decide on', (t) => {
  t.same(parseChoices(structuredClone(motion)), motion)
  const choice = (label: unknown, role: unknown = 'option'): unknown => ({ label, role })
  const bad: readonly unknown[] = [
    null,
    [],
    [choice('a')],
    [choice('a'), choice('a')],
    [choice('a'), choice('')],
    [choice('a'), choice(' b')],
    [choice('a'), choice('b\nc')],
    [choice('a'), choice('b\u202ec')],
    [choice('a'), choice('x'.repeat(201))],
    [choice('a'), choice(1)],
    [choice('a'), choice('b', 'maybe')],
    [choice('a'), { label: 'b', role: 'option', x: 1 }],
    Array.from({ length: 257 }, (_, i) => choice(`c${i}`)),
  ]
  for (const value of bad) t.throws(() => parseChoices(value), { code: 'DAO_CHOICES_INVALID' })
  checkChoices(motion, defaultRules)
  checkChoices(motion.slice(0, 2), defaultRules)
  const plurality = rulesOfMethod('linear', 'plurality')
  checkChoices([...options(2), motion[2]!], plurality)
  const unfit: readonly (readonly [readonly Choice[], typeof defaultRules])[] = [
    [options(2), defaultRules],
    [[motion[0]!, motion[0]!, motion[1]!], defaultRules],
    [[motion[0]!, motion[2]!], defaultRules],
    [[...motion, motion[2]!], defaultRules],
    [motion, plurality],
    [[options(1)[0]!, motion[2]!], plurality],
    [[...options(2), motion[2]!], rulesOfMethod('ranked-choice', 'plurality')],
  ]
  for (const [choices, rules] of unfit)
    t.throws(() => checkChoices(choices, rules), { code: 'DAO_CHOICES_INVALID' })
  t.end()
})
