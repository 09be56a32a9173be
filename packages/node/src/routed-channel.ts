import {
  hasCode,
  messageOf,
  X0tError,
  type Clock,
  type Counters,
  type Log,
  type NodeId,
  type Random,
} from '@x0t/core'

/** What a routed message carries: the first byte of its payload. */
const kinds = { session: 1, request: 2, response: 3 } as const
const callIdBytes = 8

export interface RoutedChannelOptions {
  /** Sends a payload through the mesh; it may be lost. */
  readonly send: (to: NodeId, payload: Uint8Array) => void
  readonly onSession: (from: NodeId, message: Uint8Array) => void
  /** Answers a request to the authority; an empty answer says that there is none. */
  readonly onRequest: (request: Uint8Array, from: NodeId) => Promise<Uint8Array>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counters: Counters
}

/** Messages between members that need not be neighbours: session handshakes, and requests to the authority. */
export interface RoutedChannel {
  sendSession(to: NodeId, message: Uint8Array): void
  /**
   * Asks a member and waits for its answer, asking again twice if it is lost.
   * @throws X0tError AUTHORITY_UNREACHABLE
   */
  request(to: NodeId, request: Uint8Array): Promise<Uint8Array>
  receive(from: NodeId, payload: Uint8Array): void
}

const answerWithinMs = 4000
const attempts = 3
const maxCallsServed = 32

export function createRoutedChannel(options: RoutedChannelOptions): RoutedChannel {
  const { clock, counters, log } = options
  const calls = new Map<string, { readonly to: NodeId; settle(answer: Uint8Array): void }>()
  let serving = 0

  const serve = async (from: NodeId, callId: Uint8Array, request: Uint8Array): Promise<void> => {
    if (serving >= maxCallsServed) return counters.count('routed_dropped_total', { reason: 'busy' })
    serving++
    try {
      options.send(from, frame(kinds.response, callId, await options.onRequest(request, from)))
    } catch (error) {
      log.warn('routed-request-failed', { from, reason: messageOf(error) })
    } finally {
      serving--
    }
  }

  const ask = (to: NodeId, request: Uint8Array): Promise<Uint8Array> => {
    const callId = options.random.bytes(callIdBytes)
    const key = Buffer.from(callId).toString('hex')
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const cancel = clock.setTimer(answerWithinMs, () => {
      calls.delete(key)
      reject(new X0tError('AUTHORITY_UNREACHABLE', `${to} did not answer`))
    })
    calls.set(key, {
      to,
      settle(answer) {
        cancel()
        calls.delete(key)
        resolve(answer)
      },
    })
    options.send(to, frame(kinds.request, callId, request))
    return promise
  }

  return {
    sendSession: (to, message) => options.send(to, frame(kinds.session, message)),
    async request(to, request) {
      for (let attempt = 1; ; attempt++) {
        try {
          const answer = await ask(to, request)
          if (answer.length > 0) return answer
          throw new X0tError('AUTHORITY_UNREACHABLE', `${to} has no answer`)
        } catch (error) {
          if (!hasCode(error, 'AUTHORITY_UNREACHABLE') || attempt === attempts) throw error
        }
      }
    },
    receive(from, payload) {
      const [kind] = payload
      if (kind === kinds.session) return options.onSession(from, payload.subarray(1))
      if (kind !== undefined && payload.length > callIdBytes) {
        const callId = payload.subarray(1, 1 + callIdBytes)
        const content = payload.subarray(1 + callIdBytes)
        if (kind === kinds.request) return void serve(from, callId, content)
        const call = calls.get(Buffer.from(callId).toString('hex'))
        if (kind === kinds.response && call?.to === from) return call.settle(content)
      }
      counters.count('routed_dropped_total', { reason: 'malformed' })
    },
  }
}

function frame(kind: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(kind), ...parts])
}
