import { Option, type Command } from 'commander'
import { X0tError } from '@x0t/core'
import { methods, type Choice, type Method, type Rules } from '@x0t/dao/rules'
import { parseOption } from '../node/parse-option.ts'
import { parseBudget, parseQuorum, parseSupport, rolesOf } from './rules-text.ts'
import { parseTokens } from './token-amount.ts'

/** Flags that say how a proposal is counted and decided. */
export interface RulesOptions {
  readonly preset?: string
  readonly method?: Method
  readonly decimals?: string
  readonly split?: 'none' | 'linear'
  readonly credits?: string
  readonly quorum?: string
  readonly support?: string
  readonly decides?: Rules['decides']
  readonly tiebreak?: Rules['tiebreak']
  readonly closesEarly?: boolean
  readonly lateQuorum?: string
}

export function withRules(command: Command): Command {
  return command
    .option('--preset <name>', 'begin with the rules of another system; a wrong name lists them')
    .addOption(new Option('--method <method>', 'how ballots become scores').choices(methods))
    .option('--quorum <rule>', 'how much must take part: 1/2:weight, 20%:tokens:for+abstain, 3:members, none')
    .option('--support <rule>', 'what `for` needs: 1/2:cast (more than that), >=2/3:for+against')
    .addOption(
      new Option('--decides <what>', 'support: whether; plurality: which').choices(['support', 'plurality']),
    )
    .addOption(
      new Option('--tiebreak <rule>', 'what a tie of options comes to').choices([
        'none',
        'choice-order',
        'certificate-hash',
      ]),
    )
    .addOption(
      new Option('--split <rule>', 'quadratic-weight: whether a ballot may be split').choices([
        'none',
        'linear',
      ]),
    )
    .option('--credits <budget>', 'quadratic-credits: a number of credits for each member, or balance')
    .option('--decimals <count>', 'decimal places of published roots, 0 to 18')
    .option('--closes-early', 'close once no further ballot can change the outcome')
    .option('--no-closes-early', 'close at the end only')
    .option('--late-quorum <duration>', 'a quorum reached so late moves the end by as much; none')
}

/**
 * The rules that the flags make of those of the DAO. A method or a way to decide that the DAO's rules do not have
 * begins with its own; quorum, precision and times are taken over.
 * @throws X0tError USAGE, DAO_RULES_INVALID, DAO_PRESET_UNKNOWN and what else `parseRules` throws
 */
export async function rulesOf(
  options: RulesOptions,
  usual: Rules | undefined,
  { choices, tokenDecimals }: { readonly choices: readonly Choice[]; readonly tokenDecimals: number },
): Promise<Rules> {
  const { parseDurationMs } = await import('@x0t/node/config')
  const { defaultRules, parseRules, rulesOfMethod, rulesPreset } = await import('@x0t/dao')
  const former = options.preset === undefined ? (usual ?? defaultRules) : rulesPreset(options.preset)
  const method = options.method ?? former.method
  const isWhich = choices.some(({ role }) => role === 'option')
  const cannotSupport = method === 'approval' || method === 'ranked-choice'
  const decides =
    options.decides ??
    (isWhich || cannotSupport ? 'plurality' : choices.length > 0 ? 'support' : former.decides)
  const base =
    method === former.method && decides === former.decides ? former : rulesOfMethod(method, decides)
  const tokens = (text: string): string => parseTokens(text, tokenDecimals)
  const quorum =
    options.quorum === undefined
      ? quorumFor(former.quorum, decides)
      : parseOption('--quorum', options.quorum, (text) => parseQuorum(text, { decides, tokens }))
  const lateQuorumMs =
    options.lateQuorum === undefined
      ? former.lateQuorumMs
      : options.lateQuorum === 'none'
        ? null
        : parseOption('--late-quorum', options.lateQuorum, parseDurationMs)
  const rules = parseRules({
    method,
    decides,
    decimals: options.decimals === undefined ? former.decimals : wholeNumber(options.decimals),
    split: options.split ?? base.split,
    budget:
      options.credits === undefined ? base.budget : parseOption('--credits', options.credits, parseBudget),
    support:
      options.support === undefined ? base.support : parseOption('--support', options.support, parseSupport),
    quorum,
    tiebreak: options.tiebreak ?? base.tiebreak,
    closesEarly: options.closesEarly ?? former.closesEarly,
    lateQuorumMs: quorum === null && options.lateQuorum === undefined ? null : lateQuorumMs,
  })
  // One way to write the same rules: a record's bytes must not depend on who typed it.
  return rules.quorum === null
    ? rules
    : { ...rules, quorum: { ...rules.quorum, counts: rules.quorum.counts.toSorted() } }
}

/** The same quorum where the choices have other roles: `for` and `against` are options there. */
function quorumFor(quorum: Rules['quorum'], decides: Rules['decides']): Rules['quorum'] {
  if (quorum === null) return null
  const roles = rolesOf(decides)
  if (quorum.counts.every((role) => roles.includes(role))) return quorum
  return {
    ...quorum,
    counts: quorum.counts.includes('abstain') ? roles : roles.filter((role) => role !== 'abstain'),
  }
}

function wholeNumber(text: string): number {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  throw new X0tError('USAGE', '--decimals takes a whole number from 0 to 18', { exitCode: 2 })
}
