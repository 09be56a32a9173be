/** One run of a recovery benchmark as pictures and formats need it: of a testbed or of an HTTP service. */
export interface TimelineRun {
  readonly system: string
  readonly fault: string
  /** From 1. */
  readonly run: number
  /** `recovered`, `undisturbed` (nothing was lost), `not-recovered`; others are not drawn. */
  readonly outcome: string
  readonly reason?: string
  readonly outageMs: number
  /** When the system itself noticed, ms from the injection. */
  readonly detectMs?: number
  readonly recoveryMs?: number
  /** When the fault was lifted, ms from the injection. */
  readonly liftedMs?: number
  /** Time between two packets or probes. */
  readonly intervalMs: number
  readonly sent: number
  readonly lost: number
  /** Spans in which nothing arrived. */
  readonly gaps: readonly { readonly fromMs: number; readonly ms: number; readonly packets: number }[]
  /** Delays of the stream over slices of its time. */
  readonly slices?: readonly { readonly fromMs: number; readonly longestMs: number | null }[]
  /** Before the injection. */
  readonly baseline?: { readonly medianMs: number | null; readonly p99Ms?: number | null }
}

/** True for runs whose outage is a sample: also an outage of 0, where nothing was lost. */
export function hasOutage({ outcome }: TimelineRun): boolean {
  return outcome === 'recovered' || outcome === 'undisturbed'
}
