interface Entry {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** Events in the order of their time; those of one time in the order of their scheduling. A binary heap. */
export class EventQueue {
  readonly #heap: Entry[] = []
  #order = 0

  /** Schedules `run`; the returned function cancels it. */
  add(atMs: number, run: () => void): () => void {
    const entry: Entry = { atMs, order: this.#order++, run, cancelled: false }
    let slot = this.#heap.push(entry) - 1
    while (slot > 0) {
      const above = (slot - 1) >> 1
      if (!isBefore(entry, this.#heap[above]!)) break
      this.#heap[slot] = this.#heap[above]!
      slot = above
    }
    this.#heap[slot] = entry
    return () => void (entry.cancelled = true)
  }

  /** Time of the next event; Infinity where there is none. */
  nextMs(): number {
    while (this.#heap[0]?.cancelled === true) this.#removeFirst()
    return this.#heap[0]?.atMs ?? Infinity
  }

  /** Removes the next event and returns what is to run. */
  take(): (() => void) | undefined {
    if (this.nextMs() === Infinity) return undefined
    return this.#removeFirst().run
  }

  #removeFirst(): Entry {
    const first = this.#heap[0]!
    const entry = this.#heap.pop()!
    if (this.#heap.length === 0) return first
    let slot = 0
    for (;;) {
      let below = 2 * slot + 1
      const right = this.#heap[below + 1]
      if (right !== undefined && isBefore(right, this.#heap[below]!)) below++
      const other = this.#heap[below]
      if (other === undefined || !isBefore(other, entry)) break
      this.#heap[slot] = other
      slot = below
    }
    this.#heap[slot] = entry
    return first
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs
}
