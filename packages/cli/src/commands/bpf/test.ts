import type { Command } from 'commander'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { openKernel, withKernel } from './kernel.ts'
import { openProgramToRun, packetsOf, withRun, type RunOptions } from './program-to-run.ts'

interface TestOptions extends RunOptions {
  readonly expect?: string
}

export function registerTest(bpf: Command, context: CommandContext): void {
  withKernel(
    withRun(
      bpf.command('test').description('run a program on packets and tell its verdicts, without attaching it'),
    ).option(
      '--expect <verdict>',
      'exit code 3 unless this is the verdict on every packet: pass, drop, tx, …',
    ),
  ).action(async (reference: string, options: TestOptions) => {
    const packets = await packetsOf(options)
    const kernel = await openKernel(options, context)
    const { nameOfVerdict, verdictOfName } = await import('@x0t/bpf')
    using run = await openProgramToRun(kernel, reference, options)
    const { program, name, type } = run
    const expected = options.expect === undefined ? undefined : verdictOfName(type, options.expect)
    const results = packets.map((packet) => {
      const { verdict, packet: after } = program.testRun(packet)
      return {
        bytes: packet.length,
        verdict: verdict | 0,
        verdictName: nameOfVerdict(type, verdict),
        expected: expected === undefined ? null : (verdict | 0) === expected,
        changed: Buffer.compare(packet, after) !== 0,
        packet: Buffer.from(after).toString('hex'),
      }
    })
    const { testView } = await import('../../views/bpf-verify.ts')
    context.output().result({ program: name, type, results }, testView)
    if (results.some(({ expected }) => expected === false)) context.exitCode(exitCodes.wanting)
  })
}
