import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { openKernel, withKernel, type KernelOptions } from './kernel.ts'

export function registerShow(bpf: Command, context: CommandContext): void {
  withKernel(
    bpf
      .command('show')
      .description(
        'show all of an object, or of any program of the kernel by its id, and which processes hold it',
      )
      .argument('<object-or-id>', 'a name of x0t bpf list, or the id of a program'),
  ).action(async (reference: string, options: KernelOptions) => {
    const { backend, root } = await openKernel(options, context)
    const { findHolders, readInventory } = await import('@x0t/bpf')
    const { objectView, programView } = await import('../../views/bpf.ts')
    const output = context.output()
    if (/^\d+$/.test(reference)) {
      const program = (await backend.listPrograms()).find(({ id }) => id === Number(reference))
      if (program === undefined)
        throw new X0tError('BPF_OBJECT_NOT_FOUND', `the kernel has no program ${reference}`, {
          hint: 'x0t bpf list --all',
        })
      const links = (await backend.listLinks()).filter(({ programId }) => programId === program.id)
      const [holders] = await findHolders([{ kind: 'program', id: program.id }])
      return output.result({ program, links, holders: holders! }, programView)
    }
    const name = reference.split('/')[0]!
    const objects = (await readInventory(backend, root)).filter((object) => object.name === name)
    if (objects.length === 0)
      throw new X0tError('BPF_NOT_LOADED', `nothing named ${name} is loaded`, {
        hint: 'x0t bpf list shows what is',
      })
    output.result({ objects }, (value) => value.objects.map(objectView).join('\n\n'))
  })
}
