import { X0tError } from '@x0t/core'
import type { DaoExecuteRequest, DaoExecution, DaoStatus } from '@x0t/local-api'
import type { DaoService } from './dao-service.ts'
import type { RunningDao } from './running-dao.ts'

/** The DAO's part of the daemon's API. */
export interface DaoApi {
  daoStatus(): DaoStatus
  daoSync(): Promise<DaoStatus>
  /** @throws X0tError DAO_NOT_HERE, DAO_PROPOSAL_UNKNOWN */
  daoExecute(request: DaoExecuteRequest): Promise<DaoExecution>
}

/** @param dao the service; undefined until the control plane is up */
export function daoApi(dao: () => DaoService | undefined): DaoApi {
  const status = (): DaoStatus => {
    const running = dao()?.running()
    const problem = dao()?.problem()
    return {
      dao: running === undefined ? null : statusOf(running),
      problem: problem === undefined ? null : { code: problem.code, message: problem.message },
    }
  }
  return {
    daoStatus: status,
    async daoSync() {
      await dao()?.look()
      dao()?.running()?.carrier()?.sync()
      return status()
    },
    async daoExecute({ proposal, dryRun = false }) {
      await dao()?.look()
      const running = dao()?.running()
      if (running === undefined)
        throw new X0tError('DAO_NOT_HERE', 'the home of this node holds no DAO', {
          hint: 'x0t dao init --name NAME founds one; x0t dao import FILE brings another',
        })
      const { parseRecordId } = await import('@x0t/dao')
      const id = parseRecordId(proposal)
      if (!dryRun) await running.executor.look()
      const actions = await running.executor.plan(id)
      return {
        proposal,
        actions: actions.map(({ action, what, stage, untilMs, detail, from, to, takesEffect }) => ({
          action,
          what,
          stage,
          untilMs,
          detail,
          from,
          to,
          takesEffect,
        })),
      }
    },
  }
}

function statusOf(running: RunningDao): NonNullable<DaoStatus['dao']> {
  const state = running.state()
  const carried = running.carrier()?.status()
  return {
    id: running.dao,
    name: state.constitution.name,
    member: running.member() ?? null,
    members: state.members.size,
    records: state.recordCount,
    proposals: { ...running.proposalCounts() },
    rejected: state.rejected.filter(({ isWaiting }) => !isWaiting).length,
    waiting: state.rejected.filter(({ isWaiting }) => isWaiting).length,
    replication: {
      neighbours: [...(carried?.neighbours ?? [])],
      strangers: [...(carried?.strangers ?? [])],
      logs: carried?.logs ?? 0,
      records: carried?.records ?? 0,
      waiting: carried?.waiting ?? 0,
      bytes: carried?.bytes ?? 0,
    },
  }
}
