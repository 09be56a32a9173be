import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { MemberId, ProposalView, SignedRecord } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { ballotWords } from './ballot-text.ts'
import { findMember, findProposal } from './find-by-prefix.ts'
import { openDao } from './open-dao.ts'
import { ownMemberIfOpen } from './own-keys.ts'
import { named } from './proposal-report.ts'
import { refuseExisting } from './write-records.ts'

interface ReceiptOptions extends HomeOption {
  readonly member?: string
  readonly out?: string
  readonly force?: boolean
}

export function registerReceipt(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('receipt')
      .argument('<proposal>', 'id of the proposal, or the beginning of it')
      .description('prove that a ballot is in the certified set: a file that anyone checks offline')
      .option('--member <member>', 'whose ballot (name or id; default: of this home)')
      .option('--out <file>', 'write it to this file (default: standard output)')
      .option('--force', 'replace the file'),
  ).action(async (word: string, options: ReceiptOptions) => {
    await using opened = await openDao(options, context)
    const state = await opened.state()
    const view = findProposal(state, word)
    const member =
      options.member === undefined
        ? await ownMemberIfOpen(opened.home, state)
        : findMember(state, options.member)
    if (member === undefined)
      throw new X0tError('USAGE', 'this home is no member, or its keys need a passphrase', {
        hint: '--member NAME says whose ballot',
        exitCode: 2,
      })
    if (options.out !== undefined) refuseExisting(options.out, options.force === true)
    const { createReceipt } = await import('@x0t/dao')
    const ballot = countedBallot(view, member, named(state, member).name)
    const proposal = await opened.store.get(view.id)
    const receipt = createReceipt({ proposal: proposal!, ballot, certificate: view.certificate })
    if (options.out !== undefined) await writeFile(options.out, receipt)
    const { choices, title } = view.record.body
    const words = ballot.record.kind === 'vote' ? ballotWords(ballot.record.body.ballot, choices) : ''
    const { receiptView } = await import('../../views/dao-verify.ts')
    const file = options.out ?? null
    context
      .output()
      .result(
        { proposal: view.id, title, member: named(state, member), ballot: ballot.id, words, file, receipt },
        receiptView,
      )
  })
}

/** The member's last ballot in the certified set. @throws X0tError DAO_NOT_CERTIFIED, DAO_BALLOT_NOT_COUNTED */
function countedBallot({ box, certificate }: ProposalView, member: MemberId, name: string): SignedRecord {
  const own = box
    .filter(({ record }) => record.author === member)
    .toSorted((one, other) => other.record.seq - one.record.seq)
  const counted = own.find(({ id }) => certificate?.ballots?.includes(id) ?? true)
  if (counted !== undefined) return counted
  throw new X0tError('DAO_BALLOT_NOT_COUNTED', `no ballot of ${name || member} is in the certified set`, {
    hint: 'x0t dao tally --explain shows whose are',
  })
}
