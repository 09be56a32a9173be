import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { addMeshOptions, runMesh, type MeshFlags } from './mttr-mesh.ts'
import { addUrlOptions, runUrl, type UrlFlags } from './mttr-url.ts'
import { withReport } from './report-options.ts'

export function registerMttr(bench: Command, context: CommandContext): void {
  const command = bench
    .command('mttr')
    .description('time to recovery under real faults, on real packets: of the overlay, or of an HTTP service')
  withReport(addUrlOptions(addMeshOptions(command))).action(async (flags: MeshFlags & UrlFlags) => {
    await (flags.url === undefined ? runMesh(flags, context) : runUrl(flags.url, flags, context))
  })
}
