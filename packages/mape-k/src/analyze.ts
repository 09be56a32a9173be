import type { Alarm, Diagnosis, DiagnosisKind } from './diagnosis.ts'
import { entityOf, type SensorName } from './sensors.ts'

/** A judgement from outside, such as a trained model's, that strengthens or weakens what the rules found. */
export interface ScorePort {
  /** From −1 (surely not) to 1 (surely); undefined where it has no opinion. */
  score(diagnosis: Diagnosis): number | undefined
}

/** The alarms of one entity. */
interface Group {
  readonly entity: string
  readonly alarms: readonly Alarm[]
  get(sensor: SensorName): Alarm | undefined
}

interface Finding {
  readonly confidence: number
  readonly because: string
}

interface Rule {
  readonly kind: DiagnosisKind
  readonly find: (group: Group) => Finding | undefined
}

/** How far a score may move the confidence. */
const scoreWeight = 0.3
/** A link that fell silent so close to a standstill of this process may well be alive. */
const suspectWithinMs = 3000

/** The rules, the one that explains most first: of each entity the first that fits is the diagnosis. */
const rules: readonly Rule[] = [
  rule('subsystem-failed', ['subsystem-failed'], 1, (alarm) => `${alarm.subject} reported its failure`),
  rule('bad-configuration', ['policy-change'], 0.8, () => 'the alarms began when the policy was changed'),
  rule('overload', ['stall'], 0.9, ({ value }) => `this process stood still for ${round(value)} ms`),
  rule('overload', ['cpu'], 0.7, ({ value }) => `${round(value)} % of the processor time is in use`),
  rule('overload', ['memory'], 0.7, ({ value }) => `${round(value)} % of the memory is in use`),
  rule(
    'clock-jump',
    ['clock-jump'],
    1,
    ({ value }) => `wall and monotonic time parted by ${round(value)} ms`,
  ),
  rule(
    'disk-full',
    ['write-failed'],
    1,
    ({ detail }) => `writing failed: ${detail['reason'] ?? 'no reason given'}`,
  ),
  rule('disk-full', ['disk-free'], 0.9, ({ value }) => `${round(value)} MiB are free`),
  {
    kind: 'certificate-expired',
    find(group) {
      const left = group.get('certificate-left')
      if (left === undefined || left.value > 0) return undefined
      return { confidence: 1, because: 'its last day is past' }
    },
  },
  rule(
    'certificate-expiring',
    ['certificate-left'],
    0.9,
    ({ value }) => `${round(value)} % of its life are left, and it is renewed at 50 %`,
  ),
  rule(
    'relay-dead',
    ['link-silent', 'node-unreachable'],
    0.9,
    () => 'its link fell silent, and no other member has a link to it either',
  ),
  rule(
    'path-eaten',
    ['path-eaten'],
    0.8,
    ({ detail }) =>
      `probes to it are answered, and packets through it to ${detail['member'] ?? 'a member'} do not arrive`,
    'link-silent',
  ),
  rule(
    'flap',
    ['link-flaps'],
    0.9,
    ({ value }) => `the link went down ${round(value)} times within a minute`,
  ),
  {
    kind: 'link-dead',
    find(group) {
      const silent = group.get('link-silent')
      if (silent === undefined) return undefined
      const ways: Readonly<Record<string, Finding>> = {
        carrier: { confidence: 0.99, because: 'the network interface lost its carrier' },
        drill: { confidence: 0.99, because: 'a drill dropped it on purpose' },
        told: { confidence: 0.9, because: 'the neighbour says that it does not hear us' },
      }
      return ways[String(silent.detail['reason'])] ?? { confidence: 0.9, because: 'probes got no answer' }
    },
  },
  {
    kind: 'one-way-loss',
    find(group) {
      const [from, to] = [group.get('link-loss'), group.get('link-loss-to')]
      if ((from === undefined) === (to === undefined)) return undefined
      const { value, threshold, detail } = (from ?? to)!
      const other = detail['otherPercent']
      if (typeof other !== 'number' || other > threshold! / 2) return undefined
      const [bad, good] = from === undefined ? ['to', 'from'] : ['from', 'to']
      return {
        confidence: 0.8,
        because: `${round(value)} % are lost on the way ${bad} the neighbour, ${round(other)} % on the way ${good} it`,
      }
    },
  },
  rule(
    'gray-link',
    ['link-loss'],
    0.8,
    ({ value }) => `${round(value)} % of the datagrams from the neighbour are lost`,
  ),
  rule(
    'gray-link',
    ['link-loss-to'],
    0.8,
    ({ value }) => `${round(value)} % of the datagrams to the neighbour are lost`,
  ),
  rule(
    'gray-link',
    ['link-latency'],
    0.7,
    ({ value }) => `a round trip takes ${round(value)} ms more than the best one did`,
  ),
  rule(
    'control-lost',
    ['control-lost'],
    0.8,
    () => 'its data link lives and its control connection does not',
  ),
  {
    kind: 'handshake-failure',
    find(group) {
      const refused = group.get('handshake-refused')
      if (refused !== undefined)
        return {
          confidence: 0.6,
          because: `${round(refused.value)} connections were refused within a minute`,
        }
      const session = group.get('session-failed')
      const code = String(session?.detail['code'] ?? '')
      if (session === undefined || code === '' || code === 'SESSION_TIMEOUT') return undefined
      return { confidence: 0.8, because: `${round(session.value)} handshakes in a row ended with ${code}` }
    },
  },
  rule('member-unreachable', ['node-unreachable'], 0.8, () => 'no route leads to it any more'),
  rule(
    'session-failed',
    ['session-failed'],
    0.8,
    ({ value }) => `${round(value)} handshakes in a row got no answer`,
  ),
]

/**
 * What the alarms mean, one diagnosis for each entity. Pure: the same alarms give the same diagnoses.
 * @param scores moves a confidence by up to 0.3; without it the rules stand alone
 */
export function analyze(alarms: readonly Alarm[], scores?: ScorePort): readonly Diagnosis[] {
  const found = groupsOf(alarms).map((group) => {
    const match = firstFinding(group)
    return {
      kind: match?.kind ?? 'unexplained',
      entity: group.entity,
      confidence: (match?.finding.confidence ?? 0.2) * selfDoubt(group, alarms),
      evidence: group.alarms,
      because: `${match?.finding.because ?? 'no rule knows these alarms'}${doubtWords(group, alarms)}`,
    } satisfies Diagnosis
  })
  return found.map((diagnosis) => {
    const score = scores?.score(diagnosis)
    if (score === undefined || Number.isNaN(score)) return diagnosis
    const moved = diagnosis.confidence + scoreWeight * Math.min(1, Math.max(-1, score))
    return { ...diagnosis, confidence: Math.min(1, Math.max(0, moved)) }
  })
}

/** Alarms by entity. Where several members are out of reach at once, and not by their own links, they are one: the mesh. */
function groupsOf(alarms: readonly Alarm[]): readonly Group[] {
  const lost = new Set(
    alarms.filter(({ sensor }) => sensor === 'node-unreachable').map(({ subject }) => subject),
  )
  const isPartition = lost.size >= 2
  const byEntity = new Map<string, Alarm[]>()
  for (const alarm of alarms) {
    const entity = isPartition && alarm.sensor === 'node-unreachable' ? 'mesh' : entityOf(alarm.subject)
    byEntity.set(entity, [...(byEntity.get(entity) ?? []), alarm])
  }
  return [...byEntity].map(([entity, own]) => ({
    entity,
    alarms: own,
    get: (sensor) => own.find((alarm) => alarm.sensor === sensor),
  }))
}

function firstFinding(group: Group): { kind: DiagnosisKind; finding: Finding } | undefined {
  if (group.entity === 'mesh')
    return {
      kind: 'partition',
      finding: { confidence: 0.9, because: `${group.alarms.length} members became unreachable together` },
    }
  for (const { kind, find } of rules) {
    const finding = find(group)
    if (finding !== undefined) return { kind, finding }
  }
  return undefined
}

function isSilentDuringStandstill(group: Group, alarms: readonly Alarm[]): boolean {
  const silent = group.get('link-silent')
  const stall = alarms.find(({ sensor }) => sensor === 'stall')
  if (silent === undefined || stall === undefined || isCertain(silent)) return false
  return Math.abs(silent.raisedAtMs - stall.raisedAtMs) <= suspectWithinMs
}

/** A link that lost its carrier, or that this node dropped itself, is no matter of opinion. */
function isCertain({ detail }: Alarm): boolean {
  return detail['reason'] === 'carrier' || detail['reason'] === 'drill'
}

/** A node that slept suspects itself before its neighbour. */
function selfDoubt(group: Group, alarms: readonly Alarm[]): number {
  if (isSilentDuringStandstill(group, alarms)) return 0.3
  const isBusy = alarms.some(({ sensor }) => sensor === 'cpu' || sensor === 'memory')
  return isBusy && group.get('link-silent') !== undefined ? 0.7 : 1
}

function doubtWords(group: Group, alarms: readonly Alarm[]): string {
  return isSilentDuringStandstill(group, alarms) ? '; but this process stood still then, so it may be us' : ''
}

/** A rule that fits where all these sensors raised alarms, and one that must not have did not. */
function rule(
  kind: DiagnosisKind,
  [first, ...others]: readonly [SensorName, ...SensorName[]],
  confidence: number,
  because: (alarm: Alarm) => string,
  unless?: SensorName,
): Rule {
  return {
    kind,
    find(group) {
      const alarm = group.get(first)
      if (alarm === undefined || others.some((sensor) => group.get(sensor) === undefined)) return undefined
      if (unless !== undefined && group.get(unless) !== undefined) return undefined
      return { confidence, because: because(alarm) }
    },
  }
}

function round(value: number): number {
  return Math.abs(value) >= 10 ? Math.round(value) : Math.round(value * 100) / 100
}
