import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { confirm } from '../node/confirm.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

export function registerSafeMode(heal: Command, context: CommandContext): void {
  const safeMode = heal.command('safe-mode').description('let the loop observe only, or act again')
  withHome(
    safeMode
      .command('enter')
      .description('observe only, until a person ends it')
      .option('--reason <text>', 'why, for the record', 'ordered by a person'),
  ).action(async (options: HomeOption & { readonly reason: string }) => {
    const daemon = await openDaemon(options, context)
    const { reason } = options
    const status = await daemon.safeMode({ isOn: true, reason }, { signal: context.signal })
    context.output().result(status, () => 'SAFE_MODE: the loop observes and does not act')
  })
  withHome(safeMode.command('leave').description('act again').option('-y, --yes', 'do not ask')).action(
    async (options: HomeOption & { readonly yes?: boolean }) => {
      const daemon = await openDaemon(options, context)
      const { safeMode: before } = await daemon.healStatus(undefined, { signal: context.signal })
      if (before === null) return context.output().note('the loop is not in SAFE_MODE')
      if (options.yes !== true)
        await confirm(`The loop entered SAFE_MODE: ${before.reason}. Let it act again?`, context)
      const status = await daemon.safeMode({ isOn: false }, { signal: context.signal })
      context.output().result(status, () => 'the loop acts again')
    },
  )
}
