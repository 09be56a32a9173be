import type { HealHistory, HealIncident, HealPolicy, HealStatus } from '@x0t/local-api'
import { safe } from './node.ts'
import { columns, facts } from './table.ts'
import { shortDuration } from './units.ts'

export function healStatusView(status: HealStatus, nowMs: number): string {
  if (!status.enabled) return 'the healing loop is switched off (healing.enabled = false)'
  const lines: [string, string][] = [
    ['state', stateWords(status)],
    ['actions', `${status.actionsInMinute} of at most ${status.actionsPerMinute} within the last minute`],
    [
      'breaker',
      status.breakerOpenForMs === null
        ? `closed, ${status.failuresInRow} failed actions in a row`
        : `OPEN for ${shortDuration(status.breakerOpenForMs)} after ${status.failuresInRow} failures in a row`,
    ],
    ...status.avoided.map(({ id, name, kind, leftMs }): [string, string] => [
      kind,
      `${safe(name) || id.slice(0, 10)}, for ${shortDuration(leftMs)} more`,
    ]),
    ['remembered', `${status.incidents} incidents: x0t heal history`],
  ]
  if (status.open.length === 0) return `${facts(lines)}\n\nno open incidents`
  const open = columns(
    ['INCIDENT', 'SINCE', 'ABOUT', 'DIAGNOSIS', 'TRAFFIC', 'LAST'],
    status.open.map((incident) => [
      incident.id,
      shortDuration(Math.max(0, nowMs - incident.openedAtMs)),
      safe(incident.about),
      incident.diagnosis,
      trafficWords(incident),
      safe(incident.timeline.at(-1)?.text ?? '').slice(0, 60),
    ]),
  )
  return `${facts(lines)}\n\n${open}`
}

function stateWords({ state, safeMode }: HealStatus): string {
  if (safeMode === null) return state
  return `SAFE_MODE since ${time(safeMode.sinceMs)}: ${safe(safeMode.reason)}; x0t heal safe-mode leave`
}

function trafficWords({ mitigation, recoveredAfterMs }: HealIncident): string {
  if (recoveredAfterMs !== null) return 'well'
  if (mitigation === null) return '-'
  return mitigation.verifiedAfterMs === null ? 'moved' : 'moved, proven'
}

export function healHistoryView({ incidents }: HealHistory): string {
  if (incidents.length === 0) return 'no incidents'
  return columns(
    ['INCIDENT', 'TIME', 'ABOUT', 'DIAGNOSIS', 'ACTION', 'OUTCOME', 'DETECT', 'REROUTE', 'VERIFY'],
    incidents.map((incident) => [
      incident.id,
      time(incident.openedAtMs),
      safe(incident.about),
      incident.diagnosis + (incident.isDrill ? ' (drill)' : ''),
      incident.attempts
        .map(({ action, result }) => `${action}${result === 'verified' ? '' : ` (${result})`}`)
        .join(', ') || '-',
      incident.outcome,
      ms(incident.lastGoodAgoMs),
      ms(incident.mitigation?.afterMs ?? null),
      ms(incident.recoveredAfterMs ?? incident.mitigation?.verifiedAfterMs ?? null),
    ]),
  )
}

/** The incident in words, then what happened when. */
export function healIncidentView(incident: HealIncident): string {
  const head = `incident ${incident.id}, ${time(incident.openedAtMs)}`
  const words = incident.explanation.map((paragraph) => wrap(safe(paragraph)))
  return [head, ...words, timelineView(incident)].join('\n\n')
}

/** One line a step: milliseconds since the first alarm, how long since the step before, and what happened. */
function timelineView({ timeline, lastGoodAgoMs }: HealIncident): string {
  const start =
    lastGoodAgoMs === null ? [] : [{ phase: 'well', afterMs: -lastGoodAgoMs, text: 'last known to be well' }]
  const steps = [...start, ...timeline].toSorted((one, other) => one.afterMs - other.afterMs)
  return columns(
    ['MS', 'STEP', 'PHASE', 'WHAT'],
    steps.map(({ phase, afterMs, text }, at) => {
      const before = steps[at - 1]
      const stepMs = before === undefined ? '' : `+${number(Math.max(0, afterMs - before.afterMs))}`
      return [number(afterMs), stepMs, phase, safe(text)]
    }),
  )
}

export function healPolicyView({ numbers, plans, overruled = [] }: HealPolicy): string {
  const values = columns(
    ['VALUE', 'IS', 'FROM', 'TO', 'UNIT', 'ORIGIN', 'MEANING'],
    numbers.map((one) => [
      one.key,
      one.learnt === null ? String(one.value) : `${one.value} (learnt: ${number(one.learnt)})`,
      String(one.from),
      String(one.to),
      one.unit,
      originWords(one),
      one.help,
    ]),
  )
  const actions = columns(
    ['DIAGNOSIS', 'ACTIONS', 'ORIGIN', 'WORKED'],
    plans.map((plan) => [
      plan.diagnosis,
      plan.actions.join(', ') || 'none: observe',
      originWords(plan),
      plan.records
        .map(
          ({ action, verified, failed }) => `${action} ${number(verified)} of ${number(verified + failed)}`,
        )
        .join(', ') || '-',
    ]),
  )
  const kept = overruled.map(
    (key) => `${key}: the file's value does not hold, a vote has set it; another vote changes it`,
  )
  return [values, actions, ...(kept.length === 0 ? [] : [kept.join('\n')])].join('\n\n')
}

function originWords({ origin, proposal }: { origin: string; proposal?: string | undefined }): string {
  return proposal === undefined ? origin : `${origin} ${safe(proposal)}`
}

function time(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replace('T', ' ')
}

function ms(value: number | null): string {
  return value === null ? '-' : `${number(value)} ms`
}

function number(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 10) / 10)
}

/** Lines of at most 100 characters, broken at spaces. */
function wrap(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= 100) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}
