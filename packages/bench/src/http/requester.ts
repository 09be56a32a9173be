import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { hasCode, type Clock } from '@x0t/core'

/**
 * Why a request counts as failed: `refused`, `reset`, `timeout`, `unreachable` (no route), `name` (no address for the
 * name), `tls`, `truncated` (the answer broke off), `status-503` and the like, `ended` (the measurement was over),
 * `other`.
 */
export type HttpFailure = string

/** One request. Times are those of the clock that was given. */
export interface Answer {
  /** When it was sent, or began to connect. */
  readonly startMs: number
  /** When the head of the answer arrived; absent where none did. */
  readonly firstByteMs?: number
  /** When the last byte arrived, or the failure. */
  readonly endMs: number
  /** Bytes of the body. */
  readonly bytes: number
  /** Absent where the answer was good: complete, and of the status that was expected. */
  readonly failure?: HttpFailure
}

export interface RequesterOptions {
  readonly url: URL
  /** A request that has not been answered in full after this has failed. */
  readonly timeoutMs: number
  /** Connect anew for every request; else connections are kept. */
  readonly newConnections: boolean
  /** The only good status; 200 to 399 where absent. */
  readonly expectStatus?: number
  readonly clock: Clock
}

/** Sends GET requests and never throws for what the service does; disposing breaks off what is under way. */
export interface Requester extends AsyncDisposable {
  send(): Promise<Answer>
}

export function createRequester({
  url,
  timeoutMs,
  newConnections,
  expectStatus,
  clock,
}: RequesterOptions): Requester {
  const secure = url.protocol === 'https:'
  const settings = { keepAlive: !newConnections, maxFreeSockets: 1024, scheduling: 'lifo' } as const
  const agent = secure ? new HttpsAgent(settings) : new HttpAgent(settings)
  const request = secure ? httpsRequest : httpRequest
  const underWay = new Set<ClientRequest>()
  const statusIsGood = (status: number): boolean =>
    expectStatus === undefined ? status >= 200 && status < 400 : status === expectStatus

  const attempt = (startMs: number, isRetry: boolean): Promise<Answer | 'retry'> => {
    const { promise, resolve } = Promise.withResolvers<Answer | 'retry'>()
    let firstByteMs: number | undefined
    let bytes = 0
    const sent = request(url, { agent, headers: { 'user-agent': 'x0t-bench', accept: '*/*' } })
    underWay.add(sent)
    const timer = setTimeout(
      () => sent.destroy(Object.assign(new Error('no answer in time'), { code: 'X0T_TIMEOUT' })),
      Math.max(0, startMs + timeoutMs - clock.monotonicMs()),
    )
    const finish = (failure?: HttpFailure): void => {
      clearTimeout(timer)
      underWay.delete(sent)
      resolve({
        startMs,
        endMs: clock.monotonicMs(),
        bytes,
        ...(firstByteMs === undefined ? {} : { firstByteMs }),
        ...(failure === undefined ? {} : { failure }),
      })
    }
    sent.on('response', (response: IncomingMessage) => {
      firstByteMs = clock.monotonicMs()
      const status = response.statusCode ?? 0
      response.on('data', (chunk: Buffer) => void (bytes += chunk.length))
      response.on('end', () => finish(statusIsGood(status) ? undefined : `status-${status}`))
      response.on('error', (error) => finish(failureOf(error, true)))
    })
    sent.on('error', (error) => {
      // A kept connection that the server closed while idle says nothing about the service (RFC 9112 §9.3.1: repeat).
      const stale = sent.reusedSocket && firstByteMs === undefined && isBroken(error)
      if (!stale || isRetry) return finish(failureOf(error, firstByteMs !== undefined))
      clearTimeout(timer)
      underWay.delete(sent)
      resolve('retry')
    })
    // No effect where one of the above comes first.
    sent.on('close', () => setImmediate(() => finish(firstByteMs === undefined ? 'other' : 'truncated')))
    sent.end()
    return promise
  }

  return {
    async send() {
      const startMs = clock.monotonicMs()
      for (;;) {
        const answer = await attempt(startMs, false)
        if (answer !== 'retry') return answer
        // All kept connections may be stale: the repetition gets a new one.
        for (const sockets of Object.values(agent.freeSockets)) sockets?.forEach((socket) => socket.destroy())
        const again = await attempt(startMs, true)
        if (again !== 'retry') return again
      }
    },
    async [Symbol.asyncDispose]() {
      const gone = [...underWay].map(
        (sent) =>
          new Promise<void>((resolve) => {
            sent.once('close', () => resolve())
            sent.destroy(Object.assign(new Error('the measurement is over'), { code: 'X0T_ENDED' }))
          }),
      )
      await Promise.all(gone)
      agent.destroy()
    },
  }
}

function isBroken(error: Error): boolean {
  return hasCode(error, 'ECONNRESET') || hasCode(error, 'EPIPE')
}

const failureOfCode: Readonly<Record<string, HttpFailure>> = {
  X0T_TIMEOUT: 'timeout',
  X0T_ENDED: 'ended',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
}

/** The kind of a failed request, from the error that ended it. */
export function failureOf(error: Error, answering: boolean): HttpFailure {
  // Several addresses of a name were tried: the last one tells.
  const inner: unknown = error instanceof AggregateError ? error.errors.at(-1) : error
  const code = inner instanceof Error && 'code' in inner && typeof inner.code === 'string' ? inner.code : ''
  if (answering && (code === 'ECONNRESET' || code === 'EPIPE')) return 'truncated'
  const known = failureOfCode[code]
  if (known !== undefined) return known
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO|ERR_OSSL|EPROTO)/.test(code)) return 'tls'
  if (code.startsWith('HPE_')) return 'not-http'
  return 'other'
}
