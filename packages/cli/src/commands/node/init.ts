import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { configOf, type ConfigOptions } from './config-flags.ts'
import { withHome } from './home-option.ts'
import { makeLog } from './make-log.ts'
import { meshNameOf } from './node-program.ts'

export function registerInit(node: Command, context: CommandContext): void {
  withHome(
    node
      .command('init')
      .description('make the keys, the mesh and its authority of a first node without starting it')
      .option('--name <name>', 'name shown to the other members (default: the host name)')
      .option('--mesh <name>', 'name of the mesh (default: from the name of the node)'),
  ).action(async (options: ConfigOptions & { readonly mesh?: string }) => {
    const { home, config } = await configOf(options, context)
    using log = await makeLog(config, context.streams)
    const { initNode } = await import('@x0t/node')
    const { name } = config.node
    const made = await initNode({ home, meshName: meshNameOf(options.mesh, name), name, log })
    const { identityView } = await import('../../views/node.ts')
    if (!made.created) context.output().note(`${home} holds a node already; nothing was changed`)
    context.output().result(made, identityView)
  })
}
