import type { Command } from 'commander'
import { hasCode, X0tError } from '@x0t/core'
import type { DaoState, ProposalView } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import type { ExecutionPlan } from '../../views/dao-execution.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { findProposal } from './find-by-prefix.ts'
import { openDao } from './open-dao.ts'
import { ownMemberIfOpen } from './own-keys.ts'

interface ExecuteOptions extends HomeOption {
  readonly dryRun?: boolean
}

export function registerExecute(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('execute')
      .argument('<proposal>', 'id of the proposal, or the beginning of it')
      .description('let the running node carry out now what was decided and is due; it does so by itself too')
      .option(
        '--dry-run',
        'say what this node would do and when; a running node also tells what changes from what to what',
      ),
  ).action(async (word: string, options: ExecuteOptions) => {
    await using opened = await openDao(options, context)
    const before = await opened.state()
    const view = findProposal(before, word)
    const { executionPlanView } = await import('../../views/dao-execution.ts')
    const output = context.output()
    const print = (plan: ExecutionPlan): void => output.result(plan, executionPlanView)
    if (view.record.body.actions.length === 0)
      throw new X0tError('DAO_NO_ACTIONS', 'this proposal changes nothing in the mesh: it has no actions')
    if (options.dryRun === true) {
      const plan = await planOf(opened.home, before, view)
      const actions = await changesAtNode(view.id, options, context)
      return print(actions === undefined ? plan : { ...plan, actions })
    }
    const daemon = await openDaemon(options, context)
    const { signal } = context
    const { actions } = await daemon.daoExecute({ proposal: view.id }, { signal })
    const { resultOf } = await import('@x0t/dao')
    const after = await opened.state()
    const { state } = resultOf(after, view.id, Date.now())
    print({ proposal: view.id, title: view.record.body.title, state, actions })
    if (actions.some(({ stage }) => stage !== 'executed')) context.exitCode(1)
  })
}

/** What would change from what to what, as the running node tells; undefined where none runs, or it follows no DAO. */
async function changesAtNode(
  proposal: ProposalView['id'],
  options: HomeOption,
  context: CommandContext,
): Promise<ExecutionPlan['actions'] | undefined> {
  const daemon = await openDaemon(options, context)
  try {
    return (await daemon.daoExecute({ proposal, dryRun: true }, { signal: context.signal })).actions
  } catch (error) {
    if (hasCode(error, 'NO_DAEMON') || hasCode(error, 'DAO_NOT_HERE')) return undefined
    throw error
  }
}

/** What this node has done and has to do about each action. */
async function planOf(home: string, state: DaoState, view: ProposalView): Promise<ExecutionPlan> {
  const { actionWords, executionOf, resultOf } = await import('@x0t/dao')
  const nowMs = Date.now()
  const result = resultOf(state, view.id, nowMs)
  const self = (await ownMemberIfOpen(home, state)) ?? null
  const outcome = result.isFinal ? result.tally.outcome : null
  const { actions, title } = view.record.body
  return {
    proposal: view.id,
    title,
    state: result.state,
    actions: executionOf(view, { outcome, self, nowMs }).map(({ action, stage, untilMs, detail }) => ({
      action,
      what: actionWords(actions[action]!),
      stage,
      untilMs,
      detail,
      from: null,
      to: null,
    })),
  }
}
