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
  BENCH_URL_INVALID: 'The URL is not one of an HTTP service: http:// or https://, without a user name.',
  BENCH_TARGET_UNKNOWN: 'The name in the URL has no address.',
  BENCH_TARGET_REMOTE:
    'The host of the URL is neither this machine nor in a private network. Measuring is load: --allow-remote, with leave.',
  BENCH_TARGET_DOWN: 'The service did not answer without failures in time, so nothing was measured.',
  BENCH_INJECT_FAILED:
    'The inject command failed: nothing was injected, so nothing is measured. Its output is in the message.',
  BENCH_RESTORE_FAILED: 'The restore command failed: the fault may still be in place. Undo it by hand.',
  BENCH_NO_OUTAGE:
    'The injection disturbed nothing that a probe could see: an undisturbed system has no recovery time.',
  BENCH_FAULT_UNSEEN: 'An independent probe did not see the fault that was injected: the run does not count.',
  BENCH_FAULT_UNAVAILABLE: 'This fault cannot be injected here; the message says why.',
  BENCH_FAULT_UNKNOWN: 'The benchmark knows no fault of this name; the hint lists those there are.',
  BENCH_PATH_UNKNOWN:
    'The counters of the interfaces do not show which way the stream takes, so no fault can be aimed at it.',
  BENCH_LIVENESS_UNAVAILABLE:
    'The kernel was asked to watch the links and does not; the message says on which host and why.',
  BENCH_TOPOLOGY_INVALID:
    'The folder given with --topologies holds no recorded mesh in the form that is read.',
  BENCH_NO_RUNS: 'A picture shows injections, and the report has none: --svg is for x0t bench mttr.',
  BENCH_REPORT_NOT_FOUND: 'There is no report or baseline at this place.',
  BENCH_REPORT_INVALID:
    'The file is no report of x0t bench (schema x0t.bench/1); the message says what is wrong.',
  BENCH_BASELINE_KIND: 'A run can only be compared with a baseline of the same kind of benchmark.',
  BENCH_SCHEDULING_REFUSED:
    'This machine does not let programs run in real time; --scheduling ordinary measures without.',
} as const

/** One of {@link errorCodes}. */
export type BenchErrorCode = keyof typeof errorCodes
