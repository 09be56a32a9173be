import { X0tError, type Clock } from '@x0t/core'
import { maxPayloadBytes, maxSequenceNumber, type HandshakeMessage } from './handshake-message.ts'

/** A segment on its way: a handshake message without its names. */
export type Segment = Pick<HandshakeMessage, 'sequence' | 'acknowledged' | 'payload' | 'ended'>

export interface ReliableStreamOptions {
  readonly clock: Clock
  readonly send: (segment: Segment) => void
  /** Bytes of the other side, in order. */
  readonly deliver: (payload: Uint8Array) => void
  /** Everything written so far has arrived. */
  readonly drained: () => void
  /** The other side gave up, after all bytes delivered. */
  readonly ended: () => void
}

/** Carries the bytes of one handshake over messages that may be lost, repeated and reordered. */
export interface ReliableStream {
  /** @throws X0tError SESSION_TOO_LARGE */
  write(bytes: Uint8Array): void
  receive(segment: Segment): void
  /** Gives up: tells the other side so, once now and whenever it repeats itself, and takes nothing new. */
  end(): void
  /** Sends at once what has not arrived yet, as after the path has changed, and waits as little as at first again. */
  repeat(): void
  /** True if everything written has arrived. */
  readonly isDrained: boolean
  /** Stops all timers; nothing is sent or delivered any more. */
  close(): void
}

const firstRetryMs = 500
/** A path that came back is not left unused for longer than this. */
const longestRetryMs = 1_000
const acknowledgeAfterMs = 20
/** A segment further ahead than this is dropped: it bounds the reorder buffer to 16 segments. */
const reorderWindow = 16
const maxInFlight = 16

export function createReliableStream(options: ReliableStreamOptions): ReliableStream {
  const { clock, send, deliver, drained, ended } = options
  const unacknowledged = new Map<number, Uint8Array>()
  const early = new Map<number, Uint8Array>()
  let nextToSend = 0
  let nextExpected = 0
  let retryMs = firstRetryMs
  let cancelRetry: (() => void) | undefined
  let cancelAcknowledge: (() => void) | undefined
  let closed = false
  let ending = false
  /** What follows this number was sent before the last retry: it may be lost too. */
  let doubtedUntil = 0

  const emit = (sequence: number, payload: Uint8Array): void => {
    cancelAcknowledge?.()
    cancelAcknowledge = undefined
    send({ sequence, acknowledged: nextExpected, payload, ended: ending && payload.length === 0 })
  }

  const emitAcknowledgement = (): void => emit(nextToSend, new Uint8Array(0))

  /** One answer to all that comes within a moment, copies included. */
  const acknowledgeSoon = (): void => {
    cancelAcknowledge ??= clock.setTimer(acknowledgeAfterMs, emitAcknowledgement)
  }

  const scheduleRetry = (): void => {
    cancelRetry?.()
    cancelRetry = undefined
    if (unacknowledged.size === 0) return
    cancelRetry = clock.setTimer(retryMs, () => {
      retryMs = Math.min(retryMs * 2, longestRetryMs)
      doubtedUntil = nextToSend
      emitOldest()
      scheduleRetry()
    })
  }

  /** One segment asks whether the others have arrived: most often the other side is slow, and nothing is lost. */
  const emitOldest = (): void => {
    for (const [sequence, payload] of unacknowledged) return emit(sequence, payload)
  }

  const takeAcknowledgement = (acknowledged: number): void => {
    // A number that was never sent is somebody's invention.
    if (acknowledged > nextToSend || unacknowledged.size === 0) return
    let progress = false
    for (const sequence of unacknowledged.keys()) {
      if (sequence >= acknowledged) continue
      unacknowledged.delete(sequence)
      progress = true
    }
    if (!progress) return
    retryMs = firstRetryMs
    scheduleRetry()
    if (unacknowledged.size === 0) return drained()
    const [oldest] = unacknowledged.keys()
    if (oldest! < doubtedUntil) emitOldest()
  }

  return {
    write(bytes) {
      if (closed) return
      for (let at = 0; at < bytes.length; at += maxPayloadBytes) {
        if (nextToSend > maxSequenceNumber - 1 || unacknowledged.size >= maxInFlight)
          throw new X0tError('SESSION_TOO_LARGE', 'the handshake has more to say than it may')
        // A copy: the writer may reuse its buffer, and a retry comes later.
        const payload = bytes.slice(at, at + maxPayloadBytes)
        unacknowledged.set(nextToSend, payload)
        emit(nextToSend++, payload)
      }
      if (cancelRetry === undefined) scheduleRetry()
    },
    receive({ sequence, acknowledged, payload, ended: over }) {
      if (closed) return
      takeAcknowledgement(acknowledged)
      if (payload.length === 0) {
        if (over && sequence === nextExpected) ended()
        return
      }
      if (sequence < nextExpected || ending) {
        acknowledgeSoon() // ours was lost, or is on its way
        return
      }
      if (sequence >= nextExpected + reorderWindow) return
      early.set(sequence, payload)
      let next = early.get(nextExpected)
      if (next === undefined) return
      for (; next !== undefined; next = early.get(nextExpected)) {
        early.delete(nextExpected++)
        deliver(next)
        if (closed) return
      }
      acknowledgeSoon()
    },
    end() {
      if (closed || ending) return
      ending = true
      emitAcknowledgement()
    },
    repeat() {
      if (closed) return
      retryMs = firstRetryMs
      for (const [sequence, payload] of unacknowledged) emit(sequence, payload)
      scheduleRetry()
    },
    get isDrained() {
      return unacknowledged.size === 0
    },
    close() {
      closed = true
      cancelRetry?.()
      cancelAcknowledge?.()
      unacknowledged.clear()
      early.clear()
    },
  }
}
