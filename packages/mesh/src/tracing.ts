import type { NodeId } from '@x0t/core'
import type { MeshContext } from './context.ts'
import type { TraceHop } from './events.ts'
import { limits } from './limits.ts'
import type { TraceAnswer, TraceProbe } from './message.ts'
import type { Relay } from './relay.ts'

/** Traces of this node that may run at once. */
const maxTraces = 64
/** After the target has answered, late answers of relays are waited for as long again, but at least this. */
const minGraceMs = 20

interface Trace {
  readonly to: NodeId
  readonly startedMs: number
  deadlineMs: number
  reached: boolean
  /** The longest path seen; the target's once it has answered. */
  path: readonly NodeId[]
  readonly rttsUs: Map<NodeId, number>
}

/**
 * Finds the way to a member: one probe travels to the target, every node on the way adds itself and answers.
 * All times are round-trip times on the clock of the node that asks.
 */
export class Tracing {
  readonly #context: MeshContext
  readonly #relay: Relay
  readonly #traces = new Map<string, Trace>()

  constructor(context: MeshContext, relay: Relay) {
    this.#context = context
    this.#relay = relay
  }

  /** @throws RangeError if the id is taken or too long, or too many traces run */
  start(to: NodeId, traceId: string): void {
    const { self, nowMs, parameters } = this.#context
    if (traceId.length > limits.traceIdCharacters) throw new RangeError('the trace id is too long')
    if (this.#traces.has(traceId)) throw new RangeError(`trace ${traceId} is running`)
    if (this.#traces.size >= maxTraces) throw new RangeError(`${maxTraces} traces are running`)
    if (to === self) return this.#context.emit({ type: 'trace-result', traceId, to, reached: true, hops: [] })
    if (!this.#relay.originate({ type: 'trace', source: self, destination: to, traceId, path: [] }))
      return this.#context.emit({ type: 'trace-result', traceId, to, reached: false, hops: [] })
    this.#traces.set(traceId, {
      to,
      startedMs: nowMs,
      deadlineMs: nowMs + parameters.traceTimeoutMs,
      reached: false,
      path: [],
      rttsUs: new Map(),
    })
  }

  onProbe(probe: TraceProbe, from: NodeId): void {
    const { self } = this.#context
    if (probe.source === self || probe.path.length >= limits.hops) return
    // On its way round a failure a probe may come by again, on another plane: it is passed on, and answered only once.
    if (probe.path.includes(self)) return this.#relay.forward(probe, from)
    const path = [...probe.path, self]
    const reached = probe.destination === self
    const { source, traceId } = probe
    this.#relay.originate({ type: 'traced', destination: source, traceId, path, reached })
    if (!reached) this.#relay.forward({ ...probe, path }, from)
  }

  onAnswer(answer: TraceAnswer, from: NodeId): void {
    const { self, nowMs } = this.#context
    if (answer.destination !== self) return this.#relay.forward(answer, from)
    const trace = this.#traces.get(answer.traceId)
    const hop = answer.path.at(-1)
    if (trace === undefined || hop === undefined || answer.reached !== (hop === trace.to)) return
    const elapsedMs = nowMs - trace.startedMs
    if (!trace.rttsUs.has(hop)) trace.rttsUs.set(hop, Math.round(elapsedMs * 1000))
    if (!trace.reached && (answer.reached || answer.path.length > trace.path.length)) trace.path = answer.path
    if (answer.reached && !trace.reached) {
      trace.reached = true
      trace.deadlineMs = Math.min(trace.deadlineMs, nowMs + Math.max(elapsedMs, minGraceMs))
    }
    if (trace.reached && trace.path.every((id) => trace.rttsUs.has(id))) this.#finish(answer.traceId, trace)
  }

  /** Ends the traces whose time is over. */
  expire(): void {
    for (const [traceId, trace] of this.#traces)
      if (trace.deadlineMs <= this.#context.nowMs) this.#finish(traceId, trace)
  }

  nextDeadlineMs(): number {
    let nextMs = Infinity
    for (const { deadlineMs } of this.#traces.values()) nextMs = Math.min(nextMs, deadlineMs)
    return nextMs
  }

  #finish(traceId: string, { to, reached, path, rttsUs }: Trace): void {
    this.#traces.delete(traceId)
    const hops = path.map((id): TraceHop => ({ id, rttUs: rttsUs.get(id) ?? null }))
    this.#context.emit({ type: 'trace-result', traceId, to, reached, hops })
  }
}
