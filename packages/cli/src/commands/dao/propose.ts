import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { isNodeId, messageOf, X0tError } from '@x0t/core'
import type { Choice } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import { parseOption } from '../node/parse-option.ts'
import { repeatable } from '../repeatable.ts'
import { parseChoice, usualChoices } from './choice-text.ts'
import { withSigner } from './dao-options.ts'
import { findMember } from './find-by-prefix.ts'
import { openDao, signNext } from './open-dao.ts'
import { signerOf, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'
import { detailsOf, draftDetailsOf } from './proposal-report.ts'
import { rulesOf, withRules, type RulesOptions } from './rules-options.ts'

interface ProposeOptions extends SignerOptions, RulesOptions {
  readonly title: string
  readonly text?: string
  readonly textFile?: string
  readonly choice?: readonly string[]
  readonly action?: readonly string[]
  readonly opens?: string
  readonly voting?: string
  readonly grace?: string
  readonly timelock?: string
  readonly expires?: string
  readonly dryRun?: boolean
}

export function registerPropose(dao: Command, context: CommandContext): void {
  withRules(
    withSigner(
      dao
        .command('propose')
        .description('put a question to the members; --dry-run shows every rule that would hold')
        .requiredOption('--title <title>', 'the question in a line')
        .option('--text <text>', 'what there is to say about it')
        .option('--text-file <file>', 'the same from a file')
        .option(
          '--choice <label>',
          'LABEL or LABEL:ROLE with role for, against, abstain or option (default: yes, no, abstain); repeat it',
          repeatable,
        )
        .option(
          '--action <action>',
          'what passing it changes, like update_threshold:thresholds.loss_percent=8; a wrong one lists the forms; repeat it',
          repeatable,
        )
        .option('--opens <when>', 'a date like 2026-01-31T12:00Z, or a duration from now (default: now)')
        .option('--voting <duration>', 'how long it is open (default: as the DAO says)')
        .option('--grace <duration>', 'how long ballots may be under way after the end')
        .option('--timelock <duration>', 'from the certificate to the execution')
        .option('--expires <duration>', 'from the timelock to when it is too late')
        .option('--dry-run', 'show it and sign nothing'),
    ),
  ).action(async (options: ProposeOptions) => {
    await using opened = await openDao(options, context)
    const state = await opened.state()
    const signer = await signerOf(opened.home, state, options, context)
    const { author } = signer
    const nowMs = Date.now()
    const { createProposal, parseChoices, readActionText, resultOf } = await import('@x0t/dao')
    const choices: readonly Choice[] = parseChoices(options.choice?.map(parseChoice) ?? usualChoices)
    const { constitution } = state
    const { tokenDecimals } = constitution
    const rules = await rulesOf(options, constitution.rules, { choices, tokenDecimals })
    const read = await Promise.all(
      (options.action ?? []).map((text) =>
        readActionText(text, {
          resolveNode: (word) => (isNodeId(word) ? word : findMember(state, word)),
          readFile: (path) => readFile(path),
        }),
      ),
    )
    const { parseDurationMs } = await import('@x0t/node/config')
    const duration = (flag: string, text: string | undefined, usual: number): number =>
      text === undefined ? usual : parseOption(flag, text, parseDurationMs)
    const opensMs =
      options.opens === undefined
        ? nowMs
        : parseOption('--opens', options.opens, momentOf(nowMs, parseDurationMs))
    const proposal = createProposal(state, {
      author,
      title: options.title,
      text: await textOf(options),
      choices,
      rules,
      actions: read.map(({ action }) => action),
      opensMs,
      closesMs: opensMs + duration('--voting', options.voting, constitution.votingMs),
      graceMs: duration('--grace', options.grace, constitution.graceMs),
      timelockMs: duration('--timelock', options.timelock, constitution.timelockMs),
      expiresMs: duration('--expires', options.expires, constitution.expiresMs),
    })
    const { proposalView } = await import('../../views/dao.ts')
    const output = context.output()
    const draft = draftDetailsOf(state, proposal.body, { author, electorate: state.members.size, nowMs })
    if (options.dryRun === true) return output.result(draft, (value) => proposalView(value, nowMs))
    for (const piece of read.flatMap(({ pieces }) => pieces))
      await signNext(opened, signer, { kind: 'artifact', lane: `artifact:${piece.digest}`, body: piece })
    const { id } = await signNext(opened, signer, proposal)
    await pokeDaemon(options, context)
    const after = await opened.state()
    const view = after.proposals.get(id)
    if (view === undefined) {
      const refused = after.rejected.find((one) => one.id === id)
      throw new X0tError(
        refused?.code ?? 'DAO_PROPOSAL_REFUSED',
        'the proposal was signed, but does not hold',
      )
    }
    output.result(detailsOf(after, view, resultOf(after, id, nowMs)), (value) => proposalView(value, nowMs))
  })
}

async function textOf({ text, textFile }: ProposeOptions): Promise<string> {
  if (text !== undefined && textFile !== undefined)
    throw new X0tError('USAGE', '--text and --text-file exclude each other', { exitCode: 2 })
  if (textFile === undefined) return text ?? ''
  try {
    return (await readFile(textFile, 'utf8')).trimEnd()
  } catch (error) {
    throw new X0tError('DAO_TEXT_UNREADABLE', `cannot read ${textFile}: ${messageOf(error)}`, {
      cause: error,
      exitCode: 2,
    })
  }
}

function momentOf(nowMs: number, parseDurationMs: (text: string) => number): (text: string) => number {
  return (text) => {
    if (/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?Z)?$/.test(text)) {
      const atMs = Date.parse(text)
      if (Number.isSafeInteger(atMs)) return atMs
    }
    try {
      return nowMs + parseDurationMs(text.replace(/^\+/, ''))
    } catch (error) {
      throw new RangeError('a date in UTC like 2026-01-31 or 2026-01-31T12:00Z, or a duration like 2h', {
        cause: error,
      })
    }
  }
}
