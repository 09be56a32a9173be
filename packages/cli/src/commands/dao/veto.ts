import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { confirm } from '../node/confirm.ts'
import { withSigner } from './dao-options.ts'
import { findProposal, shortId } from './find-by-prefix.ts'
import { openDao, signNext } from './open-dao.ts'
import { signerOf, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'

interface EndOptions extends SignerOptions {
  readonly reason: string
  readonly yes?: boolean
}

/** `x0t dao veto` of a guardian, `x0t dao cancel` of the author. */
export function registerVeto(dao: Command, context: CommandContext): void {
  const add = (kind: 'veto' | 'cancel', description: string): void => {
    withSigner(
      dao
        .command(kind)
        .argument('<proposal>', 'id of the proposal, or the beginning of it')
        .description(description)
        .option('--reason <text>', 'why, for the record', '')
        .option('-y, --yes', 'do not ask'),
    ).action((id: string, options: EndOptions) => endProposal(kind, id, options, context))
  }
  add('veto', 'as a guardian: keep a proposal that passed from being executed')
  add('cancel', 'as its author: take a proposal back')
}

async function endProposal(
  kind: 'veto' | 'cancel',
  word: string,
  options: EndOptions,
  context: CommandContext,
): Promise<void> {
  await using opened = await openDao(options, context)
  const state = await opened.state()
  const { id, record } = findProposal(state, word)
  const signer = await signerOf(opened.home, state, options, context)
  const { createCancel, createVeto } = await import('@x0t/dao')
  const create = kind === 'veto' ? createVeto : createCancel
  const end = create(state, signer.author, { proposal: id, reason: options.reason })
  const question = `${kind === 'veto' ? 'Veto' : 'Take back'} ${record.body.title}? It cannot be undone.`
  if (options.yes !== true) await confirm(question, context)
  const signed = await signNext(opened, signer, end)
  await pokeDaemon(options, context)
  context
    .output()
    .result({ proposal: id, [kind]: signed.id, reason: options.reason }, () =>
      kind === 'veto' ? `vetoed ${shortId(id)}` : `took ${shortId(id)} back`,
    )
}
