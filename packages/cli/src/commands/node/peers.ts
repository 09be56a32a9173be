import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from './daemon.ts'
import { withHome, type HomeOption } from './home-option.ts'

export function registerPeers(node: Command, context: CommandContext): void {
  withHome(node.command('peers').description('list the neighbours: latency, loss, traffic')).action(
    async (options: HomeOption) => {
      const daemon = await openDaemon(options, context)
      const peers = await daemon.peers(undefined, { signal: context.signal })
      const { peersView } = await import('../../views/node.ts')
      context.output().result(peers, (value) => peersView(value, Date.now()))
    },
  )
}
