/** Sizes that every member enforces on what it reads and keeps to in what it writes. */
export const limits = {
  /** Largest message between neighbours, bytes. */
  messageBytes: 65_536,
  /** Largest signed body of a link state, bytes. */
  linkStateBytes: 20_000,
  signatureBytes: 64,
  /** Links that one node may list. */
  neighbours: 256,
  /** Nodes whose link states are kept. */
  members: 2048,
  nameCharacters: 64,
  addresses: 16,
  addressCharacters: 128,
  features: 32,
  featureCharacters: 64,
  /** Entries of one summary or request. */
  summaryEntries: 1000,
  /** Largest payload of a routed message, bytes. */
  routedPayloadBytes: 61_440,
  /** Relays that a routed message or trace may pass. */
  hops: 255,
  traceIdCharacters: 64,
  /** Highest cost of a link, µs: one minute. */
  linkCostUs: 60_000_000,
  datagramBytes: 65_535,
} as const
