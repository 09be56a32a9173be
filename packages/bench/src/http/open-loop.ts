import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@x0t/core'
import { fireAtRate } from './pace.ts'
import type { Answer } from './requester.ts'

export interface OpenLoopOptions {
  /** Sends one request; settles when it ended, never throws. */
  readonly send: () => Promise<Answer>
  readonly ratePerSecond: number
  readonly seconds: number
  /** Not counted: connections are opened, code is compiled. */
  readonly warmupSeconds: number
  /** Most requests under way at once; others wait, and their waiting counts as latency. */
  readonly concurrencyLimit: number
  /** How long after the last request was due answers are waited for. */
  readonly drainMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** What an open-loop load saw after the warm-up. Times in ms. */
export interface OpenLoopOutcome {
  /** Good answers: from when the request was due to its last byte, in the order of the ends. */
  readonly latenciesMs: readonly number[]
  /** The same requests from when they were really sent. */
  readonly serviceTimesMs: readonly number[]
  /** How late each request was noticed to be due: the generator's own fault. */
  readonly latenessMs: readonly number[]
  /** Good answers that ended in each whole second. */
  readonly goodPerSecond: readonly number[]
  readonly due: number
  readonly sent: number
  /** Requests that waited since `concurrencyLimit` others were under way. */
  readonly heldBack: number
  readonly bytes: number
  /** Failures by kind; `not-sent` where a request still waited at the end. */
  readonly failures: Readonly<Record<string, number>>
}

/**
 * Load at a fixed arrival rate that does not wait for answers. Latency counts from the time a request was due, so a
 * service that stalls is charged for everything that arrived meanwhile (Tene, "How not to measure latency": the
 * coordinated omission of closed loops).
 */
export async function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopOutcome> {
  const { send, ratePerSecond, seconds, warmupSeconds, concurrencyLimit, clock, signal } = options
  const warmup = Math.round(warmupSeconds * ratePerSecond)
  const count = warmup + Math.round(seconds * ratePerSecond)
  const latenciesMs: number[] = []
  const serviceTimesMs: number[] = []
  const latenessMs: number[] = []
  const goodPerSecond = Array.from({ length: Math.floor(seconds) }, () => 0)
  const failures: Record<string, number> = {}
  const waiting: { readonly index: number; readonly dueMs: number }[] = []
  let [underWay, sent, heldBack, taken, bytes] = [0, 0, 0, 0, 0]
  let [allDue, over] = [false, false]
  let firstDueMs = Infinity
  const idle = Promise.withResolvers<void>()
  const fail = (kind: string): void => void (failures[kind] = (failures[kind] ?? 0) + 1)

  const settle = (index: number, dueMs: number, answer: Answer): void => {
    if (index < warmup) return
    if (answer.failure !== undefined) return fail(answer.failure)
    latenciesMs.push(answer.endMs - dueMs)
    serviceTimesMs.push(answer.endMs - answer.startMs)
    bytes += answer.bytes
    const second = Math.floor((answer.endMs - firstDueMs) / 1000)
    if (second >= 0 && second < goodPerSecond.length) goodPerSecond[second]!++
  }
  const start = (index: number, dueMs: number): void => {
    underWay++
    if (index >= warmup) sent++
    void (async () => {
      const answer = await send()
      underWay--
      if (over) return
      settle(index, dueMs, answer)
      const next = waiting[taken]
      if (next !== undefined) {
        taken++
        start(next.index, next.dueMs)
      } else if (allDue && underWay === 0) idle.resolve()
    })()
  }

  await fireAtRate({ ratePerSecond, count, clock, signal }, (index, dueMs) => {
    if (index === warmup) firstDueMs = dueMs
    if (index >= warmup) latenessMs.push(clock.monotonicMs() - dueMs)
    if (underWay < concurrencyLimit) return start(index, dueMs)
    if (index >= warmup) heldBack++
    waiting.push({ index, dueMs })
  })
  allDue = true
  if (underWay > 0) {
    const drained = new AbortController()
    const late = delay(options.drainMs, undefined, { signal: AbortSignal.any([signal, drained.signal]) })
    await Promise.race([idle.promise, late.catch(() => undefined)])
    drained.abort()
  }
  over = true
  signal.throwIfAborted()
  for (const { index } of waiting.slice(taken)) if (index >= warmup) fail('not-sent')
  const due = count - warmup
  const known = latenciesMs.length + Object.values(failures).reduce((sum, one) => sum + one, 0)
  if (known < due) failures['timeout'] = (failures['timeout'] ?? 0) + due - known
  return { latenciesMs, serviceTimesMs, latenessMs, goodPerSecond, due, sent, heldBack, bytes, failures }
}
