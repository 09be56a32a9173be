import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerArtifact } from './artifact.ts'
import { registerAudit } from './audit.ts'
import { registerClose } from './close.ts'
import { registerCount } from './count.ts'
import { registerDelegate } from './delegate.ts'
import { registerDiff } from './diff.ts'
import { registerExecute } from './execute.ts'
import { registerExport } from './export.ts'
import { registerImport } from './import.ts'
import { registerInit } from './init.ts'
import { registerList } from './list.ts'
import { registerMember } from './member.ts'
import { registerPropose } from './propose.ts'
import { registerReceipt } from './receipt.ts'
import { registerShow } from './show.ts'
import { registerTally } from './tally.ts'
import { registerVerify } from './verify.ts'
import { registerVeto } from './veto.ts'
import { registerVote } from './vote.ts'
import { registerWatch } from './watch.ts'

/** `x0t dao …`: decisions of the members, from the first record to the change in the mesh. */
export function registerDao(program: Command, context: CommandContext): void {
  const dao = program
    .command('dao')
    .description('decide together: members, proposals, ballots, counts that anyone can check')
  registerInit(dao, context)
  registerMember(dao, context)
  registerPropose(dao, context)
  registerList(dao, context)
  registerShow(dao, context)
  registerVote(dao, context)
  registerDelegate(dao, context)
  registerTally(dao, context)
  registerClose(dao, context)
  registerReceipt(dao, context)
  registerVerify(dao, context)
  registerExecute(dao, context)
  registerVeto(dao, context)
  registerArtifact(dao, context)
  registerExport(dao, context)
  registerImport(dao, context)
  registerDiff(dao, context)
  registerAudit(dao, context)
  registerCount(dao, context)
  registerWatch(dao, context)
}
