import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerMap } from './map.ts'
import { registerPaths } from './paths.ts'
import { registerRoutes } from './routes.ts'
import { registerTrace } from './trace.ts'

/** `x0t mesh …`: the mesh as the node of this machine sees it. */
export function registerMesh(program: Command, context: CommandContext): void {
  const mesh = program
    .command('mesh')
    .description('the mesh as this node sees it: map, routes, paths, traces')
  registerMap(mesh, context)
  registerRoutes(mesh, context)
  registerPaths(mesh, context)
  registerTrace(mesh, context)
}
