import { Option, type Command } from 'commander'
import { proposalStates } from '@x0t/dao/states'
import type { ProposalState } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { openDao } from './open-dao.ts'
import { summaryOf } from './proposal-report.ts'

interface ListOptions extends HomeOption {
  readonly state?: ProposalState
}

export function registerList(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('list')
      .description('list the proposals, the latest first')
      .addOption(new Option('--state <state>', 'only those that stand so').choices(proposalStates)),
  ).action(async (options: ListOptions) => {
    await using opened = await openDao(options, context)
    const { resultOf } = await import('@x0t/dao')
    const state = await opened.state()
    const nowMs = Date.now()
    const proposals = [...state.proposals.values()]
      .map((view) => summaryOf(state, view, resultOf(state, view.id, nowMs)))
      .filter((one) => options.state === undefined || one.state === options.state)
      .toSorted((one, other) => other.closesMs - one.closesMs || (one.id < other.id ? -1 : 1))
    const { proposalListView } = await import('../../views/dao.ts')
    context
      .output()
      .result({ dao: state.dao, name: state.constitution.name, proposals }, (list) =>
        proposalListView(list, nowMs),
      )
  })
}
