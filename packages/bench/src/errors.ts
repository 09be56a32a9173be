/** Error codes of the benchmarks: what each means and what to do. */
export const errorCodes = {
  BENCH_TOOL_MISSING:
    'A program that the benchmark needs is not installed; the message names its Debian package.',
  BENCH_PEER_UNKNOWN: 'The name given with --against is none of the peers that the benchmark knows.',
  BENCH_OBJECTIVE_INVALID: 'An objective is written NAME>=VALUE or NAME<=VALUE, like tcp/x0t>=2000.',
  BENCH_OPTION_INVALID: 'A number given to the benchmark is outside its range; the message names both.',
  BENCH_TUNNEL_DOWN: 'A tunnel was started and no packet came through it in time; its log is in the message.',
  BENCH_MEASUREMENT_FAILED:
    'A measuring program ended without a usable result; the message holds what it said.',
  BENCH_LOSS_UNREAL:
    'The loss that was injected is not what the counters of the kernel show: the run is worth nothing.',
} as const

/** One of {@link errorCodes}. */
export type BenchErrorCode = keyof typeof errorCodes
