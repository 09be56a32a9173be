import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { openKernel, withKernel } from './kernel.ts'
import { wholeNumber } from './options.ts'
import { openProgramToRun, packetsOf, withRun, type RunOptions } from './program-to-run.ts'

interface BenchOptions extends RunOptions {
  readonly repeat: number
  readonly samples: number
}

export function registerBench(bpf: Command, context: CommandContext): void {
  withKernel(
    withRun(
      bpf.command('bench').description('measure what a program costs for a packet, without attaching it'),
    )
      .option('--repeat <number>', 'runs of a sample', wholeNumber('--repeat', 1, 100_000_000), 1_000_000)
      .option('--samples <number>', 'samples of a packet', wholeNumber('--samples', 1, 1000), 7),
  ).action(async (reference: string, options: BenchOptions) => {
    const packets = await packetsOf(options)
    const kernel = await openKernel(options, context)
    const { nameOfVerdict, timePacket } = await import('@x0t/bpf')
    using run = await openProgramToRun(kernel, reference, options)
    const { program, name, type } = run
    const results = packets.map((packet) => {
      context.signal.throwIfAborted()
      const timing = timePacket(program, packet, options)
      return { bytes: packet.length, ...timing, verdictName: nameOfVerdict(type, timing.verdict) }
    })
    const { benchView } = await import('../../views/bpf-verify.ts')
    context.output().result({ program: name, type, results }, benchView)
  })
}
