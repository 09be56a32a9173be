import type { Arena } from './arena.ts'
import { aeadTagBytes } from './aead.ts'
import type { Report } from './commands.ts'
import { headerBytes } from './datagram.ts'
import { unitKind } from './inner-packet.ts'
import { maxDatagramBytes, maxPeers } from './limits.ts'
import { echoBytes, writeEcho } from './path-echo.ts'
import { createPathJudge, type PathJudge, type Ways } from './path-judge.ts'
import { createHop, plane, type Forwarding } from './planes.ts'
import { createReplyWays, type ReplyWays } from './reply-ways.ts'
import type { Route } from './routes.ts'
import { echoCell, echoWords, type SharedState } from './shared-state.ts'

/**
 * Probes the ways to members that get data, end to end, and moves their data to a tree where it does not arrive (see
 * path-judge.ts). Belongs to the sending worker; the receiving one leaves what it has heard in shared cells.
 */
export interface PathProbing {
  /** Where data for this peer goes: 0, the ordinary way, or a tree. */
  planeOf(peer: number): number
  /** A unit of `length` bytes of data goes to this peer. */
  sent(peer: number, length: number): void
  /** Answers, asks and judges. */
  tick(nowMs: number): void
  nextAtMs(): number
}

interface Watched {
  readonly peer: number
  readonly labelHigh: number
  readonly labelLow: number
  readonly judge: PathJudge
  readonly replyWays: ReplyWays
  seenReply: number
  seenPrimaryReply: number
  seenHeard: number
  primaryRequests: number
  /** The receiving worker's turns at which it is known to have read all that had come before a doubt; -1: no doubt. */
  readAtTurn: number
}

/** By loss level (see loss-adaptation.ts): how many echoes in a row may be lost by mere chance. */
const lossFactors = [1, 1, 1.5, 2, 3, 4] as const
/** Late by so much, this thread did not run when it should have. */
const stallMs = 50
const confirmIntervalMs = 2
const full = maxDatagramBytes

export function createPathProbing({
  arena,
  shared,
  forwarding,
  routeOf,
  canSend,
  send,
  report,
  wakeReceiver,
  nowMs,
}: {
  readonly arena: Arena
  readonly shared: SharedState
  readonly forwarding: Forwarding
  readonly routeOf: (peer: number) => Route | undefined
  /** True if there is a session to seal with. */
  readonly canSend: (peer: number) => boolean
  /** Seals and sends what is at `at`, on this plane or, where it is cut off, the ordinary way. */
  readonly send: (route: Route, plane: number, at: number, length: number, isProtected: boolean) => void
  readonly report: (report: Report) => void
  /** Makes the receiving worker take a turn. */
  readonly wakeReceiver: () => void
  readonly nowMs: () => number
}): PathProbing {
  const planes = new Uint8Array(maxPeers)
  /** Data was sent since the last look. */
  const hasSent = new Uint8Array(maxPeers)
  /** A look is planned: what is sent meanwhile need not hasten it. */
  const isPlanned = new Uint8Array(maxPeers)
  const longest = new Uint16Array(maxPeers)
  /** Peers that got data without a look being planned. */
  const fresh: number[] = []
  const watched = new Map<number, Watched>()
  const answeredRequest = new Int32Array(maxPeers)
  const answeredPrimary = new Int32Array(maxPeers)
  const echoAt = arena.allocate(full)
  const hop = createHop()
  let seenEchoes = 0
  let dueAtMs = Infinity
  let plannedAtMs = Infinity

  const cell = (peer: number, word: number): number => shared.echoes[peer * echoWords + word]! >>> 0
  const neighbourOn = (route: Route, on: number): string | undefined => {
    const isThere =
      on === plane.shortest ? forwarding.first(route, hop) === undefined : forwarding.tree(route, on, hop)
    return isThere ? hop.link?.neighbour : undefined
  }
  const waysOf = (route: Route): Ways => ({
    primary: neighbourOn(route, plane.shortest),
    red: neighbourOn(route, plane.red),
    blue: neighbourOn(route, plane.blue),
  })
  const watch = (route: Route): Watched => {
    const { peer, labelHigh, labelLow } = route
    const known = watched.get(peer)
    if (known !== undefined && known.labelHigh === labelHigh && known.labelLow === labelLow) return known
    const judge = createPathJudge({
      onChange: (change) => report({ ...change, peer }),
      lossFactor: () => lossFactors[shared.lossLevel[peer]!] ?? 1,
    })
    const made: Watched = {
      peer,
      labelHigh,
      labelLow,
      judge,
      replyWays: createReplyWays(),
      seenReply: cell(peer, echoCell.reply),
      seenPrimaryReply: cell(peer, echoCell.primaryReply),
      seenHeard: cell(peer, echoCell.heard),
      primaryRequests: 0,
      readAtTurn: -1,
    }
    watched.set(peer, made)
    return made
  }
  /** As long as the longest datagram of late, so that what swallows only long ones is found too. */
  const paddedBytes = (route: Route, wanted: number): number =>
    Math.max(echoBytes, Math.min(full, wanted, route.datagramBytes - headerBytes - aeadTagBytes))
  const request = (route: Route, one: Watched, now: number, isPrimary: boolean): void => {
    const { judge, peer } = one
    const content = isPrimary
      ? { id: judge.makePrimaryRequest(now), overdue: 0, answeredId: 0 }
      : judge.makeRequest(now)
    const wanted = isPrimary ? (one.primaryRequests++ % 2) * full : longest[peer]!
    if (!isPrimary) longest[peer] = 0
    const length = paddedBytes(route, wanted)
    const heardId = cell(peer, echoCell.request)
    writeEcho(arena, echoAt, unitKind.echoRequest, { ...content, heardId, isPrimary }, length)
    send(route, isPrimary ? plane.shortest : judge.plane, echoAt, length, true)
  }
  /** One reply a request at most, never longer than it, without parity: nobody is made to send more than he sends. */
  const reply = (route: Route, id: number, isPrimary: boolean, on: number): void => {
    const heardId = cell(route.peer, echoCell.request)
    const content = { id, heardId, overdue: 0, answeredId: 0, isPrimary }
    writeEcho(arena, echoAt, unitKind.echoReply, content, echoBytes)
    send(route, on, echoAt, echoBytes, false)
  }
  const answer = (route: Route, id: number, now: number): void => {
    const { peer } = route
    const one = watch(route)
    const { judge, replyWays } = one
    judge.heardFrom(now)
    const ways = waysOf(route)
    judge.follow(now, ways)
    const way = replyWays.choose(id, cell(peer, echoCell.overdue), cell(peer, echoCell.answered))
    if (replyWays.isUsualLost) {
      judge.toldOfLoss(now)
      judge.move(now, ways)
      planes[peer] = judge.plane
      replyWays.restart()
    }
    reply(route, id, false, way === 'other' ? (judge.nextWay(ways) ?? judge.plane) : judge.plane)
  }
  const answerRequests = (now: number): void => {
    for (let peer = 0; peer < maxPeers; peer++) {
      const id = cell(peer, echoCell.request)
      const primary = cell(peer, echoCell.primaryRequest)
      const isNew = id !== answeredRequest[peer]! >>> 0
      const isNewPrimary = primary !== answeredPrimary[peer]! >>> 0
      if (!isNew && !isNewPrimary) continue
      answeredRequest[peer] = id
      answeredPrimary[peer] = primary
      const route = routeOf(peer)
      if (route === undefined || !canSend(peer)) continue
      if (isNewPrimary) reply(route, primary, true, planes[peer]!)
      if (isNew) answer(route, id, now)
    }
  }
  const takeAnswers = (one: Watched, now: number): void => {
    const { peer, judge } = one
    const [reply, primary, heard] = [
      cell(peer, echoCell.reply),
      cell(peer, echoCell.primaryReply),
      cell(peer, echoCell.heard),
    ]
    if (reply !== one.seenReply) judge.answered((one.seenReply = reply), now, true)
    if (heard !== one.seenHeard) judge.answered((one.seenHeard = heard), now, false)
    if (primary !== one.seenPrimaryReply) judge.primaryAnswered((one.seenPrimaryReply = primary), now)
  }
  /** True once the receiving worker has read everything that had come when the doubt arose. */
  const isReadUp = (one: Watched): boolean => {
    const turns = Atomics.load(shared.receiverTurns, 0)
    if (one.readAtTurn < 0) {
      one.readAtTurn = turns + 1
      wakeReceiver()
      return false
    }
    if (turns < one.readAtTurn) return false
    one.readAtTurn = -1
    return true
  }
  const look = (one: Watched, route: Route, now: number): void => {
    const { judge, peer } = one
    if (hasSent[peer] === 1) judge.sent(now)
    hasSent[peer] = 0
    takeAnswers(one, now)
    const ways = waysOf(route)
    judge.follow(now, ways)
    if (!judge.doubts(now)) one.readAtTurn = -1
    else if (isReadUp(one)) judge.move(now, ways)
    planes[peer] = judge.plane
    if (judge.requestDue(now)) request(route, one, now, false)
    if (judge.primaryDue(now)) request(route, one, now, true)
    const nextAtMs = one.readAtTurn >= 0 ? now + confirmIntervalMs : judge.nextAtMs(now)
    dueAtMs = Math.min(dueAtMs, nextAtMs)
    isPlanned[peer] = judge.isWaiting && nextAtMs !== Infinity ? 1 : 0
  }

  return {
    planeOf: (peer) => planes[peer]!,
    sent(peer, length) {
      if (length > longest[peer]!) longest[peer] = Math.min(length, full)
      if (hasSent[peer] === 1) return
      hasSent[peer] = 1
      if (isPlanned[peer] === 0) fresh.push(peer)
    },
    tick(now) {
      const echoes = Atomics.load(shared.echoCount, 0)
      if (fresh.length === 0 && echoes === seenEchoes && now < dueAtMs) return
      const stalledMs = now - plannedAtMs > stallMs ? now - plannedAtMs : 0
      if (echoes !== seenEchoes) {
        seenEchoes = echoes
        answerRequests(now)
      }
      for (let peer = fresh.pop(); peer !== undefined; peer = fresh.pop()) {
        const route = routeOf(peer)
        if (route === undefined) hasSent[peer] = 0
        else watch(route)
      }
      dueAtMs = Infinity
      for (const one of watched.values()) {
        if (stalledMs > 0) one.judge.excuse(stalledMs)
        const route = routeOf(one.peer)
        if (route === undefined || route.labelLow !== one.labelLow || route.labelHigh !== one.labelHigh) {
          planes[one.peer] = plane.shortest
          isPlanned[one.peer] = 0
          watched.delete(one.peer)
        } else if (canSend(one.peer) && (hasSent[one.peer] === 1 || !one.judge.isAtRest(now))) {
          look(one, route, now)
        } else {
          isPlanned[one.peer] = 0
        }
      }
      plannedAtMs = dueAtMs
    },
    nextAtMs: () => (fresh.length > 0 ? nowMs() : dueAtMs),
  }
}
