/** Times and rates of a mesh. The defaults suit links of 0.1 to 300 ms and up to 2,048 members. */
export interface MeshParameters {
  /** A node repeats its link state at least this often. */
  readonly refreshMs: number
  /** A link state that was not renewed for so long is dropped. */
  readonly maxAgeMs: number
  /** A link state whose signed wall-clock time is further off than this plus `maxAgeMs` is refused. */
  readonly clockToleranceMs: number
  /** Neighbours compare their databases this often. */
  readonly syncMs: number
  /** Hold between own link states: the first goes at once, then `incrementMs`, doubled up to `maxMs`. */
  readonly originationHold: HoldParameters
  /** All news but a lost link waits so long for more, and the first of a burst no longer. */
  readonly goodNewsMs: number
  /** News of others that is not bad is passed on after this time, together with what else came. */
  readonly floodHoldMs: number
  /** Hold before routes are computed on news from others; a neighbour's death waits for nothing. */
  readonly spfHold: HoldParameters
  /** The independent trees are computed when no link came or went for `quietMs`, or after `maxMs` of restlessness. */
  readonly treeHold: { readonly quietMs: number; readonly maxMs: number }
  /**
   * For how long a cost counts as feasible after it rose. Packets never loop, however short it is, as the distance that
   * they carry falls; longer sends them round a failure by the trees instead of along the routes of its first seconds.
   */
  readonly feasibleWindowMs: number
  /** After a neighbour went down no route passes it for this time, or until it says something new. */
  readonly suspectMs: number
  /** Link states that one origin may change in a row, and then per second. */
  readonly originBurst: number
  readonly originPerSecond: number
  /** Link states that one neighbour may make us verify in a row, and then per second. */
  readonly neighbourBurst: number
  readonly neighbourPerSecond: number
  /** Routed messages and traces taken from one neighbour in a row, and then per second. */
  readonly routedBurst: number
  readonly routedPerSecond: number
  /** Bytes of routed messages taken from one neighbour in a row, and then per second. */
  readonly routedBurstBytes: number
  readonly routedBytesPerSecond: number
  /** A trace ends after this time without its target. */
  readonly traceTimeoutMs: number
  /** Neighbours that may serve as alternates, cheapest first: bounds the work of a node with hundreds of links. */
  readonly alternateCandidates: number
  readonly metric: MetricParameters
  readonly damping: DampingParameters
}

export interface HoldParameters {
  readonly initialMs: number
  readonly incrementMs: number
  readonly maxMs: number
}

export interface MetricParameters {
  /** Added to every link, µs: the price of one more relay. */
  readonly hopUs: number
  /** Factor for links whose datagrams travel in TLS on TCP. */
  readonly tlsFactor: number
  /** What each lost datagram costs, µs: the order of the timer after which a sender repeats it. */
  readonly lossUs: number
  /** A new cost is used only if it differs from the old by this share of it… */
  readonly changeRatio: number
  /** …and by this much, µs… */
  readonly changeUs: number
  /** …and the old was used for this long, and the rise has held for `riseMs`. */
  readonly minIntervalMs: number
  readonly riseMs: number
  /** A cost that rose by this much, µs, or by loss, is used at once. */
  readonly urgentUs: number
  /** A lower cost is used only after the link was as good for this long without a break. */
  readonly calmMs: number
  /** Taken for a link that was not measured yet, ms. */
  readonly unmeasuredRttMs: number
  /** Taken for a link whose datagram size was not probed yet, bytes: the least that IPv6 links carry, less headers. */
  readonly unmeasuredDatagramBytes: number
}

export interface DampingParameters {
  /** Added to a link's penalty when it goes down. */
  readonly downPenalty: number
  /** At this penalty the link becomes a last resort… */
  readonly suppressAt: number
  /** …until its penalty has decayed to this. */
  readonly reuseAt: number
  readonly halfLifeMs: number
  readonly maxPenalty: number
}

export const defaultParameters: MeshParameters = {
  refreshMs: 60_000,
  maxAgeMs: 180_000,
  clockToleranceMs: 86_400_000,
  syncMs: 30_000,
  originationHold: { initialMs: 0, incrementMs: 50, maxMs: 2000 },
  goodNewsMs: 10,
  floodHoldMs: 5,
  spfHold: { initialMs: 5, incrementMs: 10, maxMs: 500 },
  treeHold: { quietMs: 50, maxMs: 1000 },
  feasibleWindowMs: 100,
  suspectMs: 1000,
  originBurst: 16,
  originPerSecond: 1,
  neighbourBurst: 4096,
  neighbourPerSecond: 500,
  routedBurst: 4096,
  routedPerSecond: 2048,
  routedBurstBytes: 16 * 1024 * 1024,
  routedBytesPerSecond: 4 * 1024 * 1024,
  traceTimeoutMs: 3000,
  alternateCandidates: 32,
  metric: {
    hopUs: 500,
    tlsFactor: 2,
    lossUs: 100_000,
    changeRatio: 0.25,
    changeUs: 500,
    minIntervalMs: 5000,
    riseMs: 1500,
    urgentUs: 20_000,
    calmMs: 3000,
    unmeasuredRttMs: 50,
    unmeasuredDatagramBytes: 1232,
  },
  damping: { downPenalty: 1000, suppressAt: 3500, reuseAt: 1000, halfLifeMs: 15_000, maxPenalty: 8000 },
}

/** Time by which the holds forget that there was a burst, in multiples of their longest. */
export const holdQuietFactor = 2
