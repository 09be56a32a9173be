import type { Command } from 'commander'
import type { SignedRecord } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { findProposal } from './find-by-prefix.ts'
import { openDao } from './open-dao.ts'
import { writeRecords } from './write-records.ts'

interface ExportOptions extends HomeOption {
  readonly force?: boolean
  readonly proposal?: string
}

export function registerExport(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('export')
      .argument('<file>', 'the bundle to write')
      .description('write every record to a file: to carry by hand, to publish, to verify')
      .option(
        '--proposal <id>',
        'only what a check of this proposal needs: registry, proposal, ballots, seals',
      )
      .option('--force', 'replace the file'),
  ).action(async (file: string, options: ExportOptions) => {
    await using opened = await openDao(options, context)
    const state = await opened.state()
    const only = options.proposal === undefined ? undefined : findProposal(state, options.proposal).id
    const wanted = ({ record: { kind, body } }: SignedRecord): boolean =>
      only === undefined ||
      (kind === 'vote' || kind === 'seal' || kind === 'execution' ? body.proposal === only : true)
    async function* records(): AsyncGenerator<SignedRecord> {
      for await (const record of opened.store.all()) if (wanted(record)) yield record
    }
    const written = await writeRecords(file, records(), { force: options.force === true })
    const { exportedBundleView } = await import('../../views/dao-bundle.ts')
    context.output().result({ file, dao: state.dao, ...written }, exportedBundleView)
  })
}
