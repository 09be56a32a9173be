/** Bounds of what neighbours and writers can make a node hold, send and do. */
export interface OrbitLimits {
  /** Bytes of one record that is put here, its signature apart. */
  readonly recordBytes: number
  /** Records of one author that are put here. Of what others write, their logs are bounded. */
  readonly recordsPerAuthor: number
  /** Bytes of one entry of a log, which holds several records. */
  readonly entryBytes: number
  readonly recordsPerEntry: number
  /** Records are gathered into one entry up to so many bytes; a larger record has an entry to itself. */
  readonly batchBytes: number
  /** Bytes of one member's log. What comes after is not taken; the logs of others are not touched. */
  readonly logBytes: number
  readonly logs: number
  /** Records in one member's log whose signatures no known key of their author made: beyond it they are forgeries. */
  readonly doubtfulPerLog: number
  /** Heads in one message, and heads of one neighbour that wait to be fetched. */
  readonly heads: number
  /** Entries and bytes in one answer to a neighbour. */
  readonly answerEntries: number
  readonly answerBytes: number
  /** Requests of one neighbour in ten seconds. */
  readonly requestsPer10s: number
  /** A neighbour that sent this much that cannot be right is not listened to for `muteMs`; a writer at the first. */
  readonly strikes: number
  readonly muteMs: number
  /** One exchange with a neighbour. */
  readonly exchangeMs: number
  /** Neighbours compare all their heads this often, should a message have been lost. */
  readonly compareMs: number
  /** Records put one after another wait this long to be sent together. */
  readonly gatherMs: number
}

export const defaultLimits: OrbitLimits = {
  recordBytes: 528_384,
  recordsPerAuthor: 262_144,
  entryBytes: 600_000,
  recordsPerEntry: 64,
  batchBytes: 256 << 10,
  logBytes: 256 << 20,
  logs: 4096,
  doubtfulPerLog: 64,
  heads: 4096,
  answerEntries: 256,
  answerBytes: 1 << 20,
  requestsPer10s: 1000,
  strikes: 3,
  muteMs: 600_000,
  exchangeMs: 10_000,
  compareMs: 30_000,
  gatherMs: 20,
}
