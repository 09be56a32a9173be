import { X0tError } from '@x0t/core'

/** What `x0t bench mttr` knows of a fault. */
export interface FaultFacts {
  /**
   * Failures of the taxonomy (F1 node crash, F2 kernel data path lost, F3 partition, F4 packet loss, F5 latency, F6
   * DNS, F7 SVID expiry, F8 handshake failure, F9 discovery lost, F10 Byzantine node) that it stands for; none
   * where the taxonomy does not name its kind.
   */
  readonly failures: readonly string[]
  readonly says: string
  /**
   * What it does to a stream over what it hits: it loses packets, and a run in which none was lost is an error; it
   * delays them; or it may do them no harm at all, and then the probe of the fault and the path after it must show
   * that it was there.
   */
  readonly harms: 'packets' | 'delays' | 'maybe'
  /** It lets a part of the packets pass, so that the first arrival after a loss does not tell of another path. */
  readonly isPartial?: true
  /** Whether it hits a link or a host of the path in use, or cuts the mesh in two. */
  readonly hits: 'link' | 'relay' | 'mesh'
  /** Why it can be injected into nodes of x0t only; absent where it can be injected into anything. */
  readonly onlyX0t?: string
  /** It takes effect at the end of the injection, not at its beginning. */
  readonly effect?: 'at the end'
  /** Times count from its end, since nothing can heal before; from the injection where absent. */
  readonly countsFrom?: 'lifting'
}

/** The faults of `x0t bench mttr`. */
export const mttrFaults = {
  'link-down': {
    failures: [],
    says: 'an interface of the link in use is set down: the carrier is lost',
    harms: 'maybe',
    hits: 'link',
  },
  blackhole: {
    failures: ['F2'],
    says: 'the link in use drops everything silently, both ways; its carrier stays',
    harms: 'packets',
    hits: 'link',
  },
  'gray-loss': {
    failures: ['F4'],
    says: 'the link in use loses 20 % of the packets at random, both ways',
    harms: 'packets',
    isPartial: true,
    hits: 'link',
  },
  latency: {
    failures: ['F5'],
    says: 'the link in use delays every packet by 200 ms, both ways',
    harms: 'delays',
    isPartial: true,
    hits: 'link',
  },
  'one-way': {
    failures: ['F2'],
    says: 'the link in use drops everything in the direction of the stream, and nothing in the other',
    harms: 'packets',
    hits: 'link',
  },
  crash: {
    failures: ['F1'],
    says: 'the relay in use dies: SIGKILL, and nothing is forwarded there any more',
    harms: 'packets',
    hits: 'relay',
  },
  freeze: {
    failures: ['F1'],
    says: 'the processes of the relay in use are stopped (SIGSTOP)',
    harms: 'packets',
    hits: 'relay',
  },
  partition: {
    failures: ['F3'],
    says: 'the halves of the mesh with source and destination hear nothing of each other for 3 s',
    harms: 'packets',
    hits: 'mesh',
    countsFrom: 'lifting',
  },
  'svid-expiry': {
    failures: ['F7'],
    says: 'the authority, a host apart, is stopped until all certificates have ended',
    onlyX0t: 'it has no certificates that the testbed could let end',
    countsFrom: 'lifting',
    harms: 'maybe',
    hits: 'relay',
  },
  'handshake-failure': {
    failures: ['F8'],
    says: 'TLS of the control plane with the relay in use is tampered with: connections break, handshakes fail',
    onlyX0t: 'the testbed tampers with handshakes of x0t only',
    harms: 'maybe',
    hits: 'relay',
  },
  'clock-jump': {
    failures: [],
    says: 'the wall clock of the relay in use jumps by an hour',
    onlyX0t: 'the testbed moves clocks of x0t nodes only',
    effect: 'at the end',
    harms: 'maybe',
    hits: 'relay',
  },
  byzantine: {
    failures: ['F10'],
    says: 'the relay in use answers probes and takes part in routing, and eats the traffic',
    harms: 'packets',
    hits: 'relay',
  },
  flap: {
    failures: [],
    says: 'the link in use goes down and up again every 500 ms',
    harms: 'maybe',
    isPartial: true,
    hits: 'link',
  },
} as const satisfies Readonly<Record<string, FaultFacts>>

/** One of {@link mttrFaults}. */
export type MttrFault = keyof typeof mttrFaults

/** The facts of a fault. */
export function factsOf(fault: MttrFault): FaultFacts {
  return mttrFaults[fault]
}

/** The faults with these names, each once; all of them for none. @throws X0tError BENCH_FAULT_UNKNOWN */
export function parseFaultNames(names: readonly string[]): readonly MttrFault[] {
  const known = Object.keys(mttrFaults) as MttrFault[]
  if (names.length === 0) return known
  return [...new Set(names)].map((name) => {
    const fault = known.find((one) => one === name)
    if (fault !== undefined) return fault
    throw new X0tError('BENCH_FAULT_UNKNOWN', `no fault ${JSON.stringify(name.slice(0, 40))}`, {
      exitCode: 2,
      hint: `there are ${known.join(', ')}`,
    })
  })
}
