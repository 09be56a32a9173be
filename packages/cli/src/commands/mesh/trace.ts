import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

export function registerTrace(mesh: Command, context: CommandContext): void {
  withHome(
    mesh
      .command('trace')
      .argument('<node>', 'node id, start of an id, name or address')
      .description(
        'send a probe to a member and show each hop with its round-trip time; 3 if it is not reached',
      ),
  ).action(async (to: string, options: HomeOption) => {
    const daemon = await openDaemon(options, context)
    const trace = await daemon.trace({ to }, { signal: context.signal })
    const { traceView } = await import('../../views/mesh.ts')
    context.output().result(trace, traceView)
    if (!trace.reached) context.exitCode(exitCodes.wanting)
  })
}
