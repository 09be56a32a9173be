import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openKernel, withKernel, type KernelOptions } from './kernel.ts'

interface ListOptions extends KernelOptions {
  readonly all?: true
}

export function registerList(bpf: Command, context: CommandContext): void {
  withKernel(
    bpf
      .command('list')
      .description('list what is loaded and where it runs, and what killed commands left')
      .option('--all', 'every program of the kernel, whoever loaded it'),
  ).action(async (options: ListOptions) => {
    const { backend, root } = await openKernel(options, context)
    const output = context.output()
    const { programsView, inventoryView } = await import('../../views/bpf.ts')
    if (options.all === true) {
      const [programs, links] = [await backend.listPrograms(), await backend.listLinks()]
      return output.result({ programs, links }, programsView)
    }
    const { foreignNamespace, readInventory } = await import('@x0t/bpf')
    const namespace = (await foreignNamespace()) ?? null
    output.result({ root, namespace, objects: await readInventory(backend, root) }, inventoryView)
  })
}
