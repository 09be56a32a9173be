import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'

export function registerDoctor(bpf: Command, context: CommandContext): void {
  bpf
    .command('doctor')
    .description(
      'try what the programs need of this kernel, and say why something does not work; exit code 3 then',
    )
    .action(async () => {
      const { chooseBackend, probeFeatures } = await import('@x0t/bpf')
      const { backend, reason } = await chooseBackend()
      const features = await probeFeatures()
      const { featuresView } = await import('../../views/bpf.ts')
      context.output().result({ backend: backend.name, reason, features }, featuresView)
      if (features.some(({ status }) => status !== 'works' && status !== 'untried'))
        context.exitCode(exitCodes.wanting)
    })
}
