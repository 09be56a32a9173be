import { shown } from './exact/amount.ts'
import { invalidField, readFields, readList } from './plain-object.ts'
import { choiceRoles, type Choice, type ChoiceRole, type Rules } from './rules.ts'

/** Choices of one proposal, at most. */
export const mostChoices = 256
const longestLabel = 200
const code = 'DAO_CHOICES_INVALID'

/**
 * The choices of a proposal from decoded JSON or CBOR: 2 to 256, labels of 1 to 200 characters, each once.
 * @throws X0tError DAO_CHOICES_INVALID
 */
export function parseChoices(value: unknown, path = 'choices'): readonly Choice[] {
  const labels = new Set<string>()
  return readList(value, path, { code, from: 2, to: mostChoices }).map((entry, index) => {
    const fields = readFields(entry, `${path}[${index}]`, code)
    const label = fields.get('label')
    const role = fields.oneOf('role', choiceRoles)
    fields.end()
    if (typeof label !== 'string' || !isLabel(label)) {
      throw invalidField(
        code,
        `${path}[${index}].label`,
        `is ${shown(label)}, not 1 to ${longestLabel} characters`,
      )
    }
    if (labels.has(label))
      throw invalidField(code, `${path}[${index}].label`, `is there twice: ${shown(label)}`)
    labels.add(label)
    return { label, role }
  })
}

// No control characters and no marks that turn the direction of text: a label must look like what it is.
function isLabel(label: string): boolean {
  return (
    /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u.test(label) && label.trim() === label && label.length <= longestLabel
  )
}

/**
 * Refuses choices that the rules cannot decide on. `support` needs one choice for, one against, and may have one to
 * abstain; `plurality` needs two options and may have one to abstain.
 * @throws X0tError DAO_CHOICES_INVALID
 */
export function checkChoices(choices: readonly Choice[], rules: Rules): void {
  const countOf = (role: ChoiceRole): number => choices.filter((choice) => choice.role === role).length
  const fits =
    rules.decides === 'support'
      ? countOf('for') === 1 && countOf('against') === 1 && countOf('option') === 0
      : countOf('option') >= 2 && countOf('for') === 0 && countOf('against') === 0
  // In a ranking there is nothing to abstain from: what is left out is below all.
  const mostAbstain = rules.method === 'ranked-choice' ? 0 : 1
  if (fits && countOf('abstain') <= mostAbstain && choices.length <= mostChoices) return
  throw invalidField(
    code,
    'choices',
    `do not fit rules that decide by ${rules.decides}`,
    rules.decides === 'support'
      ? 'one choice has the role for, one against, at most one abstain'
      : 'two or more choices have the role option, at most one abstain',
  )
}
