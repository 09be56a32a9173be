import { X0tError } from '@x0t/core'
import { choiceRoles, type Choice, type ChoiceRole } from '@x0t/dao/rules'

/** Choices of a proposal that names none. */
export const usualChoices: readonly Choice[] = [
  { label: 'yes', role: 'for' },
  { label: 'no', role: 'against' },
  { label: 'abstain', role: 'abstain' },
]

/** `LABEL` or `LABEL:ROLE`; a label alone is one of several options. */
export function parseChoice(text: string): Choice {
  const at = text.lastIndexOf(':')
  const role = text.slice(at + 1)
  if (at > 0 && isRole(role)) return { label: text.slice(0, at).trim(), role }
  return { label: text.trim(), role: 'option' }
}

function isRole(text: string): text is ChoiceRole {
  return (choiceRoles as readonly string[]).includes(text)
}

/**
 * The choice that a word names: its number (from 1), its label, or a beginning that fits one label only.
 * @throws X0tError DAO_CHOICE_UNKNOWN
 */
export function findChoice(word: string, choices: readonly Choice[]): number {
  const wanted = word.trim().toLowerCase()
  const labels = choices.map(({ label }) => label.toLowerCase())
  const exact = labels.indexOf(wanted)
  const number = /^[1-9]\d{0,3}$/.test(wanted) && Number(wanted) <= choices.length ? Number(wanted) - 1 : -1
  if (exact >= 0 && number >= 0 && exact !== number)
    throw unknown(`${JSON.stringify(word)} is the number of one choice and the label of another`, choices)
  if (exact >= 0) return exact
  if (number >= 0) return number
  const fitting = labels.flatMap((label, index) => (wanted !== '' && label.startsWith(wanted) ? [index] : []))
  if (fitting.length === 1) return fitting[0]!
  throw unknown(
    fitting.length === 0
      ? `there is no choice ${JSON.stringify(word)}`
      : `${JSON.stringify(word)} fits ${fitting.length} choices`,
    choices,
  )
}

function unknown(message: string, choices: readonly Choice[]): X0tError {
  const offered = choices.map(({ label }, index) => `${index + 1} ${label}`).join(', ')
  return new X0tError('DAO_CHOICE_UNKNOWN', message, { hint: `offered: ${offered}`, exitCode: 2 })
}
