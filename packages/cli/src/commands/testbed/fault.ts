import type { Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { ActiveFault } from '@x0t/testbed'
import type { CommandContext } from '../../main.ts'
import type { FaultLine } from '../../views/testbed.ts'
import { bedOf, withBed, type BedOption } from './bed-option.ts'

const faultsHelp = `
Faults of a link:
  down               one end is set down, the other loses its carrier; with --cables bpf both lose it
  flap=500ms         down for 500 ms, up for 500 ms, and so on
  blackhole          both directions are dropped in silence, the carrier stays
  one-way            what a sends to b is dropped in silence, the other direction works
  loss=10%           each packet is lost by chance, probes and data alike, in both directions
  loss-from=10%      only what a sends to b
  handshake-failure  bytes of the TLS connections of the control plane are changed, in the middle of
                     the ML-KEM key of a handshake: they break, new ones fail; UDP passes
  latency=100ms±5ms  each packet waits in each direction; the jitter may be left out
Faults of a node:
  crash, freeze      SIGKILL, SIGSTOP
  byzantine          answers probes and control traffic, eats the data it should forward for others;
                     byzantine=400B also eats every packet of 400 bytes and more that leaves it
  handshake-failure  as above, on all links of the node
  svid-expiry        its certificate ends, as the authority is frozen; up with --set identity.svid_ttl=1m
  clock-jump=+3600s  its wall clock jumps; up with --movable-clock
Faults of a set:
  partition          everything between the set and all other hosts is dropped in silence
`

export function registerFault(testbed: Command, context: CommandContext): void {
  withBed(
    testbed
      .command('fault')
      .description('inject a fault, or heal it with --clear')
      .argument('[target]', 'link:a-b, node:a, or set:a+b: these hosts against all others')
      .argument('[fault]', 'what is to happen, as listed below'),
  )
    .option('--clear', 'heal: this fault, all of the target, or all of the testbed')
    .addHelpText('after', faultsHelp)
    .action(
      async (
        target: string | undefined,
        fault: string | undefined,
        options: BedOption & { clear?: boolean },
      ) => {
        const { clearFaults, faultText, injectFault } = await import('@x0t/testbed')
        const { faultsView } = await import('../../views/testbed.ts')
        if (options.clear !== true && (target === undefined || fault === undefined)) {
          throw new X0tError('USAGE', 'a fault needs a target and a kind, or --clear', {
            hint: 'x0t testbed fault link:a-b blackhole',
            exitCode: 2,
          })
        }
        const bed = await bedOf(options, context)
        const lineOf = (fault: ActiveFault): FaultLine => ({ target: fault.target, text: faultText(fault) })
        if (options.clear === true) {
          const cleared = await clearFaults(bed, {
            ...(target === undefined ? {} : { target }),
            ...(fault === undefined ? {} : { action: fault }),
          })
          context.output().result({ cleared }, (value) => faultsView('healed', value.cleared.map(lineOf)))
          return
        }
        const injected = await injectFault(bed, target!, fault!)
        context.output().result({ injected }, (value) => faultsView('injected', [lineOf(value.injected)]))
      },
    )
}
