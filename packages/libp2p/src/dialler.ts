import type { Libp2p } from '@libp2p/interface'
import { hasCode, messageOf, type Clock, type Counters, type Log, type NodeId } from '@x0t/core'
import { formatAddress, toMultiaddr, type Address } from './address.ts'
import type { CloseReason } from './close-reason.ts'
import { DialError } from './dial-member.ts'
import type { DialPlan, DialTarget, DialView } from './dial-plan.ts'
import type { VerifiedPeer } from './trust.ts'

export interface DiallerOptions {
  readonly own: NodeId
  readonly plan: DialPlan
  readonly view: DialView
  readonly clock: Clock
  readonly log: Log
  readonly counters: Counters
  readonly handshakeTimeoutMs: number
}

interface Dial {
  readonly target: DialTarget
  readonly aborter: AbortController
  readonly startedMs: number
  /** It was aborted for another one. */
  again: boolean
}

/** A dial that was begun so lately is let go on: a way that comes and goes must not end every handshake. */
const freshMs = 500

/** Carries out the dial plan: dials what is due, then sleeps until the next is. */
export class Dialler {
  readonly #options: DiallerOptions
  readonly #dialling = new Map<string, Dial>()
  #host: Libp2p | undefined
  #cancelWake = (): void => {}

  constructor(options: DiallerOptions) {
    this.#options = options
  }

  start(host: Libp2p): void {
    this.#host = host
    this.wake()
  }

  stop(): void {
    this.#host = undefined
    this.#cancelWake()
    for (const { aborter } of this.#dialling.values()) aborter.abort()
  }

  /** Looks again at what is due; to be called whenever the plan or the neighbours have changed. */
  wake(): void {
    const host = this.#host
    if (host === undefined) return
    this.#cancelWake()
    const { plan, view, clock } = this.#options
    for (const { target, address } of plan.due(clock.monotonicMs(), view))
      void this.#dial(host, target, address)
    const nextMs = plan.nextDueMs(view)
    if (nextMs === undefined) return
    // Due but not chosen (no room, or the address is busy): a change wakes us, this is for safety.
    const waitMs = Math.max(nextMs - clock.monotonicMs(), 100)
    this.#cancelWake = clock.setTimer(waitMs, () => this.wake())
  }

  /** Dials a node at once and anew: a dial that was begun before the way to it was back waits for TCP to repeat itself. */
  retryNow(nodeId: NodeId): void {
    const { plan, clock } = this.#options
    plan.retryNow(nodeId)
    for (const dial of this.#dialling.values()) {
      const isFresh = clock.monotonicMs() - dial.startedMs < freshMs
      if (dial.target.nodeId !== nodeId || isFresh) continue
      dial.again = true
      dial.aborter.abort()
    }
    this.wake()
  }

  /**
   * Judges who answered a dial.
   * @throws DialError if it is this node itself, or another node than was expected
   */
  checkDialled(peer: VerifiedPeer, address: Address): void {
    const where = formatAddress(address)
    if (peer.nodeId === this.#options.own) throw new DialError('self', 'us', `${where} is this node`)
    const target = this.#dialling.get(where)?.target
    if (target === undefined) return
    if (!target.isConfigured && target.nodeId !== undefined && target.nodeId !== peer.nodeId)
      throw new DialError('wrong-node', 'us', `${where} is ${peer.nodeId}, not ${target.nodeId}`)
    target.nodeId = peer.nodeId
  }

  async #dial(host: Libp2p, target: DialTarget, address: Address): Promise<void> {
    const { plan, clock, log, counters, handshakeTimeoutMs } = this.#options
    const where = formatAddress(address)
    const aborter = new AbortController()
    const cancel = clock.setTimer(handshakeTimeoutMs, () => aborter.abort())
    const dial: Dial = { target, aborter, startedMs: clock.monotonicMs(), again: false }
    this.#dialling.set(where, dial)
    try {
      // Without the PeerId: libp2p would not dial a peer twice, and the SVID says who it is.
      const connection = await host.dial(toMultiaddr(address), { signal: aborter.signal, force: true })
      counters.count('dials_total', { outcome: 'connected' })
      if (target.nodeId !== undefined) plan.dialled(target, target.nodeId)
      if (connection.status !== 'open') plan.failed(target, clock.monotonicMs(), 'closed-early')
    } catch (error) {
      const reason = reasonOfDialError(error, aborter.signal.aborted)
      plan.failed(target, clock.monotonicMs(), reason)
      if (this.#host !== undefined) {
        counters.count('dials_total', { outcome: reason })
        log.debug('dial-failed', { address: where, reason, error: messageOf(error) })
      }
    } finally {
      cancel()
      this.#dialling.delete(where)
      target.isDialling = false
      if (dial.again && target.nodeId !== undefined) plan.retryNow(target.nodeId)
      this.wake()
    }
  }
}

function reasonOfDialError(error: unknown, isAborted: boolean): CloseReason | 'unreachable' {
  if (error instanceof DialError) return error.reason
  if (isAborted) return 'handshake-timeout'
  return hasCode(error, 'ECONNREFUSED') ? 'unreachable' : 'handshake-failed'
}
