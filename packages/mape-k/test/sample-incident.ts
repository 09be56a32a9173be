import type { Incident } from '../src/index.ts'

/** An incident as the loop would save it. */
export function incidentOf(id: string, openedAtMs: number, more: Partial<Incident> = {}): Incident {
  return {
    id,
    entity: 'node:b',
    diagnosis: 'link-dead',
    confidence: 0.9,
    because: 'probes got no answer',
    openedAtMs,
    lastGoodAgoMs: 30,
    evidence: [],
    timeline: [{ phase: 'detected', afterMs: 0, text: 'x' }],
    attempts: [],
    mitigation: null,
    outcome: 'open',
    recoveredAfterMs: null,
    closedAfterMs: null,
    isDrill: false,
    ...more,
  }
}
