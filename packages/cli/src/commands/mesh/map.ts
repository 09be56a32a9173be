import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openDaemon } from '../node/daemon.ts'
import { withHome, type HomeOption } from '../node/home-option.ts'

interface MapOptions extends HomeOption {
  readonly dot?: boolean
  readonly svg?: boolean
}

export function registerMap(mesh: Command, context: CommandContext): void {
  withHome(mesh.command('map').description('show all members and the cheapest paths to them'))
    .option('--dot', 'print the map for Graphviz')
    .addOption(new Option('--svg', 'print the map as an SVG drawing').conflicts('dot'))
    .action(async (options: MapOptions) => {
      const daemon = await openDaemon(options, context)
      const map = await daemon.meshMap(undefined, { signal: context.signal })
      if (options.svg === true) {
        const { svgView } = await import('../../views/mesh-svg.ts')
        context.output().result(map, svgView)
      } else if (options.dot === true) {
        const { dotView } = await import('../../views/mesh-dot.ts')
        context.output().result(map, dotView)
      } else {
        const { mapView } = await import('../../views/mesh.ts')
        context.output().result(map, mapView)
      }
    })
}
