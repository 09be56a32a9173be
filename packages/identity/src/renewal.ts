import type { Random } from '@x0t/core'

/** Times of both clocks at one moment. */
export interface Instant {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** Validity of the SVID at hand, milliseconds since 1970. */
export interface SvidDates {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** Why a renewal is due. */
export type RenewalReason = 'half-life' | 'retry' | 'clock-jump' | 'no-svid'

/** Where the renewal of a node's SVID stands. */
export interface RenewalState {
  /** Undefined until the first SVID is there. */
  readonly svid: SvidDates | undefined
  /** Wall time at which the next attempt is due. */
  readonly dueMs: number
  readonly reason: RenewalReason
  /** An attempt is under way: `renewed` or `failed` will follow. */
  readonly isAttempting: boolean
  readonly failures: number
  /** The clocks at the last event: if they have moved apart since, one of them jumped or the machine slept. */
  readonly last: Instant
  readonly isExpired: boolean
}

export type RenewalEvent =
  /** Time has passed: at `wait.untilMonotonicMs` at the latest, and at once after waking if the system tells. */
  | { readonly type: 'tick'; readonly at: Instant }
  | { readonly type: 'renewed'; readonly at: Instant; readonly svid: SvidDates }
  | { readonly type: 'failed'; readonly at: Instant }

export type RenewalAction =
  /** Ask the authority for an SVID now. */
  | { readonly type: 'renew'; readonly reason: RenewalReason }
  /** The SVID at hand has ended: close connections that rest on it. Attempts go on. */
  | { readonly type: 'expired' }
  /** Send the next tick then. Always the last action. */
  | { readonly type: 'wait'; readonly delayMs: number }

export interface RenewalStep {
  readonly state: RenewalState
  readonly actions: readonly RenewalAction[]
}

/** The longest wait: a jump of the clock is seen at the next tick. */
export const maxTickMs = 30_000
/** Clocks that move apart by more than this between two events have jumped. */
export const clockJumpMs = 5_000
const firstRetryMs = 1_000
const maxRetryMs = 60_000

/** The state of a node that starts, with the SVID that it has stored, if any. */
export function startRenewal(svid: SvidDates | undefined, at: Instant, random: Random): RenewalState {
  const isExpired = svid === undefined || at.wallMs > svid.notAfterMs
  // The clock was set back while the node was off: how much of the SVID is left cannot be known.
  const isFromFuture = svid !== undefined && at.wallMs < svid.notBeforeMs
  return {
    svid,
    dueMs: svid && !isFromFuture ? halfLifeMs(svid, at.wallMs, random) : at.wallMs,
    reason: svid ? (isFromFuture ? 'clock-jump' : 'half-life') : 'no-svid',
    isAttempting: false,
    failures: 0,
    last: at,
    isExpired,
  }
}

/**
 * One step of renewal: at half of the lifetime with jitter; after a failure again and again with growing pauses, also
 * after the end; at once when a clock jumped or the machine slept. No I/O: the caller carries out the actions.
 */
export function stepRenewal(state: RenewalState, event: RenewalEvent, random: Random): RenewalStep {
  const { at } = event
  let next: RenewalState = { ...state, last: at }
  // By wall time alone: after a jump both the date of the SVID and the pauses between attempts mean nothing.
  if (isJump(state.last, at)) next = { ...next, dueMs: at.wallMs, reason: 'clock-jump' }
  if (event.type === 'renewed') next = { ...next, svid: event.svid }
  // An SVID that has ended on arrival (our clock is ahead) is no reason to ask again without a pause.
  if (event.type === 'failed' || (event.type === 'renewed' && at.wallMs > event.svid.notAfterMs)) {
    const failures = state.failures + 1
    const dueMs = at.wallMs + retryMs(failures, random)
    next = { ...next, isAttempting: false, failures, dueMs, reason: 'retry' }
  } else if (event.type === 'renewed') {
    const dueMs = halfLifeMs(event.svid, at.wallMs, random)
    next = { ...next, dueMs, reason: 'half-life', isAttempting: false, failures: 0, isExpired: false }
  }
  return decide(next, at.wallMs)
}

function decide(state: RenewalState, wallMs: number): RenewalStep {
  const actions: RenewalAction[] = []
  let next = state
  if (next.svid && wallMs > next.svid.notAfterMs && !next.isExpired) {
    next = { ...next, isExpired: true }
    actions.push({ type: 'expired' })
  } else if (next.svid && wallMs <= next.svid.notAfterMs && next.isExpired) {
    next = { ...next, isExpired: false } // the clock was set back: the SVID holds again
  }
  if (!next.isAttempting && wallMs >= next.dueMs) {
    actions.push({ type: 'renew', reason: next.reason })
    next = { ...next, isAttempting: true }
  }
  const untilDueMs = next.isAttempting ? maxTickMs : next.dueMs - wallMs
  const untilEndMs = next.svid && !next.isExpired ? next.svid.notAfterMs + 1 - wallMs : maxTickMs
  actions.push({ type: 'wait', delayMs: Math.max(1, Math.min(maxTickMs, untilDueMs, untilEndMs)) })
  return { state: next, actions }
}

function isJump(before: Instant, after: Instant): boolean {
  return Math.abs(after.wallMs - before.wallMs - (after.monotonicMs - before.monotonicMs)) > clockJumpMs
}

/** Half of what is left between now and the end, less up to a tenth: nodes that started together drift apart. */
function halfLifeMs({ notBeforeMs, notAfterMs }: SvidDates, fromMs: number, random: Random): number {
  // A clock that is behind must not make the lifetime look longer than it is.
  const leftMs = Math.min(Math.max(0, notAfterMs - fromMs), notAfterMs - notBeforeMs)
  return fromMs + (leftMs / 2) * (1 - 0.1 * fraction(random))
}

/** 1 s, 2 s, 4 s … 60 s, each between one half and the whole of it. */
function retryMs(failures: number, random: Random): number {
  const pauseMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 10))
  return pauseMs * (0.5 + 0.5 * fraction(random))
}

function fraction(random: Random): number {
  const bytes = random.bytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32
}
