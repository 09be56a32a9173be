import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openKernel, withKernel, type KernelOptions } from './kernel.ts'

export function registerUnload(bpf: Command, context: CommandContext): void {
  withKernel(
    bpf
      .command('unload')
      .description('remove an object with its attachments, and what killed commands left of it')
      .argument('<object>', 'as x0t bpf list names it'),
  ).action(async (name: string, options: KernelOptions) => {
    const kernel = await openKernel(options, context)
    const { unloadObject } = await import('@x0t/bpf')
    const result = await unloadObject(kernel.backend, { ...kernel, name })
    const { unloadedView } = await import('../../views/bpf.ts')
    context.output().result(result, unloadedView)
  })
}
