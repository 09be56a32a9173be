import { actionOf } from './actions.ts'
import { diagnoses } from './diagnosis.ts'
import { outcomes, type Incident } from './incident.ts'
import { sensorOf } from './sensors.ts'

/**
 * An incident in plain words: what was seen, what was decided and why, what that changed, how it ended. One paragraph
 * each; complete sentences for someone who knows nothing of the loop.
 * @param nameOf how a node id is called; the first ten characters of it by default
 */
export function explainIncident(
  incident: Incident,
  nameOf: (id: string) => string = (id) => id.slice(0, 10),
): readonly string[] {
  const what = entityWords(incident.entity, nameOf)
  const seen = incident.evidence.map(({ sensor, value, threshold, subject }) => {
    const { words, unit } = sensorOf(sensor)
    const measured =
      threshold === null
        ? ''
        : ` (${number(value)}${unitOf(unit)}, limit ${number(threshold)}${unitOf(unit)})`
    const where = entityWords(subject, nameOf)
    return `${words}${measured}${where === what ? '' : ` [${where}]`}`
  })
  const paragraphs = [
    `${incident.isDrill ? 'A drill. ' : ''}About ${what}: ${diagnoses[incident.diagnosis]}. ${capital(incident.because)} (confidence ${Math.round(incident.confidence * 100)} %).`,
    `Seen: ${[...new Set(seen)].join('; ')}.${lastGood(incident)}`,
  ]
  const { mitigation } = incident
  if (mitigation !== null) {
    const proof =
      mitigation.verifiedAfterMs === null
        ? 'Nothing has proved the new path yet.'
        : `An answer over the new path proved it ${number(mitigation.verifiedAfterMs)} ms after the alarm.`
    paragraphs.push(
      `The data plane moved traffic by itself ${number(mitigation.afterMs)} ms after the alarm: ${mitigation.to}. ${proof}`,
    )
  }
  for (const attempt of incident.attempts) {
    const results = {
      running: 'It is under way.',
      verifying: 'Whether it helped is being watched.',
      verified: `It helped: the sensors were quiet ${number(attempt.recoveryMs ?? 0)} ms after it began.`,
      failed: 'It did not help: the sensors did not fall quiet in time.',
      'not-done': 'It could not be done, and counts for nothing.',
      overtaken:
        'Whether it helped cannot be told: the trouble passed without it, or the watching was broken off.',
    }
    const changed = attempt.changed === null || attempt.changed === '' ? '' : ` Changed: ${attempt.changed}.`
    paragraphs.push(
      `${number(attempt.afterMs)} ms after the alarm the loop chose ${attempt.action} (${actionOf(attempt.action).words}): ${attempt.why}.${changed} ${results[attempt.result]}`,
    )
  }
  if (incident.attempts.length === 0) {
    const last = incident.timeline.findLast(({ phase }) => phase === 'observing')
    paragraphs.push(
      `${incident.outcome === 'open' ? 'The loop has not acted so far' : 'The loop did nothing'}${last === undefined ? '' : `: ${last.text.replace('no-action: ', '')}`}.`,
    )
  }
  const recovered =
    incident.recoveredAfterMs === null
      ? ''
      : ` All sensors were well ${number(incident.recoveredAfterMs)} ms after the alarm.`
  paragraphs.push(`Outcome: ${incident.outcome}, ${outcomes[incident.outcome]}.${recovered}`)
  return paragraphs
}

/** What a subject or entity is, in words. */
export function entityWords(entity: string, nameOf: (id: string) => string): string {
  const [kind, id, member] = entity.split(':')
  if (id === undefined)
    return { mesh: 'the mesh', host: 'this host', disk: 'the disk', clock: 'the clock' }[kind!] ?? kind!
  if (kind === 'subsystem') return `the ${id}`
  if (kind === 'path') return `the path through ${nameOf(id)} to ${nameOf(member ?? id)}`
  return nameOf(id)
}

function lastGood({ lastGoodAgoMs }: Incident): string {
  return lastGoodAgoMs === null
    ? ''
    : ` All was last known to be well ${number(lastGoodAgoMs)} ms before the alarm.`
}

function unitOf(unit: string): string {
  return unit === 'count' || unit === 'state' ? '' : ` ${unit}`
}

function number(value: number): string {
  return String(Math.abs(value) >= 10 ? Math.round(value) : Math.round(value * 10) / 10)
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
