import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { repeatable } from '../repeatable.ts'
import { openKernel, withKernel, type KernelOptions } from './kernel.ts'
import { readObjectSource } from './object-source.ts'
import { globalsOf } from './options.ts'

interface VerifyOptions extends KernelOptions {
  readonly log?: true
  readonly set?: readonly string[]
}

export function registerVerify(bpf: Command, context: CommandContext): void {
  withKernel(
    bpf
      .command('verify')
      .description(
        'load an object, tell what the verifier says of it, and unload; exit code 3 if it refuses a program',
      )
      .argument('<object>', 'a program that x0t ships, or the path of an object file')
      .option('--set <name=value>', 'a global of the object; repeatable', repeatable)
      .option('--log', 'the whole log of the verifier, with source lines'),
  ).action(async (reference: string, options: VerifyOptions) => {
    const source = await readObjectSource(reference)
    const { backend } = await openKernel(options, context)
    const { readVerifierReport } = await import('@x0t/bpf')
    const globals = globalsOf(options.set)
    using loaded = await backend.load(source.bytes, {
      log: options.log === true ? 'all' : 'statistics',
      ...(globals === undefined ? {} : { globals }),
    })
    const infos = new Map((await backend.listPrograms()).map((info) => [info.id, info]))
    const programs = [...loaded.programs].map(([name, { id, spec }]) => {
      const info = infos.get(id)
      const log = loaded.logs.get(name) ?? ''
      return {
        name,
        section: spec.section,
        instructions: spec.instructions,
        translatedBytes: info?.instructionBytes ?? null,
        jitedBytes: info?.jitedBytes ?? null,
        ...readVerifierReport(log),
        ...(options.log === true ? { log } : {}),
      }
    })
    const maps = [...loaded.maps].map(([name, { spec }]) => ({ ...spec, name }))
    const { verifyView } = await import('../../views/bpf-verify.ts')
    const result = { object: source.name, programs, maps, refusals: loaded.refusals }
    context.output().result(result, verifyView)
    if (loaded.refusals.length > 0) context.exitCode(exitCodes.wanting)
  })
}
