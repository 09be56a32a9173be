import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { hasCode, messageOf, type Clock, type Counters, type Log, type NodeId } from '@x0t/core'
import type { RecordId } from '@x0t/dao'
import type { OrbitLimits } from './limits.ts'
import type { NeighbourBook } from './neighbour-book.ts'
import type { OrbitEvent, OrbitNetwork } from './ports.ts'
import { decodeHeads, encodeHeads, headsProtocol, type HeadsMessage } from './wire.ts'

export interface ExchangeOptions {
  readonly network: OrbitNetwork
  readonly dao: RecordId
  readonly neighbours: NeighbourBook
  readonly limits: OrbitLimits
  readonly heads: () => Promise<readonly string[]>
  /** Heads that a neighbour has. */
  readonly onHeads: (from: NodeId, heads: readonly string[]) => void
  readonly onEvent: (event: OrbitEvent) => void
  readonly clock: Clock
  readonly log: Log
  readonly counters: Counters
  readonly signal: AbortSignal
}

const maxHeadBytes = 96
const overheadBytes = 256

/**
 * Who has what: tells neighbours of new heads, compares all heads when a neighbour comes and now and then. Where news
 * came from a neighbour it goes on to the others, so that it reaches members that no link joins directly.
 */
export class Exchange {
  readonly #options: ExchangeOptions
  /** What is to be told to whom; all heads, or these. */
  readonly #due = new Map<NodeId, 'all' | Set<string>>()
  readonly #busy = new Set<NodeId>()
  #answering: AsyncDisposable | undefined
  #cancelGather = (): void => {}
  #cancelCompare = (): void => {}

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { network } = this.#options
    this.#answering = await network.answer(
      headsProtocol,
      (nodeId, stream) =>
        void this.#answer(nodeId, stream).catch((error: unknown) => {
          stream.abort(new Error('refused', { cause: error }))
          this.#failed(nodeId, error)
        }),
      { perNeighbour: 4 },
    )
    this.compare()
  }

  /** All heads with all neighbours, also those that had no DAO when they were last asked. */
  compare(): void {
    const { network, neighbours, clock, limits, signal } = this.#options
    if (signal.aborted) return
    this.#cancelCompare()
    neighbours.keepOnly(new Set(network.neighbours()))
    for (const nodeId of network.neighbours()) this.neighbourUp(nodeId)
    this.#cancelCompare = clock.setTimer(limits.compareMs, () => this.compare())
  }

  neighbourUp(nodeId: NodeId): void {
    this.#due.set(nodeId, 'all')
    this.#gather()
  }

  /** New heads are here, from this node or from a neighbour. */
  news(heads: readonly string[], from?: NodeId): void {
    const { network, neighbours } = this.#options
    for (const nodeId of network.neighbours()) {
      if (nodeId === from || neighbours.speaks(nodeId) !== 'same') continue
      const due = this.#due.get(nodeId)
      if (due === 'all') continue
      this.#due.set(nodeId, new Set([...(due ?? []), ...heads]))
    }
    this.#gather()
  }

  async stop(): Promise<void> {
    this.#cancelGather()
    this.#cancelCompare()
    await this.#answering?.[Symbol.asyncDispose]()
  }

  #gather(): void {
    const { clock, limits, signal } = this.#options
    this.#cancelGather()
    if (!signal.aborted) this.#cancelGather = clock.setTimer(limits.gatherMs, () => this.#tellAll())
  }

  #tellAll(): void {
    for (const [nodeId, due] of this.#due) {
      if (this.#busy.has(nodeId) || this.#options.neighbours.isMuted(nodeId)) continue
      this.#due.delete(nodeId)
      this.#busy.add(nodeId)
      void this.#tell(nodeId, due)
        .catch((error: unknown) => this.#failed(nodeId, error))
        .finally(() => {
          this.#busy.delete(nodeId)
          if (this.#due.has(nodeId)) this.#gather()
        })
    }
  }

  async #tell(nodeId: NodeId, due: 'all' | Set<string>): Promise<void> {
    const { network, limits, dao, heads } = this.#options
    const isAll = due === 'all'
    const deadline = this.#deadline()
    const stream = await network.open(nodeId, headsProtocol, { signal: deadline })
    try {
      const frames = this.#frames(stream)
      const told = isAll ? await heads() : [...due]
      await frames.write(encodeHeads({ dao, isAll, heads: told.slice(0, limits.heads) }), {
        signal: deadline,
      })
      this.#take(nodeId, decodeHeads((await frames.read({ signal: deadline })).subarray(), limits.heads))
    } finally {
      void stream.close().catch(() => stream.abort(new Error('closed')))
    }
  }

  async #answer(nodeId: NodeId, stream: Stream): Promise<void> {
    const { dao, limits, neighbours, heads } = this.#options
    if (neighbours.isMuted(nodeId) || !neighbours.admit(nodeId)) return stream.abort(new Error('muted'))
    const deadline = this.#deadline()
    const frames = this.#frames(stream)
    const message = decodeHeads((await frames.read({ signal: deadline })).subarray(), limits.heads)
    const told = message.isAll && message.dao === dao ? await heads() : []
    await frames.write(encodeHeads({ dao, isAll: message.isAll, heads: told.slice(0, limits.heads) }), {
      signal: deadline,
    })
    await stream.close({ signal: deadline })
    this.#take(nodeId, message)
  }

  #take(nodeId: NodeId, { dao, heads }: HeadsMessage): void {
    const { neighbours, onHeads, onEvent, log, counters } = this.#options
    if (dao !== this.#options.dao) {
      counters.count('dao_records_refused_total', { reason: 'other-dao' })
      if (neighbours.learn(nodeId, 'other', dao)) {
        log.warn('dao-other-genesis', { peer: nodeId, theirs: dao, ours: this.#options.dao })
        onEvent({ kind: 'other-dao', neighbour: nodeId, dao })
      }
      return
    }
    if (neighbours.learn(nodeId, 'same', dao)) log.info('dao-neighbour', { peer: nodeId })
    if (heads.length > 0) onHeads(nodeId, heads)
  }

  #failed(nodeId: NodeId, error: unknown): void {
    const { neighbours, log, signal } = this.#options
    if (signal.aborted) return
    if (hasCode(error, 'ORBIT_MESSAGE_INVALID'))
      return this.strike(nodeId, 'message-invalid', messageOf(error))
    // It has no DAO. Should it get one, it tells us.
    if (hasCode(error, 'CONTROL_PROTOCOL_UNKNOWN')) neighbours.learn(nodeId, 'none')
    log.debug('dao-exchange-failed', { peer: nodeId, reason: messageOf(error) })
  }

  /** Counts what a neighbour sent and cannot be right; after some of it, it is not listened to. */
  strike(nodeId: NodeId, reason: string, detail: string): void {
    const { neighbours, log, counters, limits, onEvent } = this.#options
    counters.count('dao_records_refused_total', { reason })
    log.warn('dao-refused', { peer: nodeId, reason, detail })
    if (!neighbours.strike(nodeId)) return
    log.warn('dao-neighbour-muted', { peer: nodeId, reason, forMs: limits.muteMs })
    onEvent({ kind: 'neighbour-muted', neighbour: nodeId, reason })
  }

  #frames(stream: Stream): ReturnType<typeof lpStream> {
    const maxDataLength = this.#options.limits.heads * maxHeadBytes + overheadBytes
    return lpStream(stream, { maxDataLength, maxBufferSize: maxDataLength * 2 })
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#options.signal, AbortSignal.timeout(this.#options.limits.exchangeMs)])
  }
}
