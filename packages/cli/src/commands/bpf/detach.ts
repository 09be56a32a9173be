import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openKernel, withKernel, type KernelOptions } from './kernel.ts'

export function registerDetach(bpf: Command, context: CommandContext): void {
  withKernel(
    bpf
      .command('detach')
      .description('take attachments off; the programs stay loaded')
      .argument(
        '<attachment>',
        'OBJECT: all of it; OBJECT/PROGRAM; or OBJECT/PROGRAM@PLACE as list shows it',
      ),
  ).action(async (reference: string, options: KernelOptions) => {
    const kernel = await openKernel(options, context)
    const { detachProgram } = await import('@x0t/bpf')
    const result = await detachProgram(kernel.backend, { ...kernel, reference })
    const { detachedView } = await import('../../views/bpf.ts')
    context.output().result(result, detachedView)
  })
}
