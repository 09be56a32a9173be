// Over 300 lines, and one piece: a state machine whose transitions all turn on what was sent and answered when.
import { plane } from './planes.ts'

/** Neighbours over which each way begins; undefined where there is none or its link is dead. */
export interface Ways {
  readonly primary: string | undefined
  readonly red: string | undefined
  readonly blue: string | undefined
}

/** What the judge has found out, for the owner. */
export type PathChange =
  /** What goes through the neighbour to this member does not arrive; a tree carries it. */
  | {
      readonly kind: 'path-suspect'
      readonly neighbour: string
      /** Nothing came back, which the way back may be to blame for; or the member says that it misses our answers. */
      readonly evidence: 'silence' | 'told'
    }
  /**
   * Traffic is on the ordinary way again: it answers; routing goes another way or the neighbour is dead; nothing was sent
   * for a minute; or no other way works either.
   */
  | {
      readonly kind: 'path-clear'
      readonly neighbour: string
      readonly reason: 'answers' | 'rerouted' | 'idle' | 'no-better'
    }

/**
 * Judges the way to one member end to end, by echoes that travel as the data does: finds what probes of links cannot, a
 * relay that answers them but eats data, and a failure farther away before routing knows of it.
 * Times in ms of one clock.
 */
export interface PathJudge {
  /** Where data goes: 0, the ordinary way; 2 or 3, the red or blue tree. */
  readonly plane: number
  /** Data was sent. */
  sent(nowMs: number): void
  /** True if a request is to go now, the way that data goes. */
  requestDue(nowMs: number): boolean
  makeRequest(nowMs: number): { readonly id: number; readonly overdue: number; readonly answeredId: number }
  /** The member has got this request: by its reply, or because it says so. */
  answered(id: number, nowMs: number, isReply: boolean): void
  /** True if a request is to go the ordinary way, while data goes another one. */
  primaryDue(nowMs: number): boolean
  makePrimaryRequest(nowMs: number): number
  primaryAnswered(id: number, nowMs: number): void
  /** A request of the member has come: it lives, and what it sends arrives. */
  heardFrom(nowMs: number): void
  /** Replies of ours get lost on the way that data goes: {@link PathJudge.move} is next. */
  toldOfLoss(nowMs: number): void
  /** Takes notice of ways that have come or gone. */
  follow(nowMs: number, ways: Ways): void
  /** True if data is not known to arrive for so long that the way is to be left; the answer may lie unread here. */
  doubts(nowMs: number): boolean
  /** Leaves the way. */
  move(nowMs: number, ways: Ways): void
  /** The tree to take if the way at hand fails: one that begins elsewhere, if there is one. */
  nextWay(ways: Ways): number | undefined
  /** This process was not scheduled for so long: nobody is to blame for it. */
  excuse(ms: number): void
  /** When something is due next. */
  nextAtMs(nowMs: number): number
  /** Data was sent of which it is not known that it arrives: a request is due soon. */
  readonly isWaiting: boolean
  /** Nothing is to be expected from it until data is sent. */
  isAtRest(nowMs: number): boolean
}

const echoIntervalMs = 50
/** While no way is known to work. */
const slowEchoIntervalMs = 250
const minSilenceMs = 150
/** Before the first answer the round trip is unknown. */
const firstSilenceMs = 1000
/** Requests in a row without an answer before a way is left. */
const leastUnanswered = 3
/** A reply is overdue after this time at least. */
const leastOverdueMs = 25
/** Data that was sent within this time is of interest. */
const activeMs = 1000
const idleMs = 60_000
const primaryIntervalMs = 250
const maxPrimaryIntervalMs = 2000
/** Answers in a row, and the time they must span, before the ordinary way is trusted again; doubled at each relapse. */
const cleanAnswers = 3
const cleanMs = 1000
const maxCleanMs = 60_000
/** A suspicion within this time after the last one is a relapse. */
const relapseMs = 120_000
const restMs = 500
const maxRestMs = 30_000
const ringSize = 64

/** @param lossFactor how many times longer silence is borne, for the loss on the way: 1 or more */
export function createPathJudge({
  onChange,
  lossFactor,
}: {
  readonly onChange: (change: PathChange) => void
  readonly lossFactor: () => number
}): PathJudge {
  let mode: number = plane.shortest
  /** Names the way at hand; requests remember theirs. */
  let generation = 1
  let lastGeneration = 1
  let generationLeft = 0
  let wayKey = ''
  let sentAtMs = -Infinity
  let activeAtMs = -Infinity
  /** Since when data was sent of which it is not known that it arrives. */
  let unprovenAtMs = Infinity
  let hasProof = false
  let lastId = 0
  let requestAtMs = -Infinity
  let unansweredHere = 0
  let answeredId = 0
  let heardAtMs = -Infinity
  let toldAtMs = -Infinity
  const ringIds = new Uint32Array(ringSize)
  const ringAtMs = new Float64Array(ringSize)
  const ringGenerations = new Uint32Array(ringSize)
  let rttMs = 0
  let rttVarMs = 0

  let suspected: string | undefined
  let evidenceOfMove: 'silence' | 'told' = 'silence'
  let isConfirmed = false
  /** Ways that failed since the ordinary one was left, a bit each. */
  let tried = 0
  let relapses = 0
  let leftAtMs = -Infinity
  let restUntilMs = -Infinity
  let rests = 0

  let primaryId = 0
  let primaryPending = false
  let primaryAtMs = Infinity
  let primaryEveryMs = primaryIntervalMs
  let primaryRun = 0
  let primaryRunAtMs = 0

  const silenceMs = (): number => {
    const least = hasProof ? Math.max(minSilenceMs, 4 * rttMs, 2 * (rttMs + 4 * rttVarMs)) : firstSilenceMs
    return least * lossFactor()
  }
  const enterWay = (nowMs: number): void => {
    generation = ++lastGeneration
    unansweredHere = 0
    if (unprovenAtMs !== Infinity) unprovenAtMs = nowMs
  }
  const measure = (sampleMs: number): void => {
    // RFC 6298 §2
    if (rttMs === 0) {
      rttMs = sampleMs
      rttVarMs = sampleMs / 2
    } else {
      rttVarMs += (Math.abs(rttMs - sampleMs) - rttVarMs) / 4
      rttMs += (sampleMs - rttMs) / 8
    }
  }
  const prove = (requestedAtMs: number): void => {
    hasProof = true
    unansweredHere = 0
    unprovenAtMs = sentAtMs > requestedAtMs ? requestedAtMs : Infinity
    if (mode === plane.shortest) {
      rests = 0
      return
    }
    if (isConfirmed) return
    isConfirmed = true
    if (suspected !== undefined)
      onChange({ kind: 'path-suspect', neighbour: suspected, evidence: evidenceOfMove })
  }
  const goBack = (nowMs: number, reason: 'answers' | 'rerouted' | 'idle' | 'no-better'): void => {
    if (isConfirmed && suspected !== undefined) onChange({ kind: 'path-clear', neighbour: suspected, reason })
    mode = plane.shortest
    tried = 0
    suspected = undefined
    isConfirmed = false
    wayKey = ''
    primaryAtMs = Infinity
    enterWay(nowMs)
  }
  const wayOf = (ways: Ways, of: number): string | undefined =>
    of === plane.shortest ? ways.primary : of === plane.red ? ways.red : ways.blue
  const nextWay = (ways: Ways): number | undefined => {
    const isOpen = (of: number): boolean =>
      of !== mode && (tried & (1 << of)) === 0 && wayOf(ways, of) !== undefined
    const beginsElsewhere = (of: number): boolean =>
      isOpen(of) && wayOf(ways, of) !== (suspected ?? ways.primary)
    return [plane.red, plane.blue].find(beginsElsewhere) ?? [plane.red, plane.blue].find(isOpen)
  }
  const tryNext = (nowMs: number, ways: Ways): void => {
    tried |= 1 << mode
    const next = nextWay(ways)
    if (next === undefined) {
      restUntilMs = nowMs + Math.min(maxRestMs, restMs * 2 ** rests++)
      goBack(nowMs, 'no-better')
      return
    }
    mode = next
    wayKey = `${mode} ${wayOf(ways, mode)}`
    enterWay(nowMs)
  }
  const requestEveryMs = (nowMs: number): number =>
    nowMs < restUntilMs ? slowEchoIntervalMs : Math.max(echoIntervalMs, rttMs / 2)

  return {
    get plane() {
      return mode
    },
    get isWaiting() {
      return unprovenAtMs !== Infinity
    },
    sent(nowMs) {
      if (nowMs - activeAtMs >= activeMs) {
        unprovenAtMs = Infinity
        unansweredHere = 0
      }
      sentAtMs = nowMs
      activeAtMs = nowMs
      if (unprovenAtMs === Infinity) unprovenAtMs = nowMs
    },
    requestDue: (nowMs) =>
      unprovenAtMs !== Infinity &&
      nowMs - activeAtMs < activeMs &&
      nowMs - requestAtMs >= requestEveryMs(nowMs),
    makeRequest(nowMs) {
      const id = ++lastId
      ringIds[id % ringSize] = id
      ringAtMs[id % ringSize] = nowMs
      ringGenerations[id % ringSize] = generation
      requestAtMs = nowMs
      unansweredHere++
      let overdue = 0
      const overdueMs = Math.max(leastOverdueMs, rttMs + 4 * rttVarMs)
      for (let before = id - 1; before > answeredId && before > id - ringSize; before--)
        if (nowMs - ringAtMs[before % ringSize]! >= overdueMs) overdue++
      return { id, overdue, answeredId }
    },
    answered(id, nowMs, isReply) {
      const slot = id % ringSize
      if (id === 0 || ringIds[slot] !== id) return
      const requestedAtMs = ringAtMs[slot]!
      const of = ringGenerations[slot]!
      if (isReply) {
        ringIds[slot] = 0
        answeredId = Math.max(answeredId, id)
        measure(nowMs - requestedAtMs)
      }
      if (of === generation) prove(requestedAtMs)
      else if (of === generationLeft && mode !== plane.shortest && !isConfirmed) {
        // It was late, not lost. The longer round trip is remembered.
        goBack(nowMs, 'answers')
        relapses = Math.max(0, relapses - 1)
        prove(requestedAtMs)
      }
    },
    nextWay,
    primaryDue: (nowMs) => mode !== plane.shortest && nowMs >= primaryAtMs,
    makePrimaryRequest(nowMs) {
      if (primaryPending) {
        primaryRun = 0
        primaryEveryMs = Math.min(maxPrimaryIntervalMs, 2 * primaryEveryMs)
      }
      primaryPending = true
      primaryAtMs = nowMs + Math.max(primaryEveryMs, 2 * rttMs)
      return ++primaryId
    },
    primaryAnswered(id, nowMs) {
      if (id !== primaryId || !primaryPending || mode === plane.shortest) return
      primaryPending = false
      primaryEveryMs = primaryIntervalMs
      primaryRun++
      if (primaryRun === 1) primaryRunAtMs = nowMs
      const spanMs = Math.min(maxCleanMs, cleanMs * 2 ** Math.max(0, relapses - 1))
      if (primaryRun >= cleanAnswers && nowMs - primaryRunAtMs >= spanMs) goBack(nowMs, 'answers')
    },
    heardFrom(nowMs) {
      heardAtMs = nowMs
    },
    toldOfLoss(nowMs) {
      toldAtMs = nowMs
      // What we send proves nothing by itself: ask, until there is an answer.
      activeAtMs = nowMs
      unprovenAtMs = Math.min(unprovenAtMs, nowMs)
    },
    follow(nowMs, ways) {
      if (nowMs - activeAtMs >= activeMs) unprovenAtMs = Infinity
      if (mode !== plane.shortest) {
        if (ways.primary !== suspected) goBack(nowMs, 'rerouted')
        else if (nowMs - activeAtMs > idleMs) goBack(nowMs, 'idle')
        else if (wayOf(ways, mode) === undefined) tryNext(nowMs, ways)
      }
      const key = `${mode} ${wayOf(ways, mode)}`
      if (key === wayKey) return
      wayKey = key
      enterWay(nowMs)
    },
    doubts: (nowMs) =>
      unansweredHere >= leastUnanswered && nowMs >= restUntilMs && nowMs - unprovenAtMs >= silenceMs(),
    move(nowMs, ways) {
      if (mode === plane.shortest) {
        if (ways.primary === undefined) return
        suspected = ways.primary
        // It sends, and says that it does not hear us; or all is silent.
        evidenceOfMove =
          nowMs === toldAtMs || heardAtMs - unprovenAtMs >= silenceMs() / 2 ? 'told' : 'silence'
        isConfirmed = false
        tried = 0
        generationLeft = generation
        relapses = nowMs - leftAtMs < relapseMs ? relapses + 1 : 1
        leftAtMs = nowMs
        primaryPending = false
        primaryRun = 0
        primaryEveryMs = primaryIntervalMs
        primaryAtMs = nowMs + primaryIntervalMs
      }
      tryNext(nowMs, ways)
    },
    excuse(ms) {
      if (unprovenAtMs !== Infinity) unprovenAtMs += ms
    },
    nextAtMs(nowMs) {
      let next = mode === plane.shortest ? Infinity : primaryAtMs
      if (unprovenAtMs === Infinity) return next
      if (nowMs - activeAtMs < activeMs) {
        next = Math.min(next, requestAtMs + requestEveryMs(nowMs))
        if (unansweredHere >= leastUnanswered)
          next = Math.min(next, Math.max(restUntilMs, unprovenAtMs + silenceMs()))
      }
      return next
    },
    isAtRest: (nowMs) => mode === plane.shortest && nowMs - activeAtMs >= activeMs,
  }
}
