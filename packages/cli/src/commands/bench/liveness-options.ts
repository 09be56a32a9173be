import { InvalidArgumentError, Option, type Command } from 'commander'
import { X0tError } from '@x0t/core'
import type { KernelLiveness } from '@x0t/bench'
import type { CableKind } from '@x0t/testbed'

/** Who watches the links of x0t, and what joins the hosts. */
export interface LivenessFlags {
  readonly liveness: 'userspace' | 'kernel'
  readonly probeInterval?: number
  readonly cables?: CableKind
}

/** Datagrams a second where the kernel watches: outages of a millisecond ask for a fine ruler. */
export const kernelRateHz = 10_000

/** Adds the options of {@link LivenessFlags}. */
export function addLivenessOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--liveness <kind>',
        'who watches the links of x0t and forwards: its processes, or programs in the kernel',
      )
        .choices(['userspace', 'kernel'])
        .default('userspace'),
    )
    .option(
      '--probe-interval <ms>',
      'with --liveness kernel: between two probes of a neighbour, 0.25 to 1000 (default: as the node has it)',
      intervalMs,
    )
    .addOption(
      new Option(
        '--cables <kind>',
        'what joins the hosts of all systems: veth pairs, or a program that also breaks what XDP forwards ' +
          '(default: bpf with --liveness kernel, else veth)',
      ).choices(['veth', 'bpf']),
    )
}

/**
 * What the flags mean: `kernel` is undefined where processes watch.
 * @throws X0tError USAGE on flags that contradict each other
 */
export function livenessOf({ liveness, probeInterval, cables }: LivenessFlags): {
  readonly kernel: KernelLiveness | undefined
  readonly cables: CableKind
} {
  const isKernel = liveness === 'kernel'
  if (probeInterval !== undefined && !isKernel)
    throw usage('--probe-interval is of probes that the kernel sends', '--liveness kernel')
  if (isKernel && cables === 'veth')
    throw usage('rules on the hosts do not break what XDP forwards', '--cables bpf')
  return {
    kernel: isKernel ? (probeInterval === undefined ? {} : { probeIntervalMs: probeInterval }) : undefined,
    cables: cables ?? (isKernel ? 'bpf' : 'veth'),
  }
}

function usage(problem: string, hint: string): X0tError {
  return new X0tError('USAGE', problem, { exitCode: 2, hint })
}

function intervalMs(text: string): number {
  const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN
  if (value >= 0.25 && value <= 1000) return value
  throw new InvalidArgumentError('expected milliseconds, 0.25 to 1000')
}
