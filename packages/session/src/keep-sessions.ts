// Over 300 lines, and one piece: when a handshake begins, waits, gives way and is given up, over one state for each peer.
import { messageOf, X0tError, type NodeId } from '@x0t/core'
import { createAssociationSet, type AssociationSet } from './association-set.ts'
import { startHandshake, type Handshake, type NewAssociation } from './handshake.ts'
import {
  decodeHandshakeMessage,
  encodeHandshakeMessage,
  handshakeIdBytes,
  type HandshakeMessage,
} from './handshake-message.ts'
import { FirstMessages } from './first-messages.ts'
import { defaultSessionLimits, type SessionLimits } from './limits.ts'
import { backoffMs, hasRoomFor, isUseless, type PeerState } from './peer-state.ts'
import { createRateLimit } from './rate-limit.ts'
import { suites, type Role, type SecurityAssociation } from './security-association.ts'
import { instanceBytes } from './session-record.ts'
import type { SessionManagerOptions, Sessions } from './sessions.ts'
import { createSpiPool } from './spi-pool.ts'

/** Makes, renews and ends end-to-end sessions over routed messages. */
export function createSessionManager(options: SessionManagerOptions): Sessions {
  const { self, tls, clock, random, log, counters, on } = options
  const limits: { -readonly [Name in keyof SessionLimits]: SessionLimits[Name] } = {
    ...defaultSessionLimits,
    ...options.limits,
  }
  const preference = options.suitePreference ?? suites
  if (preference.length === 0) throw new RangeError('at least one suite must be allowed')
  const instance = random.bytes(instanceBytes)
  const peers = new Map<NodeId, PeerState>()
  const handshakes = new Map<string, Handshake>()
  const underWay = new Set<string>()
  const waiting = new Set<NodeId>()
  const firstMessages = new FirstMessages()
  let cancelTurns: (() => void) | undefined
  const spis = createSpiPool(random)
  const incomingRate = createRateLimit(clock, limits.incomingBurst, limits.incomingPerSecond)
  let disposed = false

  const fraction = (): number => Buffer.from(random.bytes(4)).readUInt32BE(0) / 2 ** 32

  const stateOf = (peer: NodeId): PeerState | undefined => {
    const known = peers.get(peer)
    if (known !== undefined) return known
    if (peers.size >= limits.maxPeers) forgetUseless()
    if (peers.size >= limits.maxPeers) return undefined
    const state: PeerState = {
      peer,
      associations: createAssociationSet({
        clock,
        limits,
        sendWith: (sa) => on.sendWith(sa),
        retired(sa) {
          spis.release(sa.localSpi)
          counters.count('session_retired_total')
          on.retired(sa)
        },
        renewDue: () => renewIfUsed(state),
      }),
      incoming: new Map(),
      rate: createRateLimit(clock, limits.incomingBurstPerPeer, limits.incomingPerSecondPerPeer),
      outgoing: undefined,
      wanted: false,
      failures: 0,
      notBeforeMs: 0,
      reachableAtMs: -Infinity,
      lastTrafficMs: clock.monotonicMs(),
      generation: 0,
      cancelRetry: undefined,
    }
    peers.set(peer, state)
    return state
  }

  /** Drops what is known of peers with whom nothing goes on. */
  const forgetUseless = (): void => {
    for (const [peer, state] of peers) {
      if (isUseless(state, clock.monotonicMs())) peers.delete(peer)
    }
  }

  const renewIfUsed = (state: PeerState): void => {
    if (clock.monotonicMs() - state.lastTrafficMs > limits.idleAfterMs) return
    state.wanted = true
    pump(state)
  }

  const pumpAfter = (state: PeerState, delayMs: number): void => {
    state.cancelRetry?.()
    state.cancelRetry = clock.setTimer(delayMs, () => {
      state.cancelRetry = undefined
      pump(state, true)
    })
  }

  /** True if one more handshake of this role may go on. */
  const hasTurn = (role: Role): boolean => {
    const sinceMs = clock.monotonicMs() - limits.silentAfterMs
    let busy = 0
    for (const id of underWay) {
      const handshake = handshakes.get(id)
      if (handshake?.role === role && handshake.heardAtMs > sinceMs) busy++
    }
    return busy < limits.maxBusy
  }

  /** Starts the handshake that is wanted, as soon as the limits allow it. */
  const pump = (state: PeerState, deferred = false): void => {
    if (disposed || !state.wanted || state.outgoing !== undefined || state.cancelRetry !== undefined) return
    const waitMs = state.notBeforeMs - clock.monotonicMs()
    if (waitMs > 0) pumpAfter(state, waitMs)
    else if ((state.incoming.size > 0 || firstMessages.has(state.peer)) && !deferred)
      pumpAfter(state, limits.deferMs)
    else if (mayStart()) {
      const id = Buffer.from(random.bytes(handshakeIdBytes)).toString('hex')
      state.outgoing = start(state, 'initiator', id)
    } else {
      waiting.add(state.peer)
      takeTurnsLater()
    }
  }

  const mayStart = (): boolean => underWay.size < limits.maxHandshakes && hasTurn('initiator')

  /** Those who wait go on, in the order in which they came, as far as there is room. */
  const takeTurns = (): void => {
    for (const peer of waiting) {
      if (!mayStart()) break
      waiting.delete(peer)
      const state = peers.get(peer)
      if (state !== undefined) pump(state)
    }
    while (firstMessages.size > 0 && hasTurn('responder')) {
      const [peer, message] = firstMessages.take()!
      begin(peer, message)
    }
    takeTurnsLater()
  }

  /** A handshake that falls silent ends nothing, and gives its turn away all the same. */
  const takeTurnsLater = (): void => {
    if (disposed || waiting.size + firstMessages.size === 0) return
    cancelTurns ??= clock.setTimer(limits.silentAfterMs / 4, () => {
      cancelTurns = undefined
      takeTurns()
    })
  }

  const start = (state: PeerState, role: Role, id: string): Handshake => {
    const { peer, associations } = state
    const localSpi = spis.take()
    const startedAtMs = clock.monotonicMs()
    let confirmed = false
    const lowerId = self < peer ? self : peer
    const settled = (result: string): void => {
      underWay.delete(id)
      state.incoming.delete(id)
      if (state.outgoing?.id === id) state.outgoing = undefined
      counters.count('session_handshakes_total', { role, result })
      log.debug('session-handshake', { peer, role, result, durationMs: clock.monotonicMs() - startedAtMs })
    }
    const handshake = startHandshake({
      id,
      role,
      self,
      peer,
      localSpi,
      suites: preference,
      tls,
      clock,
      timeoutMs: limits.handshakeTimeoutMs,
      send: (bytes) => options.send(peer, bytes),
      nextGeneration: () => ({ instance, number: ++state.generation }),
      on: {
        async keys(fresh) {
          const sa = withTimes(fresh)
          associations.add(sa)
          await on.ready(sa)
        },
        confirmed(generation) {
          settled('ok')
          on.finished?.(peer, { role, durationMs: clock.monotonicMs() - startedAtMs })
          confirmed = true
          state.wanted = false
          state.failures = 0
          state.cancelRetry?.()
          state.cancelRetry = undefined
          const inUse = associations.promote(localSpi, generation)
          // The initiator keeps the old ones until it knows that the responder has its confirmation.
          if (role === 'responder') associations.drain()
          // Two handshakes crossed and the peer finished the other way round: ours is of no use any more.
          if (role === 'responder' && inUse && lowerId === peer) cancelOutgoing(state)
          takeTurns()
        },
        failed(error) {
          settled(error.code)
          releaseSpi(associations, localSpi)
          log.info('session-failed', { peer, role, code: error.code, reason: error.message })
          if (role === 'initiator') retryLater(state, error.code)
          else pump(state)
          takeTurns()
        },
        closed(delivered) {
          handshakes.delete(id)
          if (role !== 'initiator' || !confirmed) return
          if (delivered) return associations.drain()
          // The responder may not know that it may send with the new keys: make others.
          state.wanted = true
          pump(state)
        },
      },
    })
    handshakes.set(id, handshake)
    underWay.add(id)
    return handshake
  }

  const withTimes = (fresh: NewAssociation): SecurityAssociation => {
    const nowMs = clock.monotonicMs()
    const delayMs = fresh.role === 'responder' ? (limits.expireAfterMs - limits.renewAfterMs) / 4 : 0
    return {
      ...fresh,
      createdAtMs: nowMs,
      renewAtMs: nowMs + limits.renewAfterMs * (1 - fraction() / 10) + delayMs,
      expiresAtMs: nowMs + limits.expireAfterMs,
    }
  }

  /** An SPI is free again when no association came of it. */
  const releaseSpi = (associations: AssociationSet, localSpi: number): void => {
    if (!associations.list().some(({ sa }) => sa.localSpi === localSpi)) spis.release(localSpi)
  }

  const cancel = (state: PeerState, handshake: Handshake): void => {
    handshake.cancel()
    releaseSpi(state.associations, handshake.localSpi)
    handshakes.delete(handshake.id)
    underWay.delete(handshake.id)
    state.incoming.delete(handshake.id)
  }

  const cancelOutgoing = (state: PeerState): void => {
    if (state.outgoing === undefined) return
    cancel(state, state.outgoing)
    state.outgoing = undefined
  }

  const retryLater = (state: PeerState, code: string): void => {
    state.failures++
    state.notBeforeMs =
      clock.monotonicMs() +
      backoffMs(state.failures, { wasSilent: code === 'SESSION_TIMEOUT', fraction: fraction() }, limits)
    const last = state.failures >= limits.maxAttempts && state.associations.sending === undefined
    if (last) {
      state.wanted = false
      state.failures = 0
    }
    on.failed(state.peer, code)
    pump(state)
  }

  /** Forgets the wait after failures. */
  const retryNow = (state: PeerState): void => {
    state.failures = 0
    state.notBeforeMs = 0
    state.cancelRetry?.()
    state.cancelRetry = undefined
    pump(state)
  }

  /**
   * The peer goes on with a handshake that this run of the node does not know: it learns so at once, and need not wait
   * for its timeout. As small as what it answers, and never an answer to an answer.
   */
  const disown = (from: NodeId, { handshakeId, sender, acknowledged, payload }: HandshakeMessage): void => {
    if (sender !== 'initiator' || payload.length === 0 || !incomingRate.take()) return
    options.send(
      from,
      encodeHandshakeMessage({
        handshakeId,
        sender: 'responder',
        sequence: acknowledged,
        acknowledged: 0,
        payload: new Uint8Array(0),
        ended: true,
      }),
    )
  }

  /** Starts a handshake as responder; undefined if it waits for its turn, and a reason if the limits do not allow it. */
  const accept = (from: NodeId, message: HandshakeMessage): Handshake | string | undefined => {
    if (message.sender !== 'initiator' || message.sequence !== 0 || message.payload.length === 0) {
      disown(from, message)
      return 'unknown-handshake'
    }
    if (underWay.size >= limits.maxHandshakes) return 'busy'
    const state = stateOf(from)
    if (state === undefined) return 'too-many-peers'
    // Both started at once: the one that the lower id started goes on.
    if (state.outgoing !== undefined && self < from) return 'crossed'
    if (!hasRoomFor(state, clock.monotonicMs(), limits)) return 'busy-with-peer'
    if (!hasTurn('responder'))
      return firstMessages.add(from, message, clock.monotonicMs()) ? undefined : 'busy'
    if (!state.rate.take() || !incomingRate.take()) return 'rate'
    const [oldest] = state.incoming.keys()
    if (oldest !== undefined && state.incoming.size >= limits.maxIncomingPerPeer)
      cancel(state, handshakes.get(oldest)!)
    const handshake = start(state, 'responder', message.handshakeId)
    state.incoming.set(handshake.id, clock.monotonicMs())
    return handshake
  }

  const begin = (from: NodeId, message: HandshakeMessage): void => {
    const handshake = accept(from, message)
    if (handshake === undefined) takeTurnsLater()
    else if (typeof handshake === 'string') dropped(handshake)
    else handshake.receive(message)
  }

  const dropped = (reason: string): void => counters.count('session_messages_dropped_total', { reason })
  const drop = (state: PeerState): void => {
    state.wanted = false
    state.cancelRetry?.()
    state.cancelRetry = undefined
    waiting.delete(state.peer)
    firstMessages.forget(state.peer)
    for (const handshake of handshakes.values()) if (handshake.peer === state.peer) cancel(state, handshake)
    state.outgoing = undefined
    state.incoming.clear()
    state.associations.clear()
  }

  return {
    ensure(peer) {
      if (peer === self) throw new RangeError('a node has no session with itself')
      if (disposed) return
      const state = stateOf(peer)
      if (state === undefined) return on.failed(peer, 'SESSION_LIMIT')
      state.lastTrafficMs = clock.monotonicMs()
      if (state.associations.sending !== undefined) return
      state.wanted = true
      pump(state)
    },
    receive(from, bytes) {
      if (disposed || from === self) return
      try {
        const message = decodeHandshakeMessage(bytes)
        const known = handshakes.get(message.handshakeId)
        if (known !== undefined && (known.peer !== from || known.role === message.sender))
          return dropped('foreign')
        if (known === undefined) begin(from, message)
        else known.receive(message)
      } catch (error) {
        if (!(error instanceof X0tError)) log.warn('session-receive', { from, reason: messageOf(error) })
        dropped('malformed')
      }
    },
    renew(peer) {
      const state = peers.get(peer)
      if (disposed || state === undefined) return
      state.wanted = true
      pump(state)
    },
    reachable(peer) {
      const state = peers.get(peer)
      const nowMs = clock.monotonicMs()
      if (disposed || state === undefined || nowMs - state.reachableAtMs < limits.reachableEveryMs) return
      state.reachableAtMs = nowMs
      for (const handshake of handshakes.values()) if (handshake.peer === peer) handshake.repeat()
      retryNow(state)
    },
    restarted(peer) {
      const state = peers.get(peer)
      if (disposed || state === undefined) return
      const isWanted = state.wanted || state.associations.size > 0
      // What was heard just now is from its new run: no program starts in so short a time.
      const sinceMs = clock.monotonicMs() - limits.freshRunMs
      firstMessages.forget(peer, sinceMs)
      for (const handshake of handshakes.values()) {
        const isFresh = handshake.role === 'responder' && handshake.heardAtMs > sinceMs
        if (handshake.peer === peer && !isFresh) cancel(state, handshake)
      }
      state.outgoing = undefined
      state.wanted = isWanted
      retryNow(state)
      takeTurns()
    },
    drop(peer) {
      const state = peers.get(peer)
      if (state === undefined) return
      drop(state)
      takeTurns()
    },
    touch(peer) {
      const state = peers.get(peer)
      if (state === undefined) return
      state.lastTrafficMs = clock.monotonicMs()
      const { sending } = state.associations
      if (sending === undefined || state.wanted || clock.monotonicMs() < sending.renewAtMs) return
      renewIfUsed(state)
    },
    setLifetime({ renewAfterMs, expireAfterMs }) {
      if (!(renewAfterMs > 0 && renewAfterMs < expireAfterMs))
        throw new RangeError(
          `a session cannot be renewed after ${renewAfterMs} ms and end after ${expireAfterMs} ms`,
        )
      limits.renewAfterMs = renewAfterMs
      limits.expireAfterMs = expireAfterMs
    },
    get lifetime() {
      return { renewAfterMs: limits.renewAfterMs, expireAfterMs: limits.expireAfterMs }
    },
    list: () => [...peers.values()].flatMap(({ associations }) => associations.list()),
    async [Symbol.asyncDispose]() {
      if (disposed) return
      disposed = true
      cancelTurns?.()
      for (const state of peers.values()) drop(state)
      peers.clear()
    },
  }
}
