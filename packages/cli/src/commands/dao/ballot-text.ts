import { X0tError } from '@x0t/core'
import type { Ballot, Choice, Rules } from '@x0t/dao'
import { findChoice } from './choice-text.ts'

/** How a ballot of these rules is written on the command line. */
export function ballotSyntax({ method, split }: Rules): string {
  if (method === 'quadratic-credits') return 'votes for choices, their squares within the budget: yes=3,no=-1'
  if (method === 'approval') return 'the choices approved of: 1,3'
  if (method === 'ranked-choice') return 'the best first: 2>1>3'
  if (method === 'weighted' || method === 'quadratic-funding') return 'one choice, or shares: 1=0.5,2=0.5'
  if (method === 'quadratic-weight' && split === 'linear') return 'one choice, or shares: 1=0.5,2=0.5'
  return 'one choice, by number, label or the beginning of it: yes'
}

/**
 * A ballot as it is typed: `yes`; shares `1=0.5,2=0.5`; credits `yes=3,no=-1`; approvals `1,3`; a ranking `2>1>3`.
 * @throws X0tError DAO_BALLOT_UNREADABLE, DAO_CHOICE_UNKNOWN
 */
export function readBallotText(text: string, choices: readonly Choice[], rules: Rules): Ballot {
  const { method } = rules
  const refuse = (why: string): X0tError =>
    new X0tError('DAO_BALLOT_UNREADABLE', `${JSON.stringify(text)} is no ballot of ${method}: ${why}`, {
      hint: ballotSyntax(rules),
      exitCode: 2,
    })
  const exact = choices.findIndex(({ label }) => label.toLowerCase() === text.trim().toLowerCase())
  const isOne = exact >= 0 || !/[=,>]/.test(text)
  const one = (): number => (exact >= 0 ? exact : findChoice(text, choices))
  const once = (list: readonly number[]): readonly number[] => {
    if (new Set(list).size !== list.length) throw refuse('a choice is named twice')
    return list
  }
  const words = (separator: string): readonly number[] =>
    once(text.split(separator).map((word) => findChoice(word, choices)))
  const byNumber = (one: number, other: number): number => one - other
  const pairs = (number: RegExp, what: string): readonly (readonly [number, string])[] => {
    const list = text.split(',').map((part): readonly [number, string] => {
      const at = part.lastIndexOf('=')
      const value = part.slice(at + 1).trim()
      if (at < 1 || !number.test(value)) throw refuse(`${JSON.stringify(part)} is not CHOICE=${what}`)
      return [findChoice(part.slice(0, at), choices), value]
    })
    once(list.map(([choice]) => choice))
    return list.toSorted(([one], [other]) => byNumber(one, other))
  }
  if (method === 'quadratic-credits') {
    if (isOne) throw refuse('say how many votes')
    return { kind: 'credits', votes: pairs(/^(?:0|-?[1-9]\d*)$/, 'VOTES, a whole number') }
  }
  if (method === 'approval') {
    if (!isOne && /[=>]/.test(text)) throw refuse('approvals stand side by side')
    return { kind: 'approval', choices: isOne ? [one()] : words(',').toSorted(byNumber) }
  }
  if (method === 'ranked-choice') {
    if (!isOne && /[=,]/.test(text)) throw refuse('ranks are parted by >')
    return { kind: 'ranking', ranking: isOne ? [one()] : words('>') }
  }
  if (isOne) return { kind: 'single', choice: one() }
  if (!text.includes('=')) throw refuse('it names more than one choice')
  return { kind: 'shares', shares: pairs(/^(?:0|[1-9]\d*)(?:\.\d+)?$/, 'SHARE, a number') }
}

/** A ballot in words, with the labels of the choices. */
export function ballotWords(ballot: Ballot, choices: readonly Choice[]): string {
  const label = (index: number): string => choices[index]?.label ?? `choice ${index + 1}`
  if (ballot.kind === 'single') return label(ballot.choice)
  if (ballot.kind === 'approval') return ballot.choices.map(label).join(', ') || 'none'
  if (ballot.kind === 'ranking') return ballot.ranking.map(label).join(' > ')
  const pairs = ballot.kind === 'shares' ? ballot.shares : ballot.votes
  return pairs.map(([choice, value]) => `${label(choice)} ${value}`).join(', ')
}
