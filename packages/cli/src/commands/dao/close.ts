import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { withSigner } from './dao-options.ts'
import { findProposal } from './find-by-prefix.ts'
import { openDao } from './open-dao.ts'
import { signerOf, type SignerOptions } from './own-keys.ts'
import { pokeDaemon } from './poke-daemon.ts'
import { named } from './proposal-report.ts'
import { runWitness } from './run-witness.ts'

interface CloseOptions extends SignerOptions {
  readonly goOn?: boolean
}

export function registerClose(dao: Command, context: CommandContext): void {
  withSigner(
    dao
      .command('close')
      .argument('<proposal>', 'id of the proposal, or the beginning of it')
      .description(
        'as a witness without a running node: sign what can be signed now to close a vote; says who is missing',
      )
      .option('--go-on', 'do without witnesses that are missing: pass to what comes next without them'),
  ).action(async (word: string, options: CloseOptions) => {
    await using opened = await openDao(options, context)
    const state = await opened.state()
    const view = findProposal(state, word)
    const signer = await signerOf(opened.home, state, options, context)
    const { witnesses, title } = view.record.body
    if (!witnesses.includes(signer.author))
      throw new X0tError('DAO_NOT_A_WITNESS', 'this member does not close this vote', {
        hint: `its witnesses: ${witnesses.map((id) => named(state, id).name || id.slice(0, 10)).join(', ')}`,
      })
    const run = await runWitness(opened, view, signer, { goesOn: options.goOn === true, nowMs: Date.now() })
    await pokeDaemon(options, context)
    const after = await opened.state()
    const now = after.proposals.get(view.id) ?? view
    const { resultOf } = await import('@x0t/dao')
    const result = resultOf(after, view.id, Date.now())
    const { closingView } = await import('../../views/dao-closing.ts')
    const heard = new Set(now.seals.map(({ record }) => record.author))
    context.output().result(
      {
        proposal: view.id,
        title,
        state: result.state,
        outcome: result.isFinal ? result.tally.outcome : null,
        isCertified: now.certificate !== null,
        round: run.round,
        phase: run.phase,
        signed: run.signed,
        heard: witnesses.filter((id) => heard.has(id)).map((id) => named(state, id)),
        missing: witnesses.filter((id) => !heard.has(id)).map((id) => named(state, id)),
        needed: Math.floor((2 * witnesses.length) / 3) + 1,
        endsMs: run.endsMs,
      },
      closingView,
    )
  })
}
