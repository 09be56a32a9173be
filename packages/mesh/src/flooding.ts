import type { NodeId } from '@x0t/core'
import type { Adjacency } from './adjacency.ts'
import { sendMessage, type MeshContext } from './context.ts'
import { limits } from './limits.ts'
import { envelopeOf, type LinkStateDatabase, type StoredState } from './link-state-database.ts'
import type { Envelope, SummaryEntry } from './message.ts'

/** An envelope needs at most this much besides its body, bytes. */
const envelopeOverhead = 160

/** Sends link states to neighbours, packed into as few messages as fit. */
export function sendStates(
  context: MeshContext,
  to: readonly NodeId[],
  states: readonly StoredState[],
): void {
  if (to.length === 0) return
  let batch: Envelope[] = []
  let bytes = 0
  const flush = (): void => {
    if (batch.length > 0) sendMessage(context, to, { type: 'states', envelopes: batch })
    batch = []
    bytes = 0
  }
  for (const stored of states) {
    const size = stored.body.length + envelopeOverhead
    if (bytes + size > limits.messageBytes - envelopeOverhead) flush()
    batch.push(envelopeOf(stored, context.nowMs))
    bytes += size
  }
  flush()
}

/** The exchange by which two databases become equal: compare, summary, request, states. */
export class DatabaseSync {
  readonly #context: MeshContext
  readonly #database: LinkStateDatabase
  readonly #adjacency: Adjacency

  constructor(context: MeshContext, database: LinkStateDatabase, adjacency: Adjacency) {
    this.#context = context
    this.#database = database
    this.#adjacency = adjacency
  }

  /** Tells `to` what is held here. */
  sendSummary(to: NodeId): void {
    const entries = this.#database.summary()
    for (let i = 0; i === 0 || i < entries.length; i += limits.summaryEntries)
      sendMessage(this.#context, [to], {
        type: 'summary',
        entries: entries.slice(i, i + limits.summaryEntries),
      })
  }

  /** Asks all of `to` whether they hold the same. */
  sendCompare(to: Iterable<NodeId>): void {
    const { size, check } = this.#database
    sendMessage(this.#context, to, { type: 'compare', count: size, check })
  }

  onCompare(from: NodeId, count: number, check: number): void {
    if (count === this.#database.size && check === this.#database.check) return
    if (this.#mayAnswer(from)) this.sendSummary(from)
  }

  onSummary(from: NodeId, entries: readonly SummaryEntry[], isRemoved: (id: NodeId) => boolean): void {
    if (!this.#mayAnswer(from)) return
    const origins = entries
      .filter((entry) => !isRemoved(entry.origin) && this.#database.lacks(entry))
      .map((entry) => entry.origin)
    if (origins.length > 0) sendMessage(this.#context, [from], { type: 'request', origins })
  }

  onRequest(from: NodeId, origins: readonly NodeId[]): void {
    const neighbour = this.#adjacency.get(from)
    if (neighbour === undefined || !neighbour.requests.take(this.#context.nowMs, origins.length)) {
      this.#context.counters.count('mesh_limited_total', { what: 'request' })
      return
    }
    const states = [...new Set(origins)]
      .map((origin) => this.#database.get(origin))
      .filter((stored) => stored !== undefined)
    sendStates(this.#context, [from], states)
  }

  #mayAnswer(from: NodeId): boolean {
    if (this.#adjacency.get(from)?.summaries.take(this.#context.nowMs) === true) return true
    this.#context.counters.count('mesh_limited_total', { what: 'summary' })
    return false
  }
}
