import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { DaoState, MemberEntry, MemberId, UnsignedRecord } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import type { MemberChange } from '../../views/dao-members.ts'
import { confirm } from '../node/confirm.ts'
import { parseOption } from '../node/parse-option.ts'
import { withSigner } from './dao-options.ts'
import { findMember } from './find-by-prefix.ts'
import { entryOf, readCard } from './founding-members.ts'
import { openDao, signNext, type OpenDao } from './open-dao.ts'
import { signerOf, type Signer, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'
import { parseTokens } from './token-amount.ts'

interface AddOptions extends SignerOptions {
  readonly name?: string
  readonly balance: string
}

interface ReasonOptions extends SignerOptions {
  readonly reason: string
  readonly yes?: boolean
}

/** A change of the registry that a registrar signs. */
export type RegistryRecord = UnsignedRecord<'member.add' | 'member.remove' | 'member.balance'>

/** `x0t dao member add|remove|balance`. */
export function registerMemberChange(member: Command, context: CommandContext): void {
  withSigner(
    member
      .command('add')
      .argument('<card>', 'the file that x0t dao member card wrote for the member')
      .description('as a registrar: admit a member; counts once enough registrars have signed the same')
      .option('--name <name>', 'the name in the registry (default: the one on the card)')
      .option('--balance <tokens>', 'what the member holds', '1'),
  ).action((card: string, options: AddOptions) =>
    change(options, context, async (state, author) => {
      const { createMemberAdd } = await import('@x0t/dao')
      const balance = tokensOf(state, '--balance', options.balance)
      const entry = entryOf(await readCard(card), balance, options.name)
      const record = createMemberAdd(state, author, entry)
      refuseTakenName(state, entry)
      return record
    }),
  )
  withSigner(
    member
      .command('remove')
      .argument('<member>', 'name or id')
      .description('as a registrar: remove a member from later votes')
      .option('--reason <text>', 'why, for the record', '')
      .option('-y, --yes', 'do not ask'),
  ).action((word: string, options: ReasonOptions) =>
    change(options, context, async (state, author) => {
      const { createMemberRemove } = await import('@x0t/dao')
      const id = findMember(state, word)
      const record = createMemberRemove(state, author, { id, reason: options.reason })
      const question = `Remove ${state.members.get(id)?.name ?? id} from ${state.constitution.name}?`
      if (options.yes !== true) await confirm(question, context)
      return record
    }),
  )
  withSigner(
    member
      .command('balance')
      .argument('<member>', 'name or id')
      .argument('<tokens>', 'what the member holds from now on')
      .description('as a registrar: set the balance of a member anew, for later votes')
      .option('--reason <text>', 'why, for the record', ''),
  ).action((word: string, tokens: string, options: ReasonOptions) =>
    change(options, context, async (state, author) => {
      const { createMemberBalance } = await import('@x0t/dao')
      const balance = tokensOf(state, '<tokens>', tokens)
      const id = findMember(state, word)
      return createMemberBalance(state, author, { id, balance, reason: options.reason })
    }),
  )
}

async function change(
  options: SignerOptions,
  context: CommandContext,
  make: (state: DaoState, author: MemberId) => Promise<RegistryRecord>,
): Promise<void> {
  await using dao = await openDao(options, context)
  const state = await dao.state()
  const signer = await signerOf(dao.home, state, options, context)
  const changes = await signChanges(dao, signer, [await make(state, signer.author)])
  await pokeDaemon(options, context)
  const { memberChangesView } = await import('../../views/dao-members.ts')
  context.output().result({ changes }, memberChangesView)
}

/** @throws X0tError DAO_NAME_TAKEN: two members of one name could not be told apart on the command line */
export function refuseTakenName(state: DaoState, { name }: Pick<MemberEntry, 'name'>): void {
  for (const member of state.members.values())
    if (member.name === name)
      throw new X0tError('DAO_NAME_TAKEN', `another member is called ${JSON.stringify(name)}`, {
        hint: '--name gives another name',
        exitCode: 2,
      })
}

/** Signs changes one after the other, and says which are in force: others wait for more registrars. */
export async function signChanges(
  dao: OpenDao,
  signer: Signer,
  records: readonly RegistryRecord[],
): Promise<readonly MemberChange[]> {
  const before = await dao.state()
  const signed = []
  for (const record of records) signed.push({ record, id: (await signNext(dao, signer, record)).id })
  const after = await dao.state()
  return signed.map(({ record: { kind, body }, id }): MemberChange => {
    const member = 'member' in body ? body.member.id : body.id
    const name = 'member' in body ? body.member.name : (before.members.get(member)?.name ?? '')
    const balance = 'member' in body ? body.member.balance : 'balance' in body ? body.balance : undefined
    return {
      change: kind === 'member.add' ? 'add' : kind === 'member.remove' ? 'remove' : 'balance',
      member: { id: member, name },
      record: id,
      isInForce: (after.registry.changes.get(member) ?? 0) >= body.change,
      ...(balance === undefined ? {} : { balance }),
    }
  })
}

function tokensOf(state: DaoState, flag: string, text: string): string {
  return parseOption(flag, text, (tokens) => parseTokens(tokens, state.constitution.tokenDecimals))
}
