/**
 * The faults of `x0t bench mttr`, each with the failures of the taxonomy (F1 node crash, F2 kernel data path lost,
 * F3 partition, F4 packet loss, F5 latency, F6 DNS, F7 SVID expiry, F8 handshake failure, F9 discovery lost, F10
 * Byzantine node) that it stands for; a fault with none is of a kind that the taxonomy does not name.
 */
export const mttrFaults = {
  'link-down': { failures: [], says: 'an interface of the link in use is set down: the carrier is lost' },
  blackhole: { failures: ['F2'], says: 'the link in use drops everything silently; its carrier stays' },
  'gray-loss': { failures: ['F4'], says: 'the link in use loses 10 to 30 % of the packets at random' },
  latency: { failures: ['F5'], says: 'the link in use delays by 100 to 500 ms' },
  'one-way': { failures: ['F2'], says: 'the link in use drops everything in the direction of the stream' },
  crash: { failures: ['F1'], says: 'the relay in use dies: SIGKILL, and it forwards nothing more' },
  freeze: { failures: ['F1'], says: 'the processes of the relay in use are stopped (SIGSTOP)' },
  partition: { failures: ['F3'], says: 'two halves of the mesh hear nothing of each other for a while' },
  'svid-expiry': { failures: ['F7'], says: 'the certificate of the relay in use ends without renewal' },
  'handshake-failure': { failures: ['F8'], says: 'handshakes with the relay in use fail' },
  'clock-jump': { failures: [], says: 'the wall clock of the relay in use jumps' },
  byzantine: { failures: ['F10'], says: 'the relay in use answers probes and eats traffic' },
  flap: { failures: [], says: 'the link in use goes down and up again and again' },
} as const satisfies Readonly<Record<string, { readonly failures: readonly string[]; readonly says: string }>>

/** One of {@link mttrFaults}. */
export type MttrFault = keyof typeof mttrFaults
