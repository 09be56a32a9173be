import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { Client, HealIncident } from '@x0t/local-api'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { confirm } from '../node/confirm.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

interface DrillOptions extends HomeOption {
  readonly node?: string
  readonly ms: string
  readonly force?: boolean
  readonly yes?: boolean
}

/** How long after the link was to come back the incident may still be open. */
const patienceMs = 60_000
const lookEveryMs = 100

export function registerDrill(heal: Command, context: CommandContext): void {
  withHome(
    heal
      .command('drill')
      .description('drop the data link to a neighbour for a moment, for real, and show how that was healed')
      .option('--node <node>', 'the neighbour: id, name or address; else one that a second path leads round')
      .option('--ms <ms>', 'for so long, 50 to 60000', '1000')
      .option('--force', 'also where no second path leads round the neighbour')
      .option('-y, --yes', 'do not ask'),
  ).action(async (options: DrillOptions) => {
    const forMs = Number(options.ms)
    if (!Number.isInteger(forMs) || forMs < 50 || forMs > 60_000)
      throw new X0tError('USAGE', '--ms takes a whole number from 50 to 60000', { exitCode: 2 })
    const daemon = await openDaemon(options, context)
    const whom = options.node ?? 'a neighbour'
    if (options.yes !== true) await confirm(`Drop the data link to ${whom} for ${forMs} ms?`, context)
    const request = {
      forMs,
      ...(options.node === undefined ? {} : { node: options.node }),
      ...(options.force === true ? { force: true } : {}),
    }
    const drill = await daemon.drill(request, { signal: context.signal })
    const output = context.output()
    if (!output.json) output.note(`the data link to ${drill.name || drill.id.slice(0, 10)} is down; watching`)
    const incident = await waitForEnd(daemon, drill, context)
    const { healIncidentView } = await import('../../views/heal.ts')
    output.result(incident, healIncidentView)
    if (incident.recoveredAfterMs === null) context.exitCode(exitCodes.wanting)
  })
}

/** The incident of the drill, when it is over or patience has ended. @throws X0tError DRILL_IMPOSSIBLE if there is none */
async function waitForEnd(
  daemon: Client,
  { id, forMs, startedAtMs }: { readonly id: string; readonly forMs: number; readonly startedAtMs: number },
  { signal }: CommandContext,
): Promise<HealIncident> {
  const endMs = performance.now() + forMs + patienceMs
  for (;;) {
    const { incidents } = await daemon.healHistory({ sinceMs: Math.max(0, startedAtMs - 5000) }, { signal })
    const incident = incidents.find(({ isDrill, entity }) => isDrill && entity === `node:${id}`)
    if (incident !== undefined && incident.outcome !== 'open') return incident
    if (performance.now() > endMs) {
      if (incident !== undefined) return incident
      throw new X0tError(
        'DRILL_IMPOSSIBLE',
        'the loop saw no incident: the link was not used, or came back at once',
      )
    }
    await delay(lookEveryMs, undefined, { signal })
  }
}
