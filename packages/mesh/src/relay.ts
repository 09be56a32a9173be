import type { NodeId } from '@x0t/core'
import type { Adjacency } from './adjacency.ts'
import { sendMessage, type MeshContext } from './context.ts'
import { forward, planes, sourceRemaining } from './forward.ts'
import { limits } from './limits.ts'
import type { HopFields, MeshMessage, RoutedMessage } from './message.ts'
import type { RouteTable } from './route-table.ts'

/** A message that goes hop by hop, and one that was not sent yet. */
type HopMessage = Extract<MeshMessage, HopFields>
type Unsent<T> = T extends HopMessage ? Omit<T, 'hopLimit' | 'plane' | 'remaining'> : never

/** Passes messages towards members that are not neighbours. */
export class Relay {
  readonly #context: MeshContext
  readonly #adjacency: Adjacency
  readonly #routes: () => RouteTable

  constructor(context: MeshContext, adjacency: Adjacency, routes: () => RouteTable) {
    this.#context = context
    this.#adjacency = adjacency
    this.#routes = routes
  }

  /** @throws RangeError if the payload is too long */
  send(to: NodeId, payload: Uint8Array): void {
    if (payload.length > limits.routedPayloadBytes)
      throw new RangeError(
        `a routed message carries up to ${limits.routedPayloadBytes} bytes, not ${payload.length}`,
      )
    const { self } = this.#context
    if (to === self) return this.#context.emit({ type: 'deliver', from: self, payload })
    if (!this.originate({ type: 'routed', source: self, destination: to, payload }))
      this.#context.emit({ type: 'unroutable', to })
  }

  /** Sends a message of this node on its way; false where nothing leads to its destination. */
  originate(message: Unsent<HopMessage>): boolean {
    const start = { hopLimit: limits.hops, plane: planes.shortest, remaining: sourceRemaining }
    return this.#pass({ ...message, ...start }, undefined)
  }

  /** A routed message from a neighbour: for this node, or to be passed on. */
  onRouted(message: RoutedMessage, from: NodeId): void {
    const { self } = this.#context
    if (message.source === self) return this.#drop('own-source')
    if (message.destination === self)
      return this.#context.emit({ type: 'deliver', from: message.source, payload: message.payload })
    this.forward(message, from)
  }

  /** Passes a message on, one hop poorer. */
  forward(message: HopMessage, from: NodeId): void {
    if (message.hopLimit <= 1) return this.#drop('hop-limit')
    const hopLimit = message.hopLimit - 1
    if (this.#pass({ ...message, hopLimit }, from)) this.#context.counters.count('mesh_forwarded_total')
  }

  /** Whether the neighbour may still send messages that are not about link states. */
  mayPass(from: NodeId, bytes: number): boolean {
    const neighbour = this.#adjacency.get(from)
    const { nowMs } = this.#context
    if (neighbour?.routed.take(nowMs) === true && neighbour.routedBytes.take(nowMs, bytes)) return true
    this.#drop('limited')
    return false
  }

  #pass(message: HopMessage, from: NodeId | undefined): boolean {
    const { destination, plane, remaining } = message
    const isAlive = (id: NodeId): boolean => this.#adjacency.get(id) !== undefined
    const hop = forward(this.#routes().get(destination), plane, remaining, from, isAlive)
    if ('drop' in hop) {
      this.#drop(hop.drop)
      return false
    }
    sendMessage(this.#context, [hop.next], { ...message, plane: hop.plane, remaining: hop.remaining })
    return true
  }

  #drop(reason: string): void {
    this.#context.counters.count('mesh_dropped_total', { reason })
  }
}
