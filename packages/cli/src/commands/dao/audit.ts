import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { auditReportOf } from './audit-report.ts'
import { openDao } from './open-dao.ts'

export function registerAudit(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('audit')
      .description(
        'look for what nobody should have done, and what splitting a balance would gain; exit code 3 for a finding',
      ),
  ).action(async (options: HomeOption) => {
    await using opened = await openDao(options, context)
    const report = await auditReportOf(await opened.state(), Date.now())
    const { auditView } = await import('../../views/dao-audit.ts')
    context.output().result(report, auditView)
    if (report.findings.length > 0) context.exitCode(exitCodes.wanting)
  })
}
