import { hasCode, type NodeId } from '@x0t/core'
import type { OrbitLimits } from './limits.ts'

export interface PullerOptions {
  readonly limits: OrbitLimits
  /** Whether an entry is here already. */
  readonly has: (hash: string) => Promise<boolean>
  /** Fetches a head from a neighbour and takes it; a failure ends the round with that neighbour. */
  readonly pull: (from: NodeId, head: string) => Promise<void>
  readonly onFailure: (from: NodeId, error: unknown) => void
  readonly signal: AbortSignal
}

/** Fetches what neighbours have told of: one head after another from each, a bounded number of them in mind. */
export class Puller {
  readonly #options: PullerOptions
  readonly #wanted = new Map<NodeId, Set<string>>()
  readonly #running = new Map<NodeId, Promise<void>>()

  constructor(options: PullerOptions) {
    this.#options = options
  }

  want(from: NodeId, heads: readonly string[]): void {
    const { limits, signal } = this.#options
    const wanted = this.#wanted.get(from) ?? new Set()
    for (const head of heads) if (wanted.size < limits.heads) wanted.add(head)
    if (wanted.size === 0 || signal.aborted) return
    this.#wanted.set(from, wanted)
    if (!this.#running.has(from)) this.#running.set(from, this.#run(from, wanted))
  }

  /** Resolves when all that was begun has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  async #run(from: NodeId, wanted: Set<string>): Promise<void> {
    const { has, pull, onFailure, signal } = this.#options
    await Promise.resolve() // so that it ends after it is among the running ones
    for (const head of wanted) {
      if (signal.aborted) break
      wanted.delete(head)
      // It may have come from another neighbour meanwhile.
      if (await has(head)) continue
      try {
        await pull(from, head)
      } catch (error) {
        if (signal.aborted) break
        onFailure(from, error)
        // Gone, or silent: the rest is told of again when it is back.
        if (!hasCode(error, 'ORBIT_ENTRY_INVALID') && !hasCode(error, 'ORBIT_LOG_FULL')) wanted.clear()
      }
    }
    this.#wanted.delete(from)
    this.#running.delete(from)
  }
}
