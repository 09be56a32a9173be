/** Wall and monotonic time. Protocol code takes this, so that tests and simnet own the time. */
export interface Clock {
  /** Milliseconds since 1970; may jump. */
  wallMs(): number
  /** Milliseconds since some start; never goes back. */
  monotonicMs(): number
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  setTimer(delayMs: number, run: () => void): () => void
}

/** Cryptographically strong random bytes; seeded in tests and simnet. */
export interface Random {
  bytes(length: number): Uint8Array<ArrayBuffer>
}

export type LogFields = Readonly<Record<string, unknown>>

/** Structured log. `event` is a stable name in kebab-case; fields never hold secrets. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/** A log that drops everything. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** A counter source: metrics of a package, read when scraped. Names are Prometheus names without prefix. */
export interface Counters {
  /** Adds `by` (1 by default) to counter `name` with these labels. */
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void
}

export const silentCounters: Counters = { count() {} }
