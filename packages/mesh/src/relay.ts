import type { NodeId } from '@x0t/core'
import type { Adjacency } from './adjacency.ts'
import { sendMessage, type MeshContext } from './context.ts'
import { limits } from './limits.ts'
import type { MeshMessage, RoutedMessage } from './message.ts'
import type { Route, RouteTable } from './route-table.ts'

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
    const message = { type: 'routed', source: self, destination: to, hopLimit: limits.hops, payload } as const
    if (!this.originate(message)) this.#context.emit({ type: 'unroutable', to })
  }

  /** Sends a message of this node on its way; false where no route leads to its destination. */
  originate(message: Extract<MeshMessage, { destination: NodeId }>): boolean {
    const route = this.#routes().get(message.destination)
    if (route === undefined) {
      this.#drop('no-route')
      return false
    }
    sendMessage(this.#context, [route.nextHop], message)
    return true
  }

  /** A routed message from a neighbour: for this node, or to be passed on. */
  onRouted(message: RoutedMessage, from: NodeId): void {
    const { self } = this.#context
    if (message.source === self) return this.#drop('own-source')
    if (message.destination === self)
      return this.#context.emit({ type: 'deliver', from: message.source, payload: message.payload })
    this.forward(message, from)
  }

  /** Passes a message on, one hop poorer, never back to where it came from. */
  forward(message: Extract<MeshMessage, { destination: NodeId }>, from: NodeId): void {
    if (message.hopLimit <= 1) return this.#drop('hop-limit')
    const route = this.#routes().get(message.destination)
    if (route === undefined) return this.#drop('no-route')
    const next = nextHopFrom(route, from)
    if (next === undefined) return this.#drop('way-back')
    this.#context.counters.count('mesh_forwarded_total')
    sendMessage(this.#context, [next], { ...message, hopLimit: message.hopLimit - 1 })
  }

  /** Whether the neighbour may still send messages that are not about link states. */
  mayPass(from: NodeId, bytes: number): boolean {
    const neighbour = this.#adjacency.get(from)
    const { nowMs } = this.#context
    if (neighbour?.routed.take(nowMs) === true && neighbour.routedBytes.take(nowMs, bytes)) return true
    this.#drop('limited')
    return false
  }

  #drop(reason: string): void {
    this.#context.counters.count('mesh_dropped_total', { reason })
  }
}

function nextHopFrom(route: Route, from: NodeId): NodeId | undefined {
  if (route.nextHop !== from) return route.nextHop
  return route.alternate
}
