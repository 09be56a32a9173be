// Over 300 lines, and one piece: the way of one trouble through the states, over what is kept of it.
import { base32Encode, type Random } from '@x0t/core'
import { actionOf, type ActionName } from './actions.ts'
import { analyze, type ScorePort } from './analyze.ts'
import { createBudget } from './budget.ts'
import type { Alarm, Diagnosis } from './diagnosis.ts'
import { createFeedback } from './feedback.ts'
import { healingStates, leaveSafeMode, transition, type HealingState } from './fsm.ts'
import {
  appended,
  maxAttempts,
  maxEvidence,
  maxPhases,
  outcomes,
  type Attempt,
  type Incident,
  type Outcome,
  type PhaseKind,
} from './incident.ts'
import type { Knowledge } from './knowledge.ts'
import type { LoopAction, LoopEvent, LoopEventName, LoopStatus } from './loop-events.ts'
import { createMonitor } from './monitor.ts'
import { budgetLimits, plan, type FactsPort } from './plan.ts'
import { numberKeys } from './policy-numbers.ts'
import { numberOf, type Policy } from './policy.ts'
import { sensorOf, type SensorName } from './sensors.ts'

export interface LoopOptions {
  readonly policy: Policy
  readonly knowledge: Knowledge
  readonly facts: FactsPort
  readonly scores?: ScorePort
  readonly random: Random
  /** Wall clock, for the dates of incidents; all durations are of the monotonic time that events bring. */
  readonly wallMs: () => number
}

/** The healing loop: a state machine without I/O but for the knowledge that it is given. */
export interface HealingLoop {
  /** @param nowMs monotonic time; one that goes back counts as the last one */
  handle(event: LoopEvent, nowMs: number): LoopAction[]
  status(nowMs: number): LoopStatus
  /** All that is wrong now. */
  alarms(): readonly Alarm[]
  readonly policy: Policy
}

type Target = readonly [sensor: SensorName, subject: string]

/** What is being healed, and where that stands. */
interface Case {
  readonly entity: string
  state: HealingState
  coolsUntilMs: number
  trouble: Trouble | undefined
}

interface Trouble {
  incident: Incident
  diagnosis: Diagnosis
  readonly openedMs: number
  /** All sensors that ever raised an alarm in it. */
  readonly targets: Map<string, Target>
  readonly tried: Set<ActionName>
  isPlanDue: boolean
  retryAtMs: number
  /** How often all candidates have been tried in vain: each round waits longer. */
  rounds: number
  lastWhy: string
  /** The attempt that is being carried out or verified: its number, when it began, and its deadline. */
  attempt:
    | { readonly number: number; readonly startedMs: number; untilMs: number; targets: Target[] }
    | undefined
  isChanged: boolean
}

const executeWithinMs = 30_000
/** The wait until actions that failed are tried again doubles up to 64 times the first. */
const maxDoublings = 6
const safeModeNote = 'safe-mode'

export function createHealingLoop(options: LoopOptions): HealingLoop {
  const { knowledge, facts, scores, random, wallMs } = options
  let { policy } = options
  const budget = createBudget()
  const feedback = createFeedback(knowledge)
  const monitor = createMonitor((sensor) => {
    const { threshold } = sensorOf(sensor)
    return threshold === undefined ? 0.5 : feedback.valueOf(threshold, policy)
  })
  const cases = new Map<string, Case>()
  const drills = new Map<string, number>()
  let safeMode = readSafeMode(knowledge)
  let actions: LoopAction[] = []
  let lastMs = -Infinity
  let wokenForMs = Number.NaN

  for (const incident of knowledge.incidents())
    if (incident.outcome === 'open') knowledge.save({ ...incident, outcome: 'interrupted' })

  const tell = (name: LoopEventName, { incident }: Trouble, ms?: number): void =>
    void actions.push({ type: 'event', name, incident, ...(ms === undefined ? {} : { ms }) })
  const update = (trouble: Trouble, change: Partial<Incident>): void => {
    trouble.incident = { ...trouble.incident, ...change }
    trouble.isChanged = true
  }
  const note = (trouble: Trouble, phase: PhaseKind, text: string, atMs: number): void =>
    update(trouble, {
      timeline: appended(
        trouble.incident.timeline,
        { phase, afterMs: roundMs(atMs - trouble.openedMs), text },
        maxPhases,
      ),
    })
  const settleAttempt = (trouble: Trouble, number: number, change: Partial<Attempt>): void => {
    const attempts = trouble.incident.attempts.map((one, at) => (at === number ? { ...one, ...change } : one))
    update(trouble, { attempts })
  }

  const enterSafeMode = (reason: string, nowMs: number): void => {
    if (safeMode !== undefined) return
    safeMode = { reason, sinceMs: wallMs() }
    knowledge.setNote(safeModeNote, JSON.stringify(safeMode))
    actions.push({ type: 'safe-mode', isOn: true, reason })
    for (const one of cases.values()) {
      one.state = 'SAFE_MODE'
      const { trouble } = one
      if (trouble === undefined) continue
      note(trouble, 'safe-mode', `${reason}: observed, not acted on, until a person ends SAFE_MODE`, nowMs)
      if (trouble.attempt !== undefined)
        settleAttempt(trouble, trouble.attempt.number, { result: 'overtaken' })
      trouble.attempt = undefined
    }
  }
  const endSafeMode = (): void => {
    safeMode = undefined
    knowledge.setNote(safeModeNote, undefined)
    actions.push({ type: 'safe-mode', isOn: false, reason: 'ended by a person' })
    for (const one of cases.values()) {
      one.state = leaveSafeMode(one.state)
      if (one.trouble !== undefined) one.trouble.isPlanDue = true
    }
  }

  /** False where that was refused: then the loop is in SAFE_MODE. */
  const go = (one: Case, to: HealingState, nowMs: number): boolean => {
    const awaitsVerification = one.state !== 'VERIFYING' && one.trouble?.attempt !== undefined
    const { state, refused } = transition(one.state, to, {
      awaitsVerification,
      coolsDown: one.coolsUntilMs > nowMs,
    })
    one.state = state
    if (refused === undefined) return true
    enterSafeMode(`${one.entity}: ${refused}`, nowMs)
    return false
  }

  const caseOf = (entity: string): Case => {
    let one = cases.get(entity)
    if (one === undefined) {
      one = {
        entity,
        state: safeMode === undefined ? 'IDLE' : 'SAFE_MODE',
        coolsUntilMs: -Infinity,
        trouble: undefined,
      }
      cases.set(entity, one)
    }
    return one
  }

  /** Opens incidents for what is new, and gives those that are open their present diagnosis. */
  const reassess = (nowMs: number): void => {
    for (const diagnosis of analyze(monitor.alarms(), scores)) {
      const one = caseOf(diagnosis.entity)
      if (one.trouble === undefined) open(one, diagnosis, nowMs)
      else revise(one.trouble, diagnosis, nowMs)
    }
  }

  const open = (one: Case, diagnosis: Diagnosis, nowMs: number): void => {
    const openedMs = Math.min(...diagnosis.evidence.map(({ raisedAtMs }) => raisedAtMs))
    const lastGood = diagnosis.evidence.map(({ detail }) => detail['lastGoodAgoMs'])
    const lastGoodAgoMs = lastGood.find((value) => typeof value === 'number') ?? null
    const drillUntilMs = drills.get(one.entity) ?? -Infinity
    const trouble: Trouble = {
      incident: {
        id: base32Encode(random.bytes(5)),
        entity: one.entity,
        diagnosis: diagnosis.kind,
        confidence: diagnosis.confidence,
        because: diagnosis.because,
        openedAtMs: wallMs() - (nowMs - openedMs),
        lastGoodAgoMs,
        evidence: [],
        timeline: [],
        attempts: [],
        mitigation: null,
        outcome: 'open',
        recoveredAfterMs: null,
        closedAfterMs: null,
        isDrill: openedMs <= drillUntilMs,
      },
      diagnosis,
      openedMs,
      targets: new Map(),
      tried: new Set(),
      isPlanDue: true,
      retryAtMs: Infinity,
      rounds: 0,
      lastWhy: '',
      attempt: undefined,
      isChanged: true,
    }
    one.trouble = trouble
    const [first] = diagnosis.evidence
    note(trouble, 'detected', sensorOf(first!.sensor).words, openedMs)
    takeEvidence(trouble, diagnosis)
    tell('healing.detected', trouble)
    note(trouble, 'diagnosed', `${diagnosis.kind}: ${diagnosis.because}`, nowMs)
    tell('healing.diagnosed', trouble)
    if (safeMode !== undefined) note(trouble, 'safe-mode', `observed only: ${safeMode.reason}`, nowMs)
  }

  const takeEvidence = (trouble: Trouble, { evidence }: Diagnosis): void => {
    for (const { sensor, subject, value, threshold, raisedAtMs, detail } of evidence) {
      const key = `${sensor} ${subject}`
      const afterMs = roundMs(raisedAtMs - trouble.openedMs)
      const isKnown = trouble.incident.evidence.some(
        (one) => one.sensor === sensor && one.subject === subject && one.afterMs === afterMs,
      )
      if (isKnown) continue
      const seen = { sensor, subject, value, threshold: threshold ?? null, afterMs, detail }
      if (trouble.targets.size > 0) note(trouble, 'alarm', sensorOf(sensor).words, raisedAtMs)
      trouble.targets.set(key, [sensor, subject])
      update(trouble, { evidence: appended(trouble.incident.evidence, seen, maxEvidence) })
    }
  }

  const revise = (trouble: Trouble, diagnosis: Diagnosis, nowMs: number): void => {
    const before = trouble.diagnosis
    trouble.diagnosis = diagnosis
    takeEvidence(trouble, diagnosis)
    // What is left of the alarms while they end explains nothing any more; the trouble is still what it was.
    if (diagnosis.kind === 'unexplained' && before.kind !== 'unexplained') {
      trouble.diagnosis = { ...before, evidence: diagnosis.evidence }
      return
    }
    if (before.kind === diagnosis.kind && before.confidence === diagnosis.confidence) return
    update(trouble, {
      diagnosis: diagnosis.kind,
      confidence: diagnosis.confidence,
      because: diagnosis.because,
    })
    if (before.kind === diagnosis.kind) return
    note(trouble, 'diagnosed', `${diagnosis.kind}: ${diagnosis.because}`, nowMs)
    tell('healing.diagnosed', trouble)
    trouble.tried.clear()
    trouble.isPlanDue = true
  }

  /** The sensors of this trouble that are not well, or not known to be. */
  const active = (trouble: Trouble): Target[] =>
    [...trouble.targets.values()].filter(
      ([sensor, subject]) => monitor.quietSinceMs(sensor, subject) === undefined,
    )

  /** When all of these have been well for long enough, and since when; undefined while one is not. */
  const quietOf = (targets: readonly Target[]): { sinceMs: number; provenMs: number } | undefined => {
    let [sinceMs, provenMs] = [-Infinity, -Infinity]
    for (const [sensor, subject] of targets) {
      const quietMs = monitor.quietSinceMs(sensor, subject)
      if (quietMs === undefined) return undefined
      sinceMs = Math.max(sinceMs, quietMs)
      provenMs = Math.max(provenMs, quietMs + sensorOf(sensor).quietMs)
    }
    return { sinceMs, provenMs }
  }

  const close = (one: Case, trouble: Trouble, outcome: Outcome, text: string, nowMs: number): void => {
    update(trouble, { outcome, closedAfterMs: roundMs(nowMs - trouble.openedMs) })
    note(trouble, 'closed', text, nowMs)
    tell('healing.closed', trouble, trouble.incident.recoveredAfterMs ?? undefined)
    knowledge.save(trouble.incident)
    trouble.isChanged = false
    one.trouble = undefined
  }

  /** All sensors are well: the incident is over. */
  const closeQuiet = (one: Case, trouble: Trouble, sinceMs: number, nowMs: number): void => {
    update(trouble, { recoveredAfterMs: roundMs(Math.max(0, sinceMs - trouble.openedMs)) })
    const isOurs = trouble.incident.attempts.some(({ result }) => result === 'verified')
    const outcome = isOurs ? 'verified' : 'healed-by-itself'
    close(one, trouble, outcome, outcomes[outcome], nowMs)
  }

  /** Takes steps until the case waits for something. */
  const advance = (one: Case, nowMs: number): void => {
    for (let steps = 0; steps < 16; steps++) if (!step(one, nowMs)) return
    enterSafeMode(`${one.entity}: the loop does not come to rest`, nowMs)
  }

  const step = (one: Case, nowMs: number): boolean => {
    const { trouble } = one
    switch (one.state) {
      case 'IDLE':
        if (trouble === undefined) return false
        if (active(trouble).length === 0) return go(one, 'VERIFYING', nowMs)
        if (!trouble.isPlanDue && nowMs < trouble.retryAtMs) return false
        if (one.coolsUntilMs > nowMs) return false
        if (nowMs >= trouble.retryAtMs && trouble.tried.size > 0) {
          trouble.tried.clear()
          trouble.rounds++
        }
        return go(one, 'ANALYZING', nowMs)
      case 'ANALYZING':
        return go(one, 'PLANNING', nowMs)
      case 'PLANNING':
        return decide(one, trouble!, nowMs)
      case 'EXECUTING':
        if (trouble?.attempt === undefined || nowMs < trouble.attempt.untilMs) return false
        executed(one, trouble, { did: false, why: `no answer within ${executeWithinMs} ms` }, nowMs)
        return true
      case 'VERIFYING':
        return verify(one, trouble!, nowMs)
      case 'COOLDOWN':
        return nowMs >= one.coolsUntilMs && go(one, 'IDLE', nowMs)
      default: {
        // SAFE_MODE: what passes by itself is seen all the same.
        const quiet = trouble === undefined ? undefined : quietOf([...trouble.targets.values()])
        if (trouble === undefined || quiet === undefined || nowMs < quiet.provenMs) return false
        closeQuiet(one, trouble, quiet.sinceMs, nowMs)
        return false
      }
    }
  }

  const decide = (one: Case, trouble: Trouble, nowMs: number): boolean => {
    const { diagnosis } = trouble
    const hurt = active(trouble)
    trouble.isPlanDue = false
    trouble.retryAtMs =
      nowMs + numberOf(policy, 'limits.retry_after_s') * 1000 * 2 ** Math.min(trouble.rounds, maxDoublings)
    const choice = plan({
      diagnosis,
      policy,
      records: knowledge.records(),
      facts,
      budget,
      tried: trouble.tried,
      isServiceHurt: hurt.some(([sensor]) => sensorOf(sensor).isService),
      isCauseActive: hurt.some(([sensor]) => !sensorOf(sensor).isService),
      openedMs: trouble.openedMs,
      nowMs,
    })
    if (choice.kind !== 'act') {
      if (choice.kind === 'wait') trouble.retryAtMs = choice.untilMs
      if (choice.why !== trouble.lastWhy) note(trouble, 'observing', `no-action: ${choice.why}`, nowMs)
      trouble.lastWhy = choice.why
      return go(one, 'IDLE', nowMs)
    }
    const { action, why } = choice
    if (!go(one, 'EXECUTING', nowMs)) return false
    budget.take(action, nowMs)
    const number = Math.min(trouble.incident.attempts.length, maxAttempts - 1)
    const attempt: Attempt = {
      action,
      diagnosis: diagnosis.kind,
      afterMs: roundMs(nowMs - trouble.openedMs),
      why,
      changed: null,
      executionMs: null,
      recoveryMs: null,
      result: 'running',
    }
    update(trouble, { attempts: [...trouble.incident.attempts.slice(0, maxAttempts - 1), attempt] })
    trouble.attempt = {
      number,
      startedMs: nowMs,
      untilMs: nowMs + executeWithinMs,
      targets: targetsOf(trouble, actionOf(action).cures),
    }
    note(trouble, 'decided', `${action}: ${why}`, nowMs)
    tell('healing.decided', trouble)
    actions.push({ type: 'execute', incidentId: trouble.incident.id, attempt: number, action, diagnosis })
    return false
  }

  /** The sensors that have to fall quiet for an action to have worked. */
  const targetsOf = (trouble: Trouble, cures: 'service' | 'cause' | 'both'): Target[] => {
    const hurt = active(trouble)
    // How often something happened of late falls with time, whatever is done.
    const curable = hurt.filter(
      ([sensor]) => sensorOf(sensor).unit !== 'count' || sensor === 'session-failed',
    )
    const all = curable.length > 0 ? curable : hurt
    const wanted = all.filter(
      ([sensor]) => cures === 'both' || sensorOf(sensor).isService === (cures === 'service'),
    )
    return wanted.length > 0 ? wanted : all
  }

  const executed = (
    one: Case,
    trouble: Trouble,
    result: Extract<LoopEvent, { type: 'executed' }>['result'],
    nowMs: number,
  ): void => {
    const attempt = trouble.attempt!
    const { action } = trouble.incident.attempts[attempt.number]!
    const executionMs = roundMs(nowMs - attempt.startedMs)
    if (result.did) {
      settleAttempt(trouble, attempt.number, { changed: result.changed, executionMs, result: 'verifying' })
      note(trouble, 'executed', `${action}: ${result.changed}`, nowMs)
      attempt.untilMs = nowMs + numberOf(policy, `actions.${action}.verify_within_ms`)
      go(one, 'VERIFYING', nowMs)
      return
    }
    settleAttempt(trouble, attempt.number, { changed: '', executionMs, result: 'not-done' })
    note(trouble, 'not-executed', `${action}: ${result.why}`, nowMs)
    tell('healing.not-executed', trouble)
    trouble.tried.add(action)
    trouble.attempt = undefined
    trouble.isPlanDue = true
    go(one, 'IDLE', nowMs)
  }

  const verify = (one: Case, trouble: Trouble, nowMs: number): boolean => {
    const { attempt } = trouble
    if (attempt === undefined) {
      const quiet = quietOf([...trouble.targets.values()])
      if (quiet === undefined) {
        trouble.isPlanDue = true
        return go(one, 'IDLE', nowMs)
      }
      if (nowMs < quiet.provenMs) return false
      closeQuiet(one, trouble, quiet.sinceMs, nowMs)
      return go(one, 'IDLE', nowMs)
    }
    const quiet = quietOf(attempt.targets)
    const isProven = quiet !== undefined && nowMs >= quiet.provenMs
    if (!isProven && nowMs < attempt.untilMs) return false
    const { action, diagnosis } = trouble.incident.attempts[attempt.number]!
    trouble.attempt = undefined
    if (!isProven) {
      settleAttempt(trouble, attempt.number, { result: 'failed' })
      note(
        trouble,
        'failed',
        `${action}: the sensors are not quiet ${Math.round(nowMs - attempt.startedMs)} ms later`,
        nowMs,
      )
      trouble.tried.add(action)
      trouble.isPlanDue = true
      knowledge.learn(diagnosis, action, undefined)
      learnThresholds(trouble, false)
      // What stays broken for long, as a machine that is switched off, must not stop the healing of all else.
      if (trouble.rounds === 0) budget.settle(false, budgetLimits(policy, action), nowMs)
      tell('healing.failed', trouble, nowMs - attempt.startedMs)
      return go(one, 'IDLE', nowMs)
    }
    // The targets were not quiet when it began, so what is quiet now became so after it.
    const recoveryMs = roundMs(quiet.sinceMs - attempt.startedMs)
    settleAttempt(trouble, attempt.number, { result: 'verified', recoveryMs })
    note(trouble, 'verified', `${action}: the sensors are quiet since ${recoveryMs} ms after it began`, nowMs)
    knowledge.learn(diagnosis, action, recoveryMs)
    learnThresholds(trouble, true)
    budget.settle(true, budgetLimits(policy, action), nowMs)
    tell('healing.verified', trouble, quiet.sinceMs - trouble.openedMs)
    one.coolsUntilMs = nowMs + numberOf(policy, 'limits.cooldown_s') * 1000
    if (active(trouble).length === 0) closeQuiet(one, trouble, quiet.sinceMs, nowMs)
    else trouble.retryAtMs = one.coolsUntilMs
    return go(one, 'COOLDOWN', nowMs)
  }

  const learnThresholds = ({ incident }: Trouble, isVerified: boolean): void => {
    const keys = incident.evidence.map(({ sensor }) => sensorOf(sensor).threshold)
    feedback.settle(
      keys.flatMap((key) => (key === undefined ? [] : [key])),
      isVerified,
    )
  }

  const take = (event: LoopEvent, nowMs: number): boolean => {
    switch (event.type) {
      case 'reading':
        return monitor.take(event.reading, nowMs)
      case 'gone': {
        for (const one of cases.values()) {
          if (one.trouble === undefined) continue
          for (const [key, [, subject]] of one.trouble.targets)
            if (subject === event.subject) one.trouble.targets.delete(key)
          if (one.trouble.targets.size > 0) continue
          if (one.trouble.attempt !== undefined)
            settleAttempt(one.trouble, one.trouble.attempt.number, { result: 'overtaken' })
          close(one, one.trouble, 'gone', `${event.subject} exists no more`, nowMs)
          // What it was in has nothing to be done or verified any more.
          if (one.state === 'EXECUTING' || one.state === 'VERIFYING') go(one, 'IDLE', nowMs)
        }
        return monitor.forget(event.subject)
      }
      case 'mitigated': {
        const trouble = cases.get(event.entity)?.trouble
        if (trouble === undefined || trouble.incident.mitigation !== null) return false
        const afterMs = roundMs(nowMs - trouble.openedMs)
        update(trouble, {
          mitigation: { by: 'data-plane', to: event.to, afterMs, verifiedAfterMs: null },
        })
        note(trouble, 'mitigated', `the data plane moved traffic by itself: ${event.to}`, nowMs)
        tell('healing.mitigated', trouble, afterMs)
        return false
      }
      case 'mitigation-verified': {
        const trouble = cases.get(event.entity)?.trouble
        const mitigation = trouble?.incident.mitigation
        if (trouble === undefined || mitigation === null || mitigation === undefined) return false
        if (mitigation.verifiedAfterMs !== null) return false
        const verifiedAfterMs = roundMs(nowMs - trouble.openedMs)
        update(trouble, { mitigation: { ...mitigation, verifiedAfterMs } })
        note(trouble, 'mitigation-verified', event.how, nowMs)
        tell('healing.mitigation-verified', trouble, verifiedAfterMs)
        return false
      }
      case 'executed': {
        const one = [...cases.values()].find(({ trouble }) => trouble?.incident.id === event.incidentId)
        const trouble = one?.trouble
        if (one?.state === 'EXECUTING' && trouble?.attempt?.number === event.attempt)
          executed(one, trouble, event.result, nowMs)
        else if (trouble !== undefined)
          note(
            trouble,
            'executed',
            `too late: ${event.result.did ? event.result.changed : event.result.why}`,
            nowMs,
          )
        return false
      }
      case 'drill':
        drills.set(event.entity, event.untilMs)
        return false
      case 'safe-mode':
        if (event.isOn) enterSafeMode(event.reason, nowMs)
        else if (safeMode !== undefined) endSafeMode()
        return false
      case 'policy':
        policy = event.policy
        for (const { trouble } of cases.values()) if (trouble !== undefined) trouble.isPlanDue = true
        return false
      default:
        return false
    }
  }

  const nextMs = (nowMs: number): number => {
    let next = monitor.nextMs()
    for (const { state, coolsUntilMs, trouble } of cases.values()) {
      if (coolsUntilMs > nowMs) next = Math.min(next, coolsUntilMs)
      if (trouble === undefined) continue
      if (trouble.attempt !== undefined) next = Math.min(next, trouble.attempt.untilMs)
      if (state === 'IDLE') next = Math.min(next, Math.max(trouble.retryAtMs, coolsUntilMs))
      const targets = trouble.attempt?.targets ?? [...trouble.targets.values()]
      const provenMs = quietOf(targets)?.provenMs
      if (provenMs !== undefined && provenMs > nowMs) next = Math.min(next, provenMs)
    }
    return next
  }

  return {
    get policy() {
      return policy
    },
    handle(event, atMs) {
      const nowMs = Math.max(atMs, lastMs)
      lastMs = nowMs
      actions = []
      const isChanged = take(event, nowMs)
      if (monitor.tick(nowMs) || isChanged) reassess(nowMs)
      for (const one of cases.values()) {
        advance(one, nowMs)
        const { trouble } = one
        if (trouble?.isChanged === true) {
          trouble.isChanged = false
          knowledge.save(trouble.incident)
        }
        if (trouble === undefined && one.trouble === undefined && one.coolsUntilMs <= nowMs)
          cases.delete(one.entity)
      }
      for (const [entity, untilMs] of drills) if (untilMs < nowMs) drills.delete(entity)
      const wakeMs = nextMs(nowMs)
      if (wakeMs !== wokenForMs || wakeMs <= nowMs || event.type === 'tick') {
        wokenForMs = wakeMs
        actions.push({ type: 'wake', atMs: wakeMs })
      }
      return actions
    },
    alarms: () => monitor.alarms(),
    status(nowMs) {
      const entities = [...cases.values()].map(({ entity, state }) => ({ entity, state }))
      const furthest = Math.max(0, ...entities.map(({ state }) => healingStates.indexOf(state)))
      const openUntilMs = budget.openUntilMs(nowMs)
      return {
        state: safeMode === undefined ? healingStates[furthest]! : 'SAFE_MODE',
        entities,
        safeMode,
        open: [...cases.values()].flatMap(({ trouble }) => (trouble === undefined ? [] : [trouble.incident])),
        actionsInMinute: budget.used(nowMs),
        actionsPerMinute: numberOf(policy, 'limits.actions_per_minute'),
        failuresInRow: budget.failuresInRow(),
        breakerOpenForMs: openUntilMs === undefined ? undefined : openUntilMs - nowMs,
        factors: Object.fromEntries(
          numberKeys.flatMap((key) => (feedback.factorOf(key) === 1 ? [] : [[key, feedback.factorOf(key)]])),
        ),
      }
    },
  }
}

function readSafeMode(knowledge: Pick<Knowledge, 'note'>): { reason: string; sinceMs: number } | undefined {
  const text = knowledge.note(safeModeNote)
  return text === undefined ? undefined : (JSON.parse(text) as { reason: string; sinceMs: number })
}

function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10
}
