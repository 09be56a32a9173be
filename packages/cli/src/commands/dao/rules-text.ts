import { choiceRoles, quorumUnits, type ChoiceRole, type Fraction, type Rules } from '@x0t/dao/rules'

/** A share: `1/2`, or `20%` as `20/100`. @throws RangeError */
export function parseShare(text: string): Fraction {
  const percent = /^(\d{1,3})%$/.exec(text)
  const match = /^(\d{1,30})\/(\d{1,30})$/.exec(percent === null ? text : `${percent[1]}/100`)
  const [over, under] = [match?.[1], match?.[2]]
  if (over === undefined || under === undefined || BigInt(under) === 0n || BigInt(over) > BigInt(under))
    throw new RangeError('a share from 0 to 1 as 1/2 or 50%')
  return `${BigInt(over)}/${BigInt(under)}`
}

/** Roles of the choices of a proposal that decides in this way. */
export function rolesOf(decides: Rules['decides']): readonly ChoiceRole[] {
  return decides === 'support' ? ['abstain', 'against', 'for'] : ['abstain', 'option']
}

const quorumExpected =
  'SHARE:UNIT like 1/2:weight, or AMOUNT:UNIT like 3:members, with unit tokens, weight or members; then, if not all ' +
  'roles count, :for+abstain; or none'

/**
 * `1/2:weight`, `20%:tokens:for+abstain`, `3:members`, `none`. The unit has to be said.
 * @throws RangeError
 */
export function parseQuorum(
  text: string,
  options: {
    readonly decides: Rules['decides']
    /** Reads an amount of tokens. */
    readonly tokens: (text: string) => string
  },
): Rules['quorum'] {
  if (text === 'none') return null
  const [size = '', unit, roles, ...rest] = text.split(':')
  if (!isOneOf(quorumUnits, unit) || rest.length > 0) throw new RangeError(quorumExpected)
  const counts = roles === undefined ? rolesOf(options.decides) : roles.split('+')
  const known = counts.filter((role) => isOneOf(choiceRoles, role))
  if (known.length < counts.length) throw new RangeError(quorumExpected)
  const head = { unit, counts: known.toSorted() }
  if (/[/%]/.test(size)) return { ...head, share: parseShare(size) }
  if (unit === 'tokens') return { ...head, amount: options.tokens(size) }
  if (!/^(?:0|[1-9]\d{0,76})$/.test(size)) throw new RangeError(quorumExpected)
  return { ...head, amount: size }
}

/** `1/2:cast` (more than half of all), `>=2/3:for+against` (two thirds or more). @throws RangeError */
export function parseSupport(text: string): NonNullable<Rules['support']> {
  const match = /^(>=|>)?([^:]+):(cast|for\+against)$/.exec(text)
  if (match === null)
    throw new RangeError('SHARE:BASE like 1/2:cast or >=2/3:for+against, with base cast or for+against')
  const [, sign, share = '', base] = match
  return { threshold: parseShare(share), isStrict: sign !== '>=', base: base as 'cast' | 'for+against' }
}

/** `balance`, or a whole number of credits. @throws RangeError */
export function parseBudget(text: string): NonNullable<Rules['budget']> {
  if (text === 'balance') return { kind: 'balance' }
  if (!/^[1-9]\d{0,76}$/.test(text)) throw new RangeError('balance, or a whole number of credits above zero')
  return { kind: 'fixed', credits: text }
}

/** The quorum in words. */
export function quorumWords(
  { quorum, decides }: Pick<Rules, 'quorum' | 'decides'>,
  tokens: (amount: string) => string,
): string {
  if (quorum === null) return 'none'
  const { unit, counts } = quorum
  const counted = rolesOf(decides).every((role) => counts.includes(role))
    ? 'every ballot counts towards it, abstentions too'
    : `counted are ballots ${counts.join(' and ')}`
  const words = { tokens: 'tokens', weight: 'weight (sum of roots)', members: 'members' }[unit]
  const size =
    'share' in quorum
      ? `${quorum.share} of the electorate's ${words}${quorum.roundsDown === true ? ', rounded down' : ''}`
      : unit === 'tokens'
        ? tokens(quorum.amount)
        : `${quorum.amount} ${words}`
  return `at least ${size}; ${counted}`
}

/** The support that `for` needs, in words. */
export function supportWords(support: Rules['support']): string {
  if (support === null) return 'none'
  const base = support.base === 'cast' ? 'all that was cast, abstentions too' : 'for and against'
  return `for has ${support.isStrict ? 'more than' : 'at least'} ${support.threshold} of ${base}`
}

function isOneOf<T extends string>(list: readonly T[], text: string | undefined): text is T {
  return (list as readonly (string | undefined)[]).includes(text)
}
