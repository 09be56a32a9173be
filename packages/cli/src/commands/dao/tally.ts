import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { explainVoices } from './explain-voices.ts'
import { findProposal } from './find-by-prefix.ts'
import { openDao } from './open-dao.ts'
import { tallyReportOf } from './proposal-report.ts'

interface TallyOptions extends HomeOption {
  readonly explain?: boolean
  readonly bytes?: string
}

export function registerTally(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('tally')
      .argument('<proposal>', 'id of the proposal, or the beginning of it')
      .description('count: scores, shares, every rule with what it found, outcome; says whether it is final')
      .option('--explain', "every ballot's weight, and whose it is")
      .option('--bytes <file>', 'write the bytes of the tally: the same on every node'),
  ).action(async (id: string, options: TallyOptions) => {
    await using opened = await openDao(options, context)
    const { resultOf, tallyBytes } = await import('@x0t/dao')
    const state = await opened.state()
    const view = findProposal(state, id)
    const nowMs = Date.now()
    const result = resultOf(state, view.id, nowMs)
    const bytes = tallyBytes(result.tally)
    if (options.bytes !== undefined) await writeFile(options.bytes, bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const report = {
      ...tallyReportOf(state, view, result, sha256),
      ...(options.explain === true ? { explained: await explainVoices(state, view) } : {}),
    }
    const { tallyView } = await import('../../views/dao-tally.ts')
    context.output().result(report, (value) => tallyView(value, nowMs))
  })
}
