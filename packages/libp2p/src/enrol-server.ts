import type { TLSSocket } from 'node:tls'
import { messageOf, type Clock, type Counters, type Log } from '@x0t/core'
import { encodeEnrolRecord, readEnrolRecord } from './enrol-record.ts'
import type { ControlPlaneLimits } from './limits.ts'
import type { ReportRefusal } from './refusal.ts'
import { rateKey, TokenBuckets } from './token-bucket.ts'

/** Answers an enrolment or renewal request of a node without a certificate. */
export type EnrolHandler = (request: Uint8Array, remoteAddress: string) => Promise<Uint8Array>

/** The answer that says that there is none. */
const nothing = new Uint8Array()

export interface EnrolServerOptions {
  readonly onEnrol: EnrolHandler | undefined
  readonly limits: ControlPlaneLimits
  readonly clock: Clock
  readonly log: Log
  readonly counters: Counters
  readonly refuse: ReportRefusal
}

/** Takes connections with ALPN `x0t-enrol/1`: one request, one answer; an empty answer is a refusal. */
export function enrolServer(options: EnrolServerOptions): (socket: TLSSocket, remoteIp: string) => void {
  const { onEnrol, limits, clock, log, counters, refuse } = options
  const rates = new TokenBuckets(limits.enrolmentsPerAddress, clock)
  let running = 0

  const respond = async (socket: TLSSocket, remoteIp: string, handler: EnrolHandler): Promise<Uint8Array> => {
    let request: Uint8Array
    try {
      request = await readEnrolRecord(socket)
    } catch (error) {
      // A client that first fetches the authority's certificate sends nothing on that connection.
      counters.count('enrolments_total', { outcome: 'no-request' })
      log.debug('enrolment-without-request', { address: remoteIp, error: messageOf(error) })
      return nothing
    }
    if (!rates.take(rateKey(remoteIp))) {
      refuse({ reason: 'rate-limited', direction: 'inbound', address: remoteIp, detail: 'enrolment' })
      return nothing
    }
    const response = await handler(request, remoteIp)
    counters.count('enrolments_total', { outcome: 'answered' })
    return response
  }

  const answer = async (socket: TLSSocket, remoteIp: string, handler: EnrolHandler): Promise<void> => {
    running++
    const cancel = clock.setTimer(limits.enrolTimeoutMs, () => {
      counters.count('enrolments_total', { outcome: 'timeout' })
      socket.destroy()
    })
    try {
      socket.end(encodeEnrolRecord(await respond(socket, remoteIp, handler)))
    } catch (error) {
      counters.count('enrolments_total', { outcome: 'failed' })
      log.warn('enrolment-failed', { address: remoteIp, error: messageOf(error) })
      socket.end(encodeEnrolRecord(nothing))
    } finally {
      running--
      cancel()
      // A client that does not take the answer may not hold the connection.
      const cancelClose = clock.setTimer(1_000, () => socket.destroy())
      socket.once('close', cancelClose)
    }
  }

  return (socket, remoteIp) => {
    if (onEnrol === undefined || running >= limits.enrolmentsAtOnce) {
      const reason = onEnrol === undefined ? 'wrong-alpn' : 'rate-limited'
      refuse({ reason, direction: 'inbound', address: remoteIp, detail: 'enrolment' })
      socket.end(encodeEnrolRecord(nothing))
      clock.setTimer(1_000, () => socket.destroy())
      return
    }
    void answer(socket, remoteIp, onEnrol)
  }
}
