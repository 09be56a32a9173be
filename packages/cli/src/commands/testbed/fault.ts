import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { CommandContext } from '../../main.ts'
import { bedOf, withBed, type BedOption } from './bed-option.ts'

export function registerFault(testbed: Command, context: CommandContext): void {
  withBed(
    testbed
      .command('fault')
      .description('inject a fault, or heal it with --clear')
      .argument('[target]', 'link:a-b or node:a')
      .argument('[fault]', 'down, blackhole, loss=10%, latency=50ms; for a node: crash, freeze'),
  )
    .option('--clear', 'heal: this fault, all of the target, or all of the testbed')
    .addHelpText(
      'after',
      '\nblackhole drops silently in both directions while the link stays up; loss drops each packet by chance, in\n' +
        'each direction; crash is SIGKILL, freeze is SIGSTOP. latency needs a kernel with netem.',
    )
    .action(
      async (
        target: string | undefined,
        fault: string | undefined,
        options: BedOption & { clear?: boolean },
      ) => {
        const { clearFaults, injectFault } = await import('@x0t/testbed')
        const { faultsView } = await import('../../views/testbed.ts')
        if (options.clear !== true && (target === undefined || fault === undefined)) {
          throw new X0tError('USAGE', 'a fault needs a target and a kind, or --clear', {
            hint: 'x0t testbed fault link:a-b blackhole',
            exitCode: 2,
          })
        }
        const bed = await bedOf(options, context)
        if (options.clear === true) {
          const cleared = await clearFaults(bed, {
            ...(target === undefined ? {} : { target }),
            ...(fault === undefined ? {} : { action: fault }),
          })
          context.output().result({ cleared }, (value) => faultsView('healed', value.cleared))
          return
        }
        const injected = await injectFault(bed, target!, fault!)
        context.output().result({ injected }, (value) => faultsView('injected', [value.injected]))
      },
    )
}
