import { factsOf, type MttrFault } from './fault-names.ts'
import type { CableKind } from '@x0t/testbed'
import type { Scheduling } from './scheduling.ts'
import { lateByMs, mostStall, overdueMs, quietMs } from './measure-stream.ts'

import { payloadBytes } from './stream/log.ts'

export interface NotedOptions {
  readonly faults: readonly MttrFault[]
  readonly rateHz: number
  readonly observeMs: number
  readonly seed: number
  readonly scheduling: Scheduling
  readonly cables?: CableKind
}

/** How it was measured, and what the figures do not show. */
export function mttrNotes({
  faults,
  rateHz,
  observeMs,
  seed,
  scheduling,
  cables = 'veth',
}: NotedOptions): readonly string[] {
  return [
    `One numbered UDP datagram of ${payloadBytes} bytes every ${1000 / rateHz} ms from end to end; sender and receiver run with ` +
      'real-time priority, the same for every system, on the same monotonic clock. ' +
      `A fault hits what the interface counters show to be in use, at a random moment (seed ${seed}).`,
    'outage: longest run of missing sequence numbers times the interval, from the first datagram that the fault took. ' +
      'detect: until the system itself noticed, where it can tell; verified: until its own sensor was content. reroute: until the first datagram arrived again. ' +
      `recovery: until from then on, for ${quietMs / 1000} s or more and until the fault was lifted, nothing was lost and, of faults that delay, at most 1 % came later than the 99th percentile ` +
      `of before by ${lateByMs} ms; watched for ${observeMs / 1000} s at most. lost, duplicated, reordered: exact, until the fault is lifted; what takes longer than ${overdueMs / 1000} s is lost.`,
    `A run counts only if an independent probe saw the fault (counters, carrier, process state). A run in which the sender ` +
      `or the receiver stalled for more than ${mostStall(1000 / rateHz)} ms at an end of the outage is invalid. All runs that do not count are listed.`,
    ...faults.map((fault) => {
      const { failures, says } = factsOf(fault)
      return `${fault}${failures.length === 0 ? '' : ` (${failures.join(', ')})`}: ${says}.`
    }),
    scheduling === 'round-robin'
      ? 'All processes of all systems run in real time (SCHED_RR, priority 1), so that other work on the machine does not hold up a timer.'
      : 'The processes of the systems are scheduled as any other: work on the machine may hold up their timers.',
    'All hosts are network namespaces of one machine, joined by veth pairs: the daemons share its cores, and links between ' +
      'machines behave otherwise.',
    ...(cables === 'bpf'
      ? [
          'Between the two ends of each link lies a program with a fault switch, for all systems alike: it drops both directions ' +
            'from one packet to the next, also what XDP forwards, and the moment of the fault is known to the microsecond. There ' +
            'link-down takes the carrier from both hosts, and crash cuts all links of a host that forwards in its kernel at once.',
        ]
      : []),
  ]
}
