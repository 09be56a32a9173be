import { existsSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { Constitution, MemberEntry, MemberId } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import { homeOf } from '../node/home-option.ts'
import { parseOption } from '../node/parse-option.ts'
import { repeatable } from '../repeatable.ts'
import { withSigner } from './dao-options.ts'
import { foundingMembers, membersFromMesh } from './founding-members.ts'
import { openStoreOf, signNext, storeFileOf } from './open-dao.ts'
import { readOrMakeOwnIdentity, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'
import { rulesOf, withRules, type RulesOptions } from './rules-options.ts'
import { parseTokens } from './token-amount.ts'

interface InitOptions extends SignerOptions, RulesOptions {
  readonly name: string
  readonly as?: string
  readonly member?: readonly string[]
  readonly membersFromMesh?: boolean
  readonly balance: string
  readonly symbol: string
  readonly tokenDecimals: string
  readonly registrar?: readonly string[]
  readonly registrarsNeeded: string
  readonly witness?: readonly string[]
  readonly guardian?: readonly string[]
  readonly voting: string
  readonly grace: string
  readonly timelock: string
  readonly expires: string
  readonly maxOpen: string
}

const byId = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

export function registerInit(dao: Command, context: CommandContext): void {
  withRules(
    withSigner(
      dao
        .command('init')
        .description('found a DAO: its rules, its first members, its first record, signed by this home')
        .requiredOption('--name <name>', 'name of the DAO')
        .option('--as <name>', 'name of this member (default: that of its keys)')
        .option(
          '--member <card>',
          'a founding member: FILE or FILE=BALANCE, the file by x0t dao member card; repeat it',
          repeatable,
        )
        .option('--members-from-mesh', 'take in every node that this mesh has admitted (on its first node)')
        .option('--balance <tokens>', 'tokens of each member for whom nothing else is said', '1')
        .option('--symbol <text>', 'what a token is called', 'VOTE')
        .option('--token-decimals <count>', 'decimal places of a token, 0 to 36', '0')
        .option('--registrar <member>', 'who admits members (name or id; default: the founder)', repeatable)
        .option('--registrars-needed <count>', 'how many registrars together', '1')
        .option('--witness <member>', 'who closes votes (name or id; default: all members)', repeatable)
        .option('--guardian <member>', 'who may veto before execution (name or id)', repeatable)
        .option('--voting <duration>', 'how long a vote is open', '7d')
        .option('--grace <duration>', 'how long ballots may still be under way after it', '1h')
        .option('--timelock <duration>', 'from the certificate to the execution', '1d')
        .option('--expires <duration>', 'from the timelock to when it is too late', '30d')
        .addOption(new Option('--max-open <count>', 'open proposals of one member').default('10')),
    ),
  ).action(async (options: InitOptions) => {
    const home = await homeOf(options, context)
    if (existsSync(storeFileOf(home))) await refuseSecond(home)
    const tokenDecimals = wholeNumber('--token-decimals', options.tokenDecimals, 0, 36)
    const balance = parseOption('--balance', options.balance, (text) => parseTokens(text, tokenDecimals))
    const others = await foundingMembers(options.member ?? [], { balance, tokenDecimals })
    const name = options.as === undefined ? {} : { name: options.as }
    const own = await readOrMakeOwnIdentity(home, { ...options, ...name }, context)
    own.masterSeed.fill(0)
    const { identity } = own
    const { createGenesis, memberKeysOf } = await import('@x0t/dao')
    const founder: MemberEntry = {
      id: identity.nodeId,
      name: options.as ?? own.name,
      keys: memberKeysOf(identity),
      balance,
    }
    const mesh = options.membersFromMesh === true ? await membersFromMesh(home, balance) : []
    const members = joined(founder, [...others, ...mesh])
    const { parseDurationMs } = await import('@x0t/node/config')
    const duration = (flag: string, text: string): number => parseOption(flag, text, parseDurationMs)
    const find = (words: readonly string[] = []): readonly MemberId[] =>
      [...new Set(words.map((word) => founderNamed(word, members)))].toSorted(byId)
    const registrars = options.registrar === undefined ? [founder.id] : find(options.registrar)
    const constitution: Constitution = {
      name: options.name,
      symbol: options.symbol,
      tokenDecimals,
      registrars,
      registrarsNeeded: wholeNumber('--registrars-needed', options.registrarsNeeded, 1, registrars.length),
      witnesses: options.witness === undefined ? 'members' : find(options.witness),
      guardians: find(options.guardian),
      rules: await rulesOf(options, undefined, { choices: [], tokenDecimals }),
      votingMs: duration('--voting', options.voting),
      graceMs: duration('--grace', options.grace),
      timelockMs: duration('--timelock', options.timelock),
      expiresMs: duration('--expires', options.expires),
      maxOpenProposals: wholeNumber('--max-open', options.maxOpen, 1, 1024),
    }
    const unsigned = createGenesis(constitution, members)
    await using opened = await openStoreOf(home)
    const genesis = await signNext(opened, { identity, author: founder.id, dao: null }, unsigned)
    await pokeDaemon(options, context)
    const { createdDaoView } = await import('../../views/dao.ts')
    context.output().result(
      {
        dao: genesis.id,
        home,
        constitution,
        members: members.map(({ id, name: shown, balance: tokens }) => ({
          id,
          name: shown,
          balance: tokens,
        })),
        madeKeys: own.isNew,
      },
      createdDaoView,
    )
    context.output().note('next: x0t dao propose --title …; others need this DAO too: x0t dao export FILE')
  })
}

/** @throws X0tError DAO_EXISTS if the store holds a DAO; a store without one is used */
async function refuseSecond(home: string): Promise<void> {
  await using dao = await openStoreOf(home)
  for await (const { record } of dao.store.all()) {
    if (record.kind !== 'genesis') continue
    throw new X0tError('DAO_EXISTS', `${home} holds the DAO ${record.body.constitution.name} already`, {
      hint: 'found another one in a home of its own: --home FOLDER',
    })
  }
}

/** Founder and others, each once, by id. @throws X0tError USAGE if two have one name */
function joined(founder: MemberEntry, others: readonly MemberEntry[]): readonly MemberEntry[] {
  const members = new Map<MemberId, MemberEntry>([[founder.id, founder]])
  for (const member of others) if (!members.has(member.id)) members.set(member.id, member)
  const names = new Set<string>()
  for (const { name } of members.values()) {
    if (names.has(name))
      throw new X0tError('USAGE', `two founding members are called ${JSON.stringify(name)}`, {
        hint: '--as NAME for yours; x0t dao member card --name NAME for another',
        exitCode: 2,
      })
    names.add(name)
  }
  return [...members.values()].toSorted((one, other) => byId(one.id, other.id))
}

function founderNamed(word: string, members: readonly MemberEntry[]): MemberId {
  const found = members.filter(({ id, name }) => id === word || name === word)
  if (found.length === 1) return found[0]!.id
  throw new X0tError('DAO_MEMBER_UNKNOWN', `${JSON.stringify(word)} is no founding member`, {
    hint: `founding members: ${members.map(({ name }) => name).join(', ')}`,
    exitCode: 2,
  })
}

function wholeNumber(flag: string, text: string, from: number, to: number): number {
  const number = Number(text)
  if (/^\d{1,6}$/.test(text) && number >= from && number <= to) return number
  throw new X0tError('USAGE', `${flag} takes a whole number from ${from} to ${to}`, { exitCode: 2 })
}
