import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { repeatable } from '../repeatable.ts'
import { openKernelToPin, withKernel, type KernelOptions } from './kernel.ts'
import { readObjectSource } from './object-source.ts'
import { globalsOf } from './options.ts'
import { requireSignature, withSignature, type SignatureOptions } from './signature-options.ts'

interface LoadCommandOptions extends KernelOptions, SignatureOptions {
  readonly as?: string
  readonly set?: readonly string[]
  readonly only?: readonly string[]
}

export function registerLoad(bpf: Command, context: CommandContext): void {
  const command = bpf
    .command('load')
    .description(
      'load an object into the kernel and pin it; exit code 3 if some of its programs were refused',
    )
    .argument('<object>', 'a program that x0t ships (flow, guard, …), or the path of an object file')
    .option('--as <name>', 'the name to load it under')
    .option('--set <name=value>', 'a global of the object, checked against its type; repeatable', repeatable)
    .option('--only <program>', 'only this program of the object; repeatable', repeatable)
    .option('--signature <file>', 'the signature; OBJECT.sig by default')
  withSignature(withKernel(command)).action(async (reference: string, options: LoadCommandOptions) => {
    const source = await readObjectSource(reference)
    const keyFile = options.requireSigned ?? context.streams.env['X0T_BPF_REQUIRE_SIGNED']
    await requireSignature({ object: source.bytes }, options.signature ?? `${source.path}.sig`, keyFile)
    const kernel = await openKernelToPin(options, context)
    const { loadAndPin } = await import('@x0t/bpf')
    const globals = globalsOf(options.set)
    const result = await loadAndPin(kernel.backend, {
      root: kernel.root,
      name: options.as ?? source.name,
      object: source.bytes,
      chainFile: kernel.chainFile,
      options: {
        ...(globals === undefined ? {} : { globals }),
        ...(options.only === undefined ? {} : { programs: options.only }),
      },
    })
    const { loadedView } = await import('../../views/bpf.ts')
    context.output().result(result, loadedView)
    if (result.refusals.length > 0) context.exitCode(3)
  })
}
