import type { SensorName } from './sensors.ts'

/** Everything that the rules can find, in words for people. */
export const diagnoses = {
  'subsystem-failed': 'a part of this daemon has stopped',
  'bad-configuration': 'a change of the policy raised alarms',
  overload: 'this host is overloaded: what it believes of others may be its own fault',
  'clock-jump': "this host's clock jumped",
  'disk-full': 'the home of the node cannot be written, or soon cannot',
  'certificate-expired': "this node's certificate has expired",
  'certificate-expiring': "this node's certificate was not renewed in time",
  'handshake-failure': 'handshakes fail because one side refuses the other',
  partition: 'a part of the mesh cannot be reached',
  'relay-dead': 'a neighbour is gone, for all of the mesh',
  'link-dead': 'the link to a neighbour is dead',
  flap: 'a link goes down and comes back again and again',
  'path-eaten': 'a neighbour answers probes but swallows traffic',
  'one-way-loss': 'a link loses packets in one direction',
  'gray-link': 'a link works badly: it loses or delays packets',
  'control-lost': 'the control connection to a neighbour is broken',
  'member-unreachable': 'a member cannot be reached',
  'session-failed': 'no session can be made with a member although a route leads to it',
  unexplained: 'alarms that no rule explains',
} as const satisfies Readonly<Record<string, string>>

export type DiagnosisKind = keyof typeof diagnoses
export const diagnosisKinds = Object.keys(diagnoses) as readonly DiagnosisKind[]

/** A sensor that stays on the wrong side of its threshold. */
export interface Alarm {
  readonly sensor: SensorName
  readonly subject: string
  readonly value: number
  /** Undefined for a state. */
  readonly threshold: number | undefined
  readonly raisedAtMs: number
  readonly detail: Readonly<Record<string, string | number | boolean>>
}

/** What alarms were taken to mean. */
export interface Diagnosis {
  readonly kind: DiagnosisKind
  /** What is to be healed: `node:ID`, `mesh`, `host`, `disk` … */
  readonly entity: string
  /** 0 to 1. */
  readonly confidence: number
  readonly evidence: readonly Alarm[]
  /** Why this and nothing else, in a sentence. */
  readonly because: string
}
