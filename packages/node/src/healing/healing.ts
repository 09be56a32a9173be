// Over 300 lines, and one piece: what each part of the node tells the loop, and what the loop may do to it.
import { labelOfNodeId, messageOf, X0tError, type Clock, type Log, type NodeId, type Random } from '@x0t/core'
import {
  createHealingLoop,
  decidePolicy,
  defaultPolicy,
  numberKeys,
  numberOf,
  overruledByVote,
  sensorOf,
  type ActionRecord,
  type Diagnosis,
  type HealingLoop,
  type Incident,
  type Knowledge,
  type LoopEvent,
  type LoopStatus,
  type NumberKey,
  type Policy,
  type PolicyDecision,
  type Precondition,
  type Reading,
  type ScorePort,
} from '@x0t/mape-k'
import type { Route, RouteTable } from '@x0t/mesh'
import type { EventLog } from '../event-log.ts'
import type { Metrics } from '../metrics.ts'
import { createAvoidance, type Avoidance } from './avoidance.ts'
import { carryOut, type EffectorTargets } from './effectors.ts'
import { createHealingMetrics } from './healing-metrics.ts'
import { createHostSensors } from './host-sensors.ts'
import { createLinkSensors } from './link-sensors.ts'
import { createMemberSensors } from './member-sensors.ts'
import { createPathCheck } from './path-check.ts'
import type { HostProbes, PathEvent, SeenLink, SeenMesh } from './ports.ts'
import { hasQuorum, suspectFeatures } from './suspicion.ts'

export interface HealingOptions {
  readonly policy?: Policy
  /** What votes have set in it: see {@link Healing.decide}. */
  readonly decisions?: readonly PolicyDecision[]
  readonly knowledge: Knowledge
  readonly scores?: ScorePort
  readonly mesh: SeenMesh
  readonly links: () => readonly SeenLink[]
  readonly probes: HostProbes
  readonly certificate: () => { readonly notBeforeMs: number; readonly notAfterMs: number }
  readonly sessions: EffectorTargets['sessions']
  readonly renewSvid: EffectorTargets['renewSvid']
  readonly renewLink: EffectorTargets['renewLink']
  readonly retryDials: EffectorTargets['retryDials']
  /** Starts a part of the daemon again; absent where it cannot be. */
  readonly restartSubsystem?: EffectorTargets['restartSubsystem']
  /** Drops the data link to a neighbour, until {@link HealingOptions.renewLink}; false if there is none. */
  readonly dropLink: (id: NodeId) => boolean
  /** A neighbour is avoided or quarantined, or no longer: routing is to be told. */
  readonly onAvoidance: (id: NodeId) => void
  /** Features with which this node's link state reports neighbours that swallow traffic. */
  readonly onSuspicion: (features: readonly string[]) => void
  readonly nameOf: (id: NodeId) => string
  readonly metrics: Metrics
  readonly events: EventLog
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The healing loop of a node, with its sensors and effectors. */
export interface Healing extends Disposable {
  linkUp(link: SeenLink): void
  /** To be called after routing has heard of it: that must not wait. `before` are the routes as they were. */
  linkDown(link: SeenLink, before: RouteTable): void
  linkMetric(link: SeenLink): void
  controlChanged(link: SeenLink | undefined): void
  pathEvent(event: PathEvent): void
  routesChanged(): void
  sessionFailed(peer: NodeId, code: string): void
  sessionMade(peer: NodeId): void
  memberGone(id: NodeId): void
  connectionRefused(): void
  certificateRenewed(): void
  stalled(forMs: number): void
  writeFailed(reason: string): void
  subsystemFailed(name: string, reason: string): void
  readonly avoidance: Avoidance
  status(): LoopStatus
  readonly policy: Policy
  readonly records: () => readonly ActionRecord[]
  /**
   * Changes the policy until the next start; one that raises alarms at once is taken back. What a vote has set stays as
   * it is, whatever the policy says.
   */
  setPolicy(policy: Policy): void
  /** Lays these decisions over the policy, in place of the earlier ones. They are not on trial: nothing takes them back. */
  decide(decisions: readonly PolicyDecision[]): void
  /** Values that the policy file, or one that was applied, sets in vain, since a vote has set them. */
  readonly overruled: readonly string[]
  setSafeMode(isOn: boolean, reason: string): void
  incidents: Knowledge['incidents']
  /** An incident by its id or the beginning of it. @throws X0tError INCIDENT_UNKNOWN */
  incident(id: string): Incident
  /**
   * A harmless exercise: drops the data link to a neighbour for a while.
   * @returns the neighbour @throws X0tError DRILL_IMPOSSIBLE, DRILL_UNSAFE without `force`
   */
  drill(options: {
    readonly to?: NodeId | undefined
    readonly forMs: number
    readonly force: boolean
  }): NodeId
}

/** A changed policy is on trial for so long. */
const policyTrialMs = 60_000
const minuteMs = 60_000

export function createHealing(options: HealingOptions): Healing {
  const { knowledge, mesh, links, clock, events, log, nameOf } = options
  const metrics = createHealingMetrics(options.metrics, knowledge)
  let cancelWake = (): void => {}
  let disposed = false
  /** The policy of default and file, without what votes have set; and the one to go back to. */
  let basePolicy = options.policy ?? defaultPolicy
  let decisions = options.decisions ?? []
  let lastGoodPolicy: Policy | undefined
  let changedAtMs = -Infinity
  let refusedAtMs: number[] = []
  let drilled: NodeId | undefined
  const suspects = new Map<NodeId, Set<string>>()

  const holds = (precondition: Precondition, { entity }: Diagnosis): boolean | undefined => {
    const id = entity.startsWith('node:') ? (entity.slice('node:'.length) as NodeId) : undefined
    switch (precondition) {
      case 'second-path':
        return id === undefined ? undefined : hasSecondPath(id)
      case 'quorum':
        return id === undefined ? undefined : hasQuorum(id, mesh.map().nodes)
      case 'last-good-policy':
        return lastGoodPolicy !== undefined
      default:
        return options.restartSubsystem !== undefined
    }
  }
  const isLinkUp = (id: NodeId): boolean => links().some(({ nodeId, isUp }) => nodeId === id && isUp)
  const routesOver = (id: NodeId): Route[] =>
    [...mesh.routes().values()].filter(({ nextHop }) => nextHop === id)
  const leadsRound = (id: NodeId, { alternate, red, blue }: Route): boolean =>
    [alternate?.neighbour, red?.nextHop, blue?.nextHop].some(
      (other) => other !== undefined && other !== id && isLinkUp(other),
    )
  const hasSecondPath = (id: NodeId): boolean => routesOver(id).some((route) => leadsRound(id, route))
  const isSpare = (id: NodeId): boolean =>
    mesh.routes().has(id) && routesOver(id).every((route) => leadsRound(id, route))

  const loop: HealingLoop = createHealingLoop({
    policy: decidePolicy(basePolicy, decisions),
    knowledge,
    facts: { holds },
    ...(options.scores === undefined ? {} : { scores: options.scores }),
    random: options.random,
    wallMs: () => clock.wallMs(),
  })
  const send = (event: LoopEvent): void => {
    if (disposed) return
    const startMs = clock.monotonicMs()
    const actions = loop.handle(event, startMs)
    metrics.cycle((clock.monotonicMs() - startMs) / 1000)
    for (const action of actions) {
      metrics.action(action)
      switch (action.type) {
        case 'wake':
          cancelWake()
          cancelWake = Number.isFinite(action.atMs)
            ? clock.setTimer(Math.max(0, action.atMs - clock.monotonicMs()), () => send({ type: 'tick' }))
            : () => {}
          break
        case 'safe-mode':
          events.emit('healing.safe-mode', { isOn: action.isOn, reason: action.reason })
          log.warn('healing-safe-mode', { isOn: action.isOn, reason: action.reason })
          break
        case 'event': {
          const { id, entity, diagnosis, outcome } = action.incident
          const ms = action.ms === undefined ? {} : { ms: Math.round(action.ms) }
          events.emit(action.name, { incident: id, entity, diagnosis, outcome, ...ms })
          break
        }
        case 'execute':
          void execute(action)
      }
    }
  }
  const execute = async ({
    incidentId,
    attempt,
    action,
    diagnosis,
  }: Extract<ReturnType<HealingLoop['handle']>[number], { type: 'execute' }>): Promise<void> => {
    // The loop has to come to rest before an effect tells it news.
    await Promise.resolve()
    const result = await carryOut(action, diagnosis, targets)
    log.info('healing-action', {
      incident: incidentId,
      action,
      did: result.did,
      what: result.did ? result.changed : result.why,
    })
    send({ type: 'executed', incidentId, attempt, result })
  }
  const read = (reading: Reading): void => send({ type: 'reading', reading })

  const avoidance = createAvoidance(clock, options.onAvoidance)
  const targets: EffectorTargets = {
    avoidance,
    sessions: options.sessions,
    renewSvid: options.renewSvid,
    renewLink: options.renewLink,
    retryDials: options.retryDials,
    routesOver: (id) => routesOver(id).length,
    neighbours: () => links().map(({ nodeId }) => nodeId),
    restoreLastGoodPolicy() {
      if (lastGoodPolicy === undefined) return undefined
      const changed = changedKeys(basePolicy, lastGoodPolicy)
      basePolicy = lastGoodPolicy
      send({ type: 'policy', policy: decidePolicy(basePolicy, decisions) })
      lastGoodPolicy = undefined
      judgePolicy()
      return `the policy is as before the change of ${changed.join(', ')}`
    },
    restartSubsystem:
      options.restartSubsystem ?? (async () => 'it can only be started with the whole daemon'),
    nameOf,
  }
  const host = createHostSensors({ probes: options.probes, certificate: options.certificate, clock, read })
  const link = createLinkSensors({ mesh, alarms: () => loop.alarms(), clock, read })
  const members = createMemberSensors({
    isRoutable: (id) => mesh.routes().has(id),
    clock,
    read,
    gone: (subject) => send({ type: 'gone', subject }),
  })
  const paths = createPathCheck({ mesh, isLinkUp, nameOf, clock, send, read })

  /** Whether sensors whose thresholds were changed raised alarms right after it. */
  const judgePolicy = (): void => {
    const isOnTrial = clock.monotonicMs() - changedAtMs <= policyTrialMs
    if (lastGoodPolicy !== undefined && isOnTrial) {
      const before = decidePolicy(lastGoodPolicy, decisions)
      const changed = new Set<NumberKey>(changedKeys(loop.policy, before))
      const hurt = loop.alarms().filter(({ sensor, raisedAtMs }) => {
        const { threshold } = sensorOf(sensor)
        return threshold !== undefined && changed.has(threshold) && raisedAtMs >= changedAtMs
      })
      const names = hurt.map(({ sensor }) => sensor).join(', ')
      if (hurt.length > 0)
        return read({ sensor: 'policy-change', subject: 'policy', value: 1, detail: { sensors: names } })
    }
    read({ sensor: 'policy-change', subject: 'policy', value: 0 })
  }
  const lookAtRefusals = (): void => {
    refusedAtMs = refusedAtMs.filter((atMs) => clock.monotonicMs() - atMs < minuteMs)
    read({ sensor: 'handshake-refused', subject: 'handshakes', value: refusedAtMs.length })
  }
  let cancelLook = (): void => {}
  const lookLater = (): void => {
    const everyMs = numberOf(loop.policy, 'limits.check_interval_s') * 1000
    cancelLook = clock.setTimer(everyMs, () => {
      look().catch((error: unknown) => log.warn('healing-look-failed', { reason: messageOf(error) }))
      lookLater()
    })
  }
  const look = async (): Promise<void> => {
    link.look(links())
    members.look()
    lookAtRefusals()
    judgePolicy()
    await host.look()
  }
  lookLater()

  return {
    avoidance,
    linkUp(one) {
      link.up(one)
      paths.neighbourUp(one.nodeId)
    },
    linkDown(one, before) {
      link.down(one.nodeId === drilled ? { ...one, downReason: 'drill' } : one)
      paths.neighbourDown(one.nodeId, before)
    },
    linkMetric: (one) => link.metric(one),
    controlChanged(one) {
      if (one !== undefined) link.control(one)
    },
    pathEvent(event) {
      const neighbour = event.neighbour as NodeId
      const hex = Buffer.from(event.label).toString('hex')
      const member = [...mesh.routes().keys()].find(
        (id) => Buffer.compare(labelOfNodeId(id), event.label) === 0,
      )
      const name = member === undefined ? hex : nameOf(member)
      const subject = `path:${neighbour}:${member ?? hex}`
      const own = suspects.get(neighbour) ?? new Set()
      if (event.kind === 'path-suspect') own.add(subject)
      else own.delete(subject)
      if (own.size > 0) suspects.set(neighbour, own)
      else suspects.delete(neighbour)
      options.onSuspicion(suspectFeatures(suspects.keys()))
      if (event.kind === 'path-suspect') {
        const { evidence } = event
        read({ sensor: 'path-eaten', subject, value: 1, detail: { member: name, evidence } })
        const to = `what goes to ${name} takes another way than through ${nameOf(neighbour)}`
        return send({ type: 'mitigated', entity: `node:${neighbour}`, to })
      }
      const { reason } = event
      // Only an answer, or another route, tells that all is well; else the suspicion is given up as what cannot be told.
      if (reason === 'answers' || reason === 'rerouted')
        return read({ sensor: 'path-eaten', subject, value: 0, detail: { member: name, reason } })
      send({ type: 'gone', subject })
    },
    routesChanged() {
      const exists = new Set(mesh.map().nodes.map(({ id }) => id))
      members.routes(mesh.routes(), (id) => exists.has(id))
      link.look(links())
    },
    sessionFailed: (peer, code) => members.sessionFailed(peer, code),
    sessionMade: (peer) => members.sessionMade(peer),
    memberGone(id) {
      link.forget(id)
      members.forget(id)
      for (const subject of suspects.get(id) ?? []) send({ type: 'gone', subject })
      suspects.delete(id)
      for (const kind of ['link', 'session', 'node']) send({ type: 'gone', subject: `${kind}:${id}` })
    },
    connectionRefused() {
      refusedAtMs = [...refusedAtMs, clock.monotonicMs()].slice(-20_000)
      lookAtRefusals()
    },
    certificateRenewed: () => host.lookAtCertificate(),
    stalled: (forMs) => host.stalled(forMs),
    writeFailed: (reason) => host.writeFailed(reason),
    subsystemFailed: (name, reason) =>
      read({ sensor: 'subsystem-failed', subject: `subsystem:${name}`, value: 1, detail: { reason } }),
    status: () => loop.status(clock.monotonicMs()),
    get policy() {
      return loop.policy
    },
    records: () => knowledge.records(),
    setPolicy(policy) {
      lastGoodPolicy ??= basePolicy
      basePolicy = policy
      changedAtMs = clock.monotonicMs()
      send({ type: 'policy', policy: decidePolicy(policy, decisions) })
      clock.setTimer(policyTrialMs + 1, () => {
        // A change that raised no alarm is the new good one.
        if (clock.monotonicMs() - changedAtMs > policyTrialMs) lastGoodPolicy = undefined
      })
    },
    decide(list) {
      const policy = decidePolicy(basePolicy, list)
      decisions = list
      send({ type: 'policy', policy })
    },
    get overruled() {
      return overruledByVote(basePolicy, decisions)
    },
    setSafeMode: (isOn, reason) => send({ type: 'safe-mode', isOn, reason }),
    incidents: (query) => knowledge.incidents(query),
    incident(id) {
      const exact = knowledge.incident(id)
      if (exact !== undefined) return exact
      const fitting = knowledge.incidents().filter((one) => one.id.startsWith(id))
      if (fitting.length === 1 && id !== '') return fitting[0]!
      throw new X0tError(
        'INCIDENT_UNKNOWN',
        `${fitting.length > 1 ? 'several incidents begin' : 'no incident begins'} with ${id}`,
        {
          hint: 'x0t heal history',
        },
      )
    },
    drill({ to, forMs, force }) {
      const up = links().filter(({ isUp, isControlUp }) => isUp && isControlUp)
      const candidates = up.filter(({ nodeId }) => to === undefined || nodeId === to)
      const spare = candidates.filter(({ nodeId }) => isSpare(nodeId))
      // One that carries traffic shows more.
      const chosen = spare.find(({ nodeId }) => hasSecondPath(nodeId)) ?? spare[0] ?? candidates[0]
      if (chosen === undefined)
        throw new X0tError(
          'DRILL_IMPOSSIBLE',
          to === undefined ? 'no link is up' : `no link to ${nameOf(to)} is up`,
        )
      const { nodeId } = chosen
      if (!force && !isSpare(nodeId))
        throw new X0tError(
          'DRILL_UNSAFE',
          `no second path leads round ${nameOf(nodeId)}: traffic would stop`,
          {
            hint: '--force drops the link all the same',
          },
        )
      send({ type: 'drill', entity: `node:${nodeId}`, untilMs: clock.monotonicMs() + forMs + 1000 })
      log.info('healing-drill', { peer: nodeId, forMs })
      events.emit('healing.drill', { peer: nodeId, forMs })
      drilled = nodeId
      const isDropped = options.dropLink(nodeId)
      drilled = undefined
      if (!isDropped) throw new X0tError('DRILL_IMPOSSIBLE', `no link to ${nameOf(nodeId)} is up`)
      clock.setTimer(forMs, () => {
        if (!disposed && !isLinkUp(nodeId)) options.renewLink(nodeId)
      })
      return nodeId
    },
    [Symbol.dispose]() {
      disposed = true
      cancelWake()
      cancelLook()
      paths[Symbol.dispose]()
      avoidance[Symbol.dispose]()
      knowledge[Symbol.dispose]()
    },
  }
}

function changedKeys(one: Policy, other: Policy): NumberKey[] {
  return numberKeys.filter((key) => one.numbers[key].value !== other.numbers[key].value)
}
