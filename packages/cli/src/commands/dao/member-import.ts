import { readFile, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { messageOf, X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { parseOption } from '../node/parse-option.ts'
import { withSigner } from './dao-options.ts'
import { entryOf, readCard } from './founding-members.ts'
import { refuseTakenName, signChanges, type RegistryRecord } from './member-change.ts'
import { maxListBytes, readMemberList } from './member-list-file.ts'
import { openDao } from './open-dao.ts'
import { signerOf, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'
import { parseTokens } from './token-amount.ts'

interface ImportOptions extends SignerOptions {
  readonly balance: string
  readonly dryRun?: boolean
}

export function registerMemberImport(member: Command, context: CommandContext): void {
  withSigner(
    member
      .command('import')
      .argument('<list>', 'CSV with the head line file,name,balance, or a JSON array of such objects')
      .description('as a registrar: admit all members of a list; nothing is signed unless every line holds')
      .option('--balance <tokens>', 'what members hold whose line says nothing', '1')
      .option('--dry-run', 'check the list and sign nothing'),
  ).action(async (file: string, options: ImportOptions) => {
    await using dao = await openDao(options, context)
    const state = await dao.state()
    const signer = await signerOf(dao.home, state, options, context)
    const { createMemberAdd } = await import('@x0t/dao')
    const { tokenDecimals } = state.constitution
    const balance = parseOption('--balance', options.balance, (text) => parseTokens(text, tokenDecimals))
    const { members, problems } = await readMemberList(file, await textOf(file), {
      tokenDecimals,
      balance,
      readIdentity: readCard,
    })
    const names = new Map<string, number>()
    const wrong = [...problems]
    const records = members.flatMap(({ line, name, identity, balance: tokens }): RegistryRecord[] => {
      try {
        const entry = entryOf(identity, tokens, name)
        const record = createMemberAdd(state, signer.author, entry)
        refuseTakenName(state, entry)
        const before = names.get(name)
        if (before !== undefined) throw new X0tError('DAO_NAME_TAKEN', `the same name as on line ${before}`)
        names.set(name, line)
        return [record]
      } catch (error) {
        if (!(error instanceof X0tError)) throw error
        wrong.push(`line ${line}: ${messageOf(error)}`)
        return []
      }
    })
    if (wrong.length > 0)
      throw new X0tError(
        'DAO_LIST_INVALID',
        `${wrong.length} of ${members.length + problems.length} lines do not hold:\n  ${wrong.join('\n  ')}`,
        { hint: 'nothing was signed; mend the list and import it again', exitCode: 2 },
      )
    const output = context.output()
    const { memberChangesView } = await import('../../views/dao-members.ts')
    if (options.dryRun === true)
      return output.result(
        { changes: [], checked: records.length },
        ({ checked }) => `${checked} members to admit`,
      )
    const changes = await signChanges(dao, signer, records)
    await pokeDaemon(options, context)
    output.result({ changes }, memberChangesView)
  })
}

async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size <= maxListBytes) return await readFile(file, 'utf8')
    throw new X0tError('DAO_LIST_UNREADABLE', `${file} has ${size} bytes; at most ${maxListBytes} are read`, {
      exitCode: 2,
    })
  } catch (error) {
    if (error instanceof X0tError) throw error
    throw new X0tError('DAO_LIST_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, {
      cause: error,
      exitCode: 2,
    })
  }
}
