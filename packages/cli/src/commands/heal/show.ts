import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

export function registerShow(heal: Command, context: CommandContext): void {
  withHome(
    heal
      .command('show')
      .argument('<id>', 'id of an incident, or the beginning of it')
      .description(
        'explain an incident: what was seen, decided and why, changed, and how long each step took',
      ),
  ).action(async (id: string, options: HomeOption) => {
    const daemon = await openDaemon(options, context)
    const incident = await daemon.healIncident({ id }, { signal: context.signal })
    const { healIncidentView } = await import('../../views/heal.ts')
    context.output().result(incident, healIncidentView)
  })
}
