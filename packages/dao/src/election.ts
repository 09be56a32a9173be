import { ballotKinds, parseBallot } from './ballot.ts'
import { parseAmount, shown } from './exact/amount.ts'
import { invalidField, readFields, readList, type FieldReader } from './plain-object.ts'
import { checkChoices, mostChoices, parseChoices } from './parse-choices.ts'
import { parseRules } from './parse-rules.ts'
import { rulesPreset } from './presets.ts'
import { tally } from './count/count-tally.ts'
import type { MemberId } from './record.ts'
import type { Ballot, Choice, Rules } from './rules.ts'
import type { Tally, TallyInput, Voice } from './tally.ts'

const code = 'DAO_ELECTION_INVALID'
const mostVoters = 1_000_000

/**
 * Counts an election that somebody wrote down, without records and signatures, so that anyone can check what another
 * system published.
 * @param json decoded JSON, see {@link parseElection}
 * @throws X0tError DAO_ELECTION_INVALID and the codes of rules, choices, amounts; a ballot that does not fit is not an
 * error: it is listed as voided
 */
export function countElection(json: unknown): Tally {
  return tally(parseElection(json))
}

/**
 * An election as JSON: an object with
 * - `rules`: the name of a preset, or an object with all rules, or `{ "preset": name, …rules that differ }`;
 * - `choices`: labels, or `{ label, role }`; of plain labels in a motion the first is for, the second against, the
 *   third abstains;
 * - `ballots`: `{ member, balance, ballot }`. `member` may be left out; `count` stands for so many members with the
 *   same ballot and balance. `ballot` is a {@link Ballot}, or in short: a label or index; a list of them (approval,
 *   ranking); an object of label or index to number as text (shares, credits);
 * - `electorate` (optional): `{ member, balance, count }` of those that did not vote;
 * - `tokenDecimals` (optional, 0 to 36): balances may have so many places behind a point;
 * - `certificateRoot` (optional): hexadecimal, for the tiebreak.
 * @throws X0tError as {@link countElection}
 */
export function parseElection(json: unknown): TallyInput {
  const fields = readFields(json, 'election', code)
  const rules = parseRulesOrPreset(fields.get('rules'))
  const choices = choicesOf(fields.get('choices'), rules)
  checkChoices(choices, rules)
  const tokenDecimals = fields.has('tokenDecimals') ? fields.integer('tokenDecimals', 0, 36) : 0
  const electors = createElectors(tokenDecimals)
  const voices = readList(fields.get('ballots'), 'ballots', { code, from: 0, to: mostVoters }).flatMap(
    (entry, index): Voice[] => {
      const vote = readFields(entry, `ballots[${index}]`, code)
      const ballot = ballotOf(vote.get('ballot'), { path: `ballots[${index}].ballot`, rules, choices })
      return electors.add(vote).map(({ member, balance }) => ({ member, balance, ballot, by: member }))
    },
  )
  if (fields.has('electorate')) {
    const list = readList(fields.get('electorate'), 'electorate', { code, from: 0, to: mostVoters })
    for (const [index, entry] of list.entries()) electors.add(readFields(entry, `electorate[${index}]`, code))
  }
  const root = fields.has('certificateRoot') ? rootOf(fields.get('certificateRoot')) : undefined
  fields.end()
  const input = { choices, rules, electorate: electors.all, voices }
  return root ? { ...input, certificateRoot: root } : input
}

function parseRulesOrPreset(value: unknown): Rules {
  if (typeof value === 'string') return rulesPreset(value)
  if (typeof value !== 'object' || value === null || !('preset' in value)) return parseRules(value)
  const { preset, ...differing } = value
  if (typeof preset !== 'string') throw invalidField(code, 'rules.preset', `is ${shown(preset)}, not a name`)
  return parseRules({ ...rulesPreset(preset), ...differing })
}

function choicesOf(value: unknown, { decides }: Rules): readonly Choice[] {
  const roles = ['for', 'against', 'abstain'] as const
  const list = readList(value, 'choices', { code, from: 2, to: mostChoices })
  return parseChoices(
    list.map((choice, index) => {
      if (typeof choice !== 'string') return choice
      return { label: choice, role: decides === 'plurality' ? 'option' : (roles[index] ?? 'option') }
    }),
  )
}

/** The electorate as it is read; each member once. */
function createElectors(tokenDecimals: number): {
  readonly all: readonly TallyInput['electorate'][number][]
  add(fields: FieldReader): readonly TallyInput['electorate'][number][]
} {
  const all: TallyInput['electorate'][number][] = []
  const names = new Set<string>()
  return {
    all,
    add(fields) {
      const balance = balanceOf(fields.get('balance'), `${fields.path}.balance`, tokenDecimals)
      const count = fields.has('count') ? fields.integer('count', 1, mostVoters) : 1
      const name = fields.has('member') ? fields.get('member') : `voter ${all.length + 1}`
      fields.end()
      if (typeof name !== 'string' || name.length === 0 || name.length > 100) {
        throw invalidField(
          code,
          `${fields.path}.member`,
          `is ${shown(name)}, not a name of up to 100 characters`,
        )
      }
      if (all.length + count > mostVoters)
        throw invalidField(code, fields.path, `is beyond ${mostVoters} voters`)
      const added = Array.from({ length: count }, (_, i) => ({
        member: (count === 1 ? name : `${name} (${i + 1})`) as MemberId,
        balance,
      }))
      for (const { member } of added) {
        if (names.has(member))
          throw invalidField(code, `${fields.path}.member`, `is there twice: ${shown(member)}`)
        names.add(member)
      }
      for (const elector of added) all.push(elector)
      return added
    },
  }
}

function balanceOf(value: unknown, path: string, tokenDecimals: number): bigint {
  if (tokenDecimals === 0 || typeof value !== 'string') return parseAmount(value, path)
  const [, whole, places = ''] = /^([0-9]{1,78})(?:\.([0-9]{1,36}))?$/.exec(value) ?? []
  if (whole === undefined || places.length > tokenDecimals) {
    throw invalidField(code, path, `is ${shown(value)}, not a decimal of at most ${tokenDecimals} places`)
  }
  const units = (whole + places.padEnd(tokenDecimals, '0')).replace(/^0+(?=[0-9])/, '')
  return parseAmount(units, path)
}

interface BallotContext {
  readonly path: string
  readonly rules: Rules
  readonly choices: readonly Choice[]
}

function ballotOf(value: unknown, context: BallotContext): Ballot {
  const { path, rules } = context
  const kinds = ballotKinds(rules)
  if (typeof value === 'string' || typeof value === 'number') {
    return { kind: 'single', choice: indexOf(value, context) }
  }
  if (Array.isArray(value)) {
    const named = readList(value, path, { code, from: 0, to: mostChoices }).map((choice) =>
      indexOf(choice, context),
    )
    return kinds.includes('ranking')
      ? { kind: 'ranking', ranking: named }
      : { kind: 'approval', choices: named }
  }
  if (typeof value !== 'object' || value === null || 'kind' in value) return parseBallot(value, path)
  const pairs = Object.entries(value).map(([choice, number]): [number, string] => {
    if (typeof number !== 'string')
      throw invalidField(code, path, `has ${shown(number)}; write numbers as text`)
    return [indexOf(choice, context), number]
  })
  return kinds.includes('credits') ? { kind: 'credits', votes: pairs } : { kind: 'shares', shares: pairs }
}

/** A label first: a choice may be called `2`. */
function indexOf(value: unknown, { choices, path }: BallotContext): number {
  const labelled = choices.findIndex(({ label }) => label === value)
  if (labelled >= 0) return labelled
  const index = typeof value === 'string' && /^(?:0|[1-9][0-9]{0,2})$/.test(value) ? Number(value) : value
  if (typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 && index < mostChoices)
    return index
  throw invalidField(code, path, `names ${shown(value)}, which is no label and no index of a choice`)
}

function rootOf(value: unknown): Uint8Array {
  if (typeof value === 'string' && /^(?:[0-9a-f]{2}){1,64}$/.test(value)) return Uint8Array.fromHex(value)
  throw invalidField(code, 'certificateRoot', `is ${shown(value)}, not hexadecimal digits in pairs`)
}
