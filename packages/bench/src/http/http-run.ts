import type { Answer } from './requester.ts'

/** Consecutive probes that failed. */
export interface ProbeGap {
  /** Start of the first of them, ms from the injection. */
  readonly fromMs: number
  readonly packets: number
  /** Until the start of the next good probe. */
  readonly ms: number
}

/**
 * One injection into an HTTP service and what its probes saw. Times are ms from the beginning of the injection.
 * `recovered` is the only outcome that gives samples. `not-recovered`: no stable service, or only a slower one, in time.
 * `invalid`: the prober itself stalled for longer than the outage can bear.
 */
export interface HttpRun {
  /** The service, as in result names. */
  readonly system: string
  /** What was injected, as in result names. */
  readonly fault: string
  /** From 1. */
  readonly run: number
  readonly outcome: 'recovered' | 'not-recovered' | 'invalid'
  readonly reason?: string
  /** How long the inject command ran. */
  readonly injectionWindowMs: number
  readonly intervalMs: number
  /** Start of the first failed probe. */
  readonly downMs: number
  /** End of the first good answer after the last failure; absent where none came. */
  readonly backMs?: number
  /** `backMs` − `downMs`; where it did not recover, what was seen of the outage so far. */
  readonly outageMs: number
  /** When an answer came as fast as before, with a stable service since `backMs`. */
  readonly recoveryMs?: number
  readonly sent: number
  readonly lost: number
  /** Failed probes by kind. */
  readonly failures: Readonly<Record<string, number>>
  readonly worstSendGapMs: number
  /** Time to first byte before the injection. */
  readonly baseline: { readonly medianMs: number; readonly p95Ms: number }
  readonly gaps: readonly ProbeGap[]
}

/** Counts the failures of answers by kind. */
export function countFailures(answers: readonly Pick<Answer, 'failure'>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { failure } of answers) if (failure !== undefined) counts[failure] = (counts[failure] ?? 0) + 1
  return counts
}

/** The runs of consecutive failed probes, in the order of their starts, from the injection on. */
export function gapsOf(
  probes: readonly Pick<Answer, 'startMs' | 'endMs' | 'failure'>[],
  injectedMs: number,
): readonly ProbeGap[] {
  const gaps: ProbeGap[] = []
  let open: { fromMs: number; packets: number } | undefined
  let lastMs = injectedMs
  const inOrder = probes.filter(({ endMs }) => endMs >= injectedMs).toSorted((a, b) => a.startMs - b.startMs)
  for (const { startMs, endMs, failure } of inOrder) {
    const atMs = Math.max(0, startMs - injectedMs)
    if (failure !== undefined) {
      open ??= { fromMs: atMs, packets: 0 }
      open.packets++
      lastMs = endMs - injectedMs
    } else if (open !== undefined) {
      gaps.push({ ...open, ms: atMs - open.fromMs })
      open = undefined
    }
  }
  if (open !== undefined) gaps.push({ ...open, ms: lastMs - open.fromMs })
  return gaps
}
