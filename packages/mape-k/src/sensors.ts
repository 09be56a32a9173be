import type { NumberKey } from './policy-numbers.ts'

/** What one kind of sensor means. */
export interface Sensor {
  /** In words, for people. */
  readonly words: string
  readonly unit: '%' | 'ms' | 'MiB' | 'count' | 'state'
  /** On which side of the threshold trouble lies; a state is trouble at 1 and well at 0. */
  readonly trouble: 'above' | 'below'
  /** The threshold in the policy; of a state there is none. */
  readonly threshold?: NumberKey
  /** What the users of the mesh feel, as against what causes it. */
  readonly isService: boolean
  /** So long the value must lie on the wrong side before it is an alarm. */
  readonly raiseAfterMs: number
  /** So long it must be well again before an action counts as verified. */
  readonly quietMs: number
  /** A reading that is older says nothing; absent where the source tells every change. */
  readonly staleAfterMs?: number
}

const state = { unit: 'state', trouble: 'above' } as const

/** All kinds of sensors. */
export const sensors = {
  'link-silent': {
    ...state,
    words: 'no probe gets through to the neighbour',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 1000,
  },
  'link-loss': {
    words: 'share of datagrams lost on the way from the neighbour',
    unit: '%',
    trouble: 'above',
    threshold: 'thresholds.loss_percent',
    isService: false,
    raiseAfterMs: 1500,
    quietMs: 5000,
    staleAfterMs: 10_000,
  },
  'link-loss-to': {
    words: 'share of datagrams lost on the way to the neighbour',
    unit: '%',
    trouble: 'above',
    threshold: 'thresholds.loss_percent',
    isService: false,
    raiseAfterMs: 1500,
    quietMs: 5000,
    staleAfterMs: 10_000,
  },
  'link-latency': {
    words: 'round trip above the best seen on this link',
    unit: 'ms',
    trouble: 'above',
    threshold: 'thresholds.latency_ms',
    isService: false,
    raiseAfterMs: 1500,
    quietMs: 5000,
    staleAfterMs: 10_000,
  },
  'traffic-on-bad-link': {
    ...state,
    words: 'routes lead over a link that loses or delays packets',
    isService: true,
    raiseAfterMs: 0,
    quietMs: 2000,
  },
  'control-lost': {
    ...state,
    words: 'the control connection to a neighbour is broken while its link lives',
    isService: false,
    raiseAfterMs: 5000,
    quietMs: 2000,
  },
  'link-flaps': {
    words: 'times the link went down within a minute',
    unit: 'count',
    trouble: 'above',
    threshold: 'thresholds.flaps_per_minute',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 5000,
  },
  'path-eaten': {
    ...state,
    words: 'the neighbour answers probes, but what is sent through it does not arrive',
    isService: true,
    raiseAfterMs: 0,
    quietMs: 2000,
  },
  'node-unreachable': {
    ...state,
    words: 'no route leads to a member that was reachable',
    isService: true,
    // Two links that come back one after the other are no partition.
    raiseAfterMs: 500,
    quietMs: 1000,
  },
  'path-unverified': {
    ...state,
    words: 'a member does not answer over the path that took over',
    isService: true,
    raiseAfterMs: 0,
    quietMs: 0,
  },
  'session-failed': {
    words: 'attempts in a row at a session that failed while a route exists',
    unit: 'count',
    trouble: 'above',
    threshold: 'thresholds.session_failures',
    isService: true,
    raiseAfterMs: 0,
    quietMs: 1000,
  },
  'handshake-refused': {
    words: 'connections of would-be neighbours refused within a minute',
    unit: 'count',
    trouble: 'above',
    threshold: 'thresholds.refusals_per_minute',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 5000,
    staleAfterMs: 7_200_000,
  },
  'certificate-left': {
    words: "share of the certificate's life that is left",
    unit: '%',
    trouble: 'below',
    threshold: 'thresholds.certificate_left_percent',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 0,
    staleAfterMs: 7_200_000,
  },
  'clock-jump': {
    words: 'how far the clock jumped since the last look',
    unit: 'ms',
    trouble: 'above',
    threshold: 'thresholds.clock_jump_ms',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 2000,
    staleAfterMs: 7_200_000,
  },
  'disk-free': {
    words: 'free space where the home lies',
    unit: 'MiB',
    trouble: 'below',
    threshold: 'thresholds.disk_free_mib',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 5000,
    staleAfterMs: 7_200_000,
  },
  'write-failed': {
    ...state,
    words: 'the home cannot be written',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 5000,
  },
  stall: {
    words: 'longest time that this process was not scheduled',
    unit: 'ms',
    trouble: 'above',
    threshold: 'thresholds.stall_ms',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 2000,
    staleAfterMs: 7_200_000,
  },
  cpu: {
    words: 'processor time in use on this host',
    unit: '%',
    trouble: 'above',
    threshold: 'thresholds.cpu_percent',
    isService: false,
    raiseAfterMs: 10_000,
    quietMs: 10_000,
    staleAfterMs: 7_200_000,
  },
  memory: {
    words: 'memory in use on this host',
    unit: '%',
    trouble: 'above',
    threshold: 'thresholds.memory_percent',
    isService: false,
    raiseAfterMs: 10_000,
    quietMs: 10_000,
    staleAfterMs: 7_200_000,
  },
  'subsystem-failed': {
    ...state,
    words: 'a part of the daemon has stopped',
    isService: true,
    raiseAfterMs: 0,
    quietMs: 2000,
  },
  'policy-change': {
    ...state,
    words: 'a sensor raised an alarm right after the policy was changed',
    isService: false,
    raiseAfterMs: 0,
    quietMs: 0,
  },
} as const satisfies Readonly<Record<string, Sensor>>

export type SensorName = keyof typeof sensors
export const sensorNames = Object.keys(sensors) as readonly SensorName[]

export function sensorOf(name: SensorName): Sensor {
  return sensors[name]
}

/**
 * What a sensor measured. `subject` is what was measured: `link:ID`, `session:ID`, `node:ID`, `path:ID:ID` (through a
 * neighbour to a member), `subsystem:NAME`, or one word (`host`, `disk`, `clock`, `certificate`, `handshakes`, `policy`).
 */
export interface Reading {
  readonly sensor: SensorName
  readonly subject: string
  /** In the sensor's unit; undefined: it could not be measured, which is not the same as being well. */
  readonly value: number | undefined
  /** More that was seen, for the record of the incident. */
  readonly detail?: Readonly<Record<string, string | number | boolean>>
}

/** What is healed as one: the neighbour or member of a subject, else the subject itself. */
export function entityOf(subject: string): string {
  const [kind, id] = subject.split(':', 2)
  return id !== undefined && ['link', 'session', 'node', 'path'].includes(kind!) ? `node:${id}` : subject
}
