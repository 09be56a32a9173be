import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'
import { repeatable } from '../repeatable.ts'
import { isReceipt, verifyReceiptFile } from './verify-receipt-file.ts'

interface VerifyOptions extends HomeOption {
  readonly dao?: string
  readonly with?: string
  readonly member?: readonly string[]
}

export function registerVerify(dao: Command, context: CommandContext): void {
  withHome(
    dao
      .command('verify')
      .argument('<file>', 'a bundle or a receipt')
      .description(
        'check a bundle or a receipt and count again; needs no node and no network; exit code 3 with each finding',
      )
      .option('--dao <id>', 'the DAO that it must be of: the id of its first record, from somebody you trust')
      .option('--with <bundle>', 'for a receipt: the records of the DAO, or at least its members')
      .option(
        '--member <card>',
        'for a receipt: the card of a member, instead of records; repeat it',
        repeatable,
      ),
  ).action(async (file: string, options: VerifyOptions) => {
    const { parseRecordId, verifyBundle } = await import('@x0t/dao')
    const expected = options.dao === undefined ? undefined : parseRecordId(options.dao)
    if (await isReceipt(file)) {
      const report = await verifyReceiptFile(file, { ...options, expected }, context)
      const { verifiedReceiptView } = await import('../../views/dao-verify.ts')
      context.output().result(report, verifiedReceiptView)
      if (!report.ok) context.exitCode(exitCodes.wanting)
      return
    }
    const { signal } = context
    const report = await verifyBundle(file, { signal, ...(expected === undefined ? {} : { dao: expected }) })
    const { verifiedBundleView } = await import('../../views/dao-verify.ts')
    context.output().result({ kind: 'bundle', file, ...report }, verifiedBundleView)
    if (!report.ok) context.exitCode(exitCodes.wanting)
  })
}
