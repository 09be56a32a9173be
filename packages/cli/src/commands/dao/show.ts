import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { findProposal } from './find-by-prefix.ts'
import { openDao } from './open-dao.ts'
import { ownMemberIfOpen } from './own-keys.ts'
import { detailsOf } from './proposal-report.ts'

export function registerShow(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('show')
      .argument('<proposal>', 'id of the proposal, or the beginning of it')
      .description('show a proposal: text, choices, every rule, actions, times, witnesses'),
  ).action(async (id: string, options: HomeOption) => {
    await using opened = await openDao(options, context)
    const { resultOf } = await import('@x0t/dao')
    const state = await opened.state()
    const view = findProposal(state, id)
    const nowMs = Date.now()
    const own = await ownMemberIfOpen(opened.home, state)
    const { proposalView } = await import('../../views/dao.ts')
    const details = detailsOf(state, view, resultOf(state, view.id, nowMs), own)
    context.output().result(details, (value) => proposalView(value, nowMs))
  })
}
