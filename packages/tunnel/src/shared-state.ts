import { maxLinks, maxPeers } from './limits.ts'

/** What the two workers and the owner share without messages. Every word has one writer, except where atomic. */
export interface SharedState {
  /** Per link: 1 while probes get through. Written by the receiving worker. */
  readonly linkAlive: Int32Array
  /** Per link: the last hop counter used; both workers add to it, atomically. */
  readonly hopCounter: BigInt64Array
  /** Per peer: loss level in force for what is sent to it (see loss-adaptation.ts). Written by the receiving worker. */
  readonly lossLevel: Int32Array
  /** Per peer, modulo 2^32: fragments received and lost, by the receiving worker; units sent, by the sending one. */
  readonly reception: Int32Array
  /** Per peer, see {@link echoCell}. Written by the receiving worker. */
  readonly echoes: Int32Array
  /** Echoes received from all peers, modulo 2^32: the sending worker need not look at all cells. */
  readonly echoCount: Int32Array
  /** Times that the receiving worker has found nothing more to receive, modulo 2^32. */
  readonly receiverTurns: Int32Array
  /** Per link, see {@link trafficCell}. */
  readonly linkTraffic: Float64Array
  /** Counters of the sending and the receiving worker, in the order of `statNames`. */
  readonly sendStats: Float64Array
  readonly receiveStats: Float64Array
}

/** The buffers behind {@link SharedState}, to be passed to a worker. */
export interface SharedBuffers {
  readonly linkAlive: SharedArrayBuffer
  readonly hopCounter: SharedArrayBuffer
  readonly lossLevel: SharedArrayBuffer
  readonly reception: SharedArrayBuffer
  readonly echoes: SharedArrayBuffer
  readonly echoCount: SharedArrayBuffer
  readonly receiverTurns: SharedArrayBuffer
  readonly linkTraffic: SharedArrayBuffer
  readonly sendStats: SharedArrayBuffer
  readonly receiveStats: SharedArrayBuffer
}

/** Words per peer in {@link SharedState.reception}. */
export const receptionWords = 4
/** The word of a peer's reception that counts units sent to it. */
export const unitsSentWord = 2

/** Words per peer in {@link SharedState.echoes}. */
export const echoWords = 8
/**
 * What was last received from a peer: the numbers of its requests and replies (those about the ordinary way apart), how
 * many replies it misses and which one it got last, and the highest number of a request of ours that it says it got.
 */
export const echoCell = {
  request: 0,
  overdue: 1,
  primaryRequest: 2,
  reply: 3,
  primaryReply: 4,
  heard: 5,
  answered: 6,
} as const

/** Cells of one link in {@link SharedState.linkTraffic}: bytes, then datagrams, sent by either worker, and received. */
export const trafficCells = 6
export const trafficCell = { bySender: 0, byReceiver: 2, received: 4 } as const

/** What is counted, in the order of the shared arrays. */
export const statNames = [
  'packetsFromTun',
  'bytesFromTun',
  'packetsToTun',
  'bytesToTun',
  'unitsSealed',
  'unitsOpened',
  'unitsRepaired',
  'unitsLost',
  'unitsDuplicated',
  'datagramsSent',
  'datagramsReceived',
  'datagramsForwarded',
  'datagramsToRepair',
  'datagramsToTree',
  'datagramsToSilent',
  'droppedTooShort',
  'droppedUnknownLink',
  'droppedBadTag',
  'droppedHopReplay',
  'droppedHopLimit',
  'droppedNoRoute',
  'droppedNextHopDown',
  'droppedLoop',
  'droppedNoSession',
  'droppedUnitInvalid',
  'droppedUnitReplay',
  'droppedDuplicate',
  'droppedUnitForged',
  'droppedInnerInvalid',
  'droppedInnerAddress',
  'droppedQueueFull',
  'droppedSendError',
  'droppedTooLong',
  'tunWriteErrors',
  'linkDownsSilent',
  'linkDownsCarrier',
  'linkDownsTold',
  'workerStalls',
] as const

export type StatName = (typeof statNames)[number]
/** Sums over both workers. */
export type Stats = Readonly<Record<StatName, number>>

/** Index of each counter. */
export const stat = Object.fromEntries(statNames.map((name, index) => [name, index])) as Record<
  StatName,
  number
>

export function allocateSharedBuffers(): SharedBuffers {
  return {
    linkAlive: new SharedArrayBuffer(4 * maxLinks),
    hopCounter: new SharedArrayBuffer(8 * maxLinks),
    lossLevel: new SharedArrayBuffer(4 * maxPeers),
    reception: new SharedArrayBuffer(4 * receptionWords * maxPeers),
    echoes: new SharedArrayBuffer(4 * echoWords * maxPeers),
    echoCount: new SharedArrayBuffer(4),
    receiverTurns: new SharedArrayBuffer(4),
    linkTraffic: new SharedArrayBuffer(8 * trafficCells * maxLinks),
    sendStats: new SharedArrayBuffer(8 * statNames.length),
    receiveStats: new SharedArrayBuffer(8 * statNames.length),
  }
}

export function viewSharedState(buffers: SharedBuffers): SharedState {
  return {
    linkAlive: new Int32Array(buffers.linkAlive),
    hopCounter: new BigInt64Array(buffers.hopCounter),
    lossLevel: new Int32Array(buffers.lossLevel),
    reception: new Int32Array(buffers.reception),
    echoes: new Int32Array(buffers.echoes),
    echoCount: new Int32Array(buffers.echoCount),
    receiverTurns: new Int32Array(buffers.receiverTurns),
    linkTraffic: new Float64Array(buffers.linkTraffic),
    sendStats: new Float64Array(buffers.sendStats),
    receiveStats: new Float64Array(buffers.receiveStats),
  }
}

/** Sum of both workers' counters. */
export function readStats(state: SharedState): Stats {
  return Object.fromEntries(
    statNames.map((name, index) => [name, state.sendStats[index]! + state.receiveStats[index]!]),
  ) as Stats
}
