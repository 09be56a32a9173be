import type { BpfProgram } from './contract.ts'

/** Time of a program for a packet, over several samples; ns. */
export interface PacketTiming {
  readonly samplesNs: readonly number[]
  readonly medianNs: number
  readonly minNs: number
  readonly maxNs: number
  readonly repeat: number
  /** Verdict of the last run. */
  readonly verdict: number
}

/** Runs a program on a packet `samples` times `repeat` times (BPF_PROG_TEST_RUN), and gives the mean of each sample. */
export function timePacket(
  program: BpfProgram,
  packet: Uint8Array,
  { samples, repeat }: { readonly samples: number; readonly repeat: number },
): PacketTiming {
  // The first runs fill the caches.
  let { verdict } = program.testRun(packet, { repeat: Math.min(repeat, 1000) })
  const samplesNs = Array.from({ length: samples }, () => {
    const run = program.testRun(packet, { repeat })
    verdict = run.verdict
    return run.durationNs
  })
  const sorted = samplesNs.toSorted((a, b) => a - b)
  return {
    samplesNs,
    medianNs: sorted[Math.floor((sorted.length - 1) / 2)]!,
    minNs: sorted[0]!,
    maxNs: sorted.at(-1)!,
    repeat,
    verdict,
  }
}
