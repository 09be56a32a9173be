import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { Ballot, DaoState, MemberId, ProposalView } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import type { CastVote } from '../../views/dao-vote.ts'
import { ballotWords, readBallotText } from './ballot-text.ts'
import { withSigner } from './dao-options.ts'
import { findProposal } from './find-by-prefix.ts'
import { importBundle } from './import-bundle.ts'
import { openDao, signNext, type OpenDao } from './open-dao.ts'
import { signerOf, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'
import { named, tokenOf } from './proposal-report.ts'
import { refuseExisting, writeRecords } from './write-records.ts'

interface VoteOptions extends SignerOptions {
  readonly signOnly?: string
  readonly submit?: string
  readonly dryRun?: boolean
  readonly interactive?: boolean
  readonly force?: boolean
}

export function registerVote(dao: Command, context: CommandContext): void {
  withSigner(
    dao
      .command('vote')
      .argument('[proposal]', 'id of the proposal, or the beginning of it')
      .argument(
        '[choice]',
        'a choice; shares 1=0.5,2=0.5; credits yes=3,no=-1; approvals 1,3; a ranking "2>1>3"',
      )
      .description('vote, or vote again: the last ballot before the close counts')
      .option('--interactive', 'fill the ballot in on the terminal')
      .option('--dry-run', 'say what would be signed, and sign nothing')
      .option('--sign-only <file>', 'on a machine without network: sign, and write the ballot to this file')
      .option('--submit <file>', 'take in a ballot that --sign-only wrote; needs no keys')
      .option('--force', 'replace the file of --sign-only'),
  ).action(async (id: string | undefined, choice: string | undefined, options: VoteOptions) => {
    const isSubmit = options.submit !== undefined
    if (isSubmit ? id !== undefined : id === undefined)
      throw usage(isSubmit ? '--submit takes the ballot from its file alone' : 'say which proposal')
    if (options.submit !== undefined) return submit(options.submit, options, context)
    if ((choice === undefined) !== (options.interactive === true))
      throw usage('say the choice, or --interactive')
    await using opened = await openDao(options, context)
    const state = await opened.state()
    const view = findProposal(state, id!)
    const signer = await signerOf(opened.home, state, options, context)
    const member = signer.author
    const { choices, rules } = view.record.body
    const ballot =
      choice === undefined
        ? await askForBallot(view, member, context)
        : readBallotText(choice, choices, rules)
    const { createVote } = await import('@x0t/dao')
    const vote = createVote(state, member, { proposal: view.id, ballot, nowMs: Date.now() })
    const cast = describeVote(state, view, { member, ballot: vote.body.ballot })
    const { voteView } = await import('../../views/dao-vote.ts')
    if (options.dryRun === true) return context.output().result({ ...cast, record: null }, voteView)
    if (options.signOnly !== undefined) refuseExisting(options.signOnly, options.force === true)
    const { id: record } = await signNext(opened, signer, vote)
    if (options.signOnly !== undefined) await writeLane(opened, { member, view }, options)
    else await pokeDaemon(options, context)
    context.output().result({ ...cast, record, file: options.signOnly ?? null }, voteView)
  })
}

/** What a vote says, in words. */
function describeVote(
  state: DaoState,
  view: ProposalView,
  { member, ballot }: { readonly member: MemberId; readonly ballot: Ballot },
): Omit<CastVote, 'record'> {
  const { choices, title } = view.record.body
  const before = view.voices.find((voice) => voice.member === member && voice.by === member)
  return {
    proposal: view.id,
    title,
    member: named(state, member),
    ballot,
    words: ballotWords(ballot, choices),
    balance: view.electorate.find(({ id }) => id === member)?.balance ?? '0',
    replaces: before === undefined ? null : ballotWords(before.ballot, choices),
    token: tokenOf(state),
    file: null,
  }
}

async function askForBallot(view: ProposalView, member: MemberId, context: CommandContext): Promise<Ballot> {
  const { streams, signal } = context
  if (streams.stdin.isTTY !== true || streams.stderr.isTTY !== true)
    throw new X0tError('USAGE', '--interactive needs a terminal', { hint: 'say the choice', exitCode: 2 })
  const { startVote } = await import('../../views/dao-vote-state.ts')
  const { askBallot } = await import('../../views/dao-vote-live.ts')
  const { title, choices, rules } = view.record.body
  const balance = BigInt(view.electorate.find(({ id }) => id === member)?.balance ?? '0')
  const { budget } = rules
  const credits = budget === null ? null : budget.kind === 'fixed' ? BigInt(budget.credits) : balance
  const ballot = await askBallot(startVote(title, choices, rules, credits), streams, signal)
  if (ballot === null) throw new X0tError('DAO_NO_BALLOT', 'no ballot was cast', { exitCode: 1 })
  return ballot
}

/** The member's whole lane of this vote: later ballots build on earlier ones. */
async function writeLane(
  { store }: OpenDao,
  { member, view }: { readonly member: MemberId; readonly view: ProposalView },
  { signOnly, force }: VoteOptions,
): Promise<void> {
  const lane = await Array.fromAsync(store.all())
  const own = lane.filter(
    ({ record }) => record.author === member && record.kind === 'vote' && record.body.proposal === view.id,
  )
  await writeRecords(signOnly!, own, { force: force === true })
}

async function submit(file: string, options: VoteOptions, context: CommandContext): Promise<void> {
  await using opened = await openDao(options, context)
  const imported = await importBundle(opened, file, {
    refuse: ({ record }) => (record.kind === 'vote' ? undefined : 'DAO_NOT_A_BALLOT'),
  })
  await pokeDaemon(options, context)
  const { importedBundleView } = await import('../../views/dao-bundle.ts')
  context.output().result(imported, importedBundleView)
  if (imported.refused.length > 0) context.exitCode(1)
}

function usage(message: string): X0tError {
  return new X0tError('USAGE', message, { hint: 'x0t dao vote --help', exitCode: 2 })
}
