/** What the program that generates is told when it starts. */
export interface GeneratorJob {
  /** Key of the link, 16 bytes. */
  readonly keyHex: string
  readonly frameHex: string
  /** The interface that sends. */
  readonly ifindex: number
}

/** A stretch of traffic to send. */
export interface GeneratorOrder {
  /** 0: as fast as can be. */
  readonly ratePerSecond: number
  readonly ms: number
}

/** What was sent, and the time from the first packet to the last. */
export interface GeneratorReply {
  readonly packets: number
  readonly ms: number
}

/** struct gendata of bpf/gendata.bpf.c. */
const offsetOf = {
  key: 0,
  intervalPs: 16,
  number: 24,
  duePs: 32,
  packets: 40,
  head: 64,
  firstNs: 160,
  lastNs: 168,
} as const
const headBytes = 96

/** The memory that the generator in the kernel shares with its owner. */
export interface GeneratorState {
  setKey(key: Uint8Array): void
  /** How every frame is to begin, whatever became of it before. */
  setFrame(frame: Uint8Array): void
  setRate(ratePerSecond: number): void
  packets(): number
  /** Begins a stretch, whose time `spanMs` tells: from its first packet to its last. */
  start(): void
  spanMs(): number
}

export function generatorState(memory: ArrayBuffer): GeneratorState {
  const view = new DataView(memory)
  return {
    setKey(key) {
      new Uint8Array(memory).set(key.subarray(0, 16), offsetOf.key)
    },
    setFrame(frame) {
      new Uint8Array(memory).set(frame.subarray(0, headBytes), offsetOf.head)
    },
    setRate(ratePerSecond) {
      const intervalPs = ratePerSecond === 0 ? 0n : BigInt(Math.round(1e12 / ratePerSecond))
      view.setBigUint64(offsetOf.intervalPs, intervalPs, true)
    },
    packets: () => Number(view.getBigUint64(offsetOf.packets, true)),
    start: () => view.setBigUint64(offsetOf.firstNs, 0n, true),
    spanMs: () =>
      Number(view.getBigUint64(offsetOf.lastNs, true) - view.getBigUint64(offsetOf.firstNs, true)) / 1e6,
  }
}

/** Runs that take about `wantedMs`, from what a first call took, of which `costMs` is not for its runs. */
export function runsFor({
  runs,
  tookMs,
  costMs,
  wantedMs,
}: {
  readonly runs: number
  readonly tookMs: number
  readonly costMs: number
  readonly wantedMs: number
}): number {
  const runMs = Math.max(leastRunMs, (tookMs - costMs) / runs)
  return Math.max(2, Math.round(wantedMs / runMs))
}

/** A run that sends nothing takes tens of nanoseconds. */
const leastRunMs = 5e-5
