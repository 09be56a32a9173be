import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

export function registerRoutes(mesh: Command, context: CommandContext): void {
  withHome(mesh.command('routes').description('list the routes: path, cost, and who steps in')).action(
    async (options: HomeOption) => {
      const daemon = await openDaemon(options, context)
      const routes = await daemon.meshRoutes(undefined, { signal: context.signal })
      const { routesView } = await import('../../views/mesh.ts')
      context.output().result(routes, routesView)
    },
  )
}
