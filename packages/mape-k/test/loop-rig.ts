import type { Random } from '@x0t/core'
import {
  createHealingLoop,
  createMemoryKnowledge,
  defaultPolicy,
  readPolicy,
  type EffectResult,
  type HealingLoop,
  type Incident,
  type Knowledge,
  type LoopAction,
  type LoopEvent,
  type LoopOptions,
  type Precondition,
  type Reading,
} from '../src/index.ts'

/** Without the time for which trouble may pass by itself. */
export const impatientPolicy = readPolicy(
  {
    actions: { reroute: { after_ms: 0 }, redial: { after_ms: 0 }, 'quarantine-neighbour': { after_ms: 0 } },
  },
  'file',
  defaultPolicy,
)

type Execute = Extract<LoopAction, { type: 'execute' }>

/** A loop with a clock that the test moves, and a record of all that it asked for. */
export interface LoopRig {
  readonly loop: HealingLoop
  readonly knowledge: Knowledge
  readonly executed: Execute[]
  readonly events: string[]
  /** What the effectors answer, at once; undefined: they do not answer. */
  effect: (action: Execute) => EffectResult | undefined
  readonly facts: Map<Precondition, boolean>
  nowMs(): number
  read(
    sensor: Reading['sensor'],
    subject: string,
    value: number | undefined,
    detail?: Reading['detail'],
  ): void
  send(event: LoopEvent): void
  /** Lets time pass, with a tick whenever the loop asked for one. */
  go(ms: number): void
  only(): Incident
  last(): Incident
}

export function createRig(options: Partial<LoopOptions> & { readonly policyText?: unknown } = {}): LoopRig {
  let nowMs = 1000
  let wakeMs = Infinity
  let serial = 0
  const random: Random = { bytes: (length) => new Uint8Array(length).fill(serial++) }
  const knowledge = options.knowledge ?? createMemoryKnowledge()
  const facts = new Map<Precondition, boolean>()
  const loop = createHealingLoop({
    policy: readPolicy(options.policyText ?? {}, 'file', impatientPolicy),
    knowledge,
    facts: { holds: (precondition) => facts.get(precondition) },
    random,
    wallMs: () => 1_700_000_000_000 + nowMs,
    ...options,
  })
  const send = (event: LoopEvent): void => {
    const waiting: Execute[] = []
    for (const action of loop.handle(event, nowMs)) {
      if (action.type === 'wake') wakeMs = action.atMs
      else if (action.type === 'event') rig.events.push(action.name)
      else if (action.type === 'safe-mode') rig.events.push(`safe-mode ${action.isOn}`)
      else waiting.push(action)
    }
    for (const action of waiting) {
      rig.executed.push(action)
      const result = rig.effect(action)
      const { incidentId, attempt } = action
      if (result !== undefined) send({ type: 'executed', incidentId, attempt, result })
    }
  }
  const rig: LoopRig = {
    loop,
    knowledge,
    executed: [],
    events: [],
    effect: () => ({ did: true, changed: 'something' }),
    facts,
    nowMs: () => nowMs,
    read(sensor, subject, value, detail) {
      send({
        type: 'reading',
        reading: { sensor, subject, value, ...(detail === undefined ? {} : { detail }) },
      })
    },
    send,
    go(ms) {
      const endMs = nowMs + ms
      for (let ticks = 0; wakeMs <= endMs; ticks++) {
        if (ticks > 10_000) throw new Error('the loop wakes again and again')
        nowMs = Math.max(nowMs, wakeMs)
        wakeMs = Infinity
        send({ type: 'tick' })
      }
      nowMs = endMs
    },
    only() {
      const { open } = loop.status(nowMs)
      if (open.length !== 1) throw new Error(`${open.length} incidents are open`)
      return open[0]!
    },
    last() {
      const [incident] = knowledge.incidents({ limit: 1 })
      if (incident === undefined) throw new Error('no incident yet')
      return incident
    },
  }
  return rig
}
