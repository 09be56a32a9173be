import type { Incident } from './incident.ts'
import {
  defaultKnowledgeLimits,
  learned,
  type ActionRecord,
  type Knowledge,
  type KnowledgeLimits,
} from './knowledge.ts'

/** Knowledge that lasts as long as the process. */
export function createMemoryKnowledge(limits: Partial<KnowledgeLimits> = {}): Knowledge {
  const { maxIncidents, maxAgeMs } = { ...defaultKnowledgeLimits, ...limits }
  const incidents = new Map<string, Incident>()
  const records = new Map<string, ActionRecord>()
  const notes = new Map<string, string>()
  const newest = (): Incident[] =>
    [...incidents.values()].toSorted((one, other) => other.openedAtMs - one.openedAtMs)
  return {
    save(incident) {
      incidents.set(incident.id, incident)
      const list = newest()
      const oldestMs = list[0]!.openedAtMs - maxAgeMs
      for (const [index, { id, openedAtMs }] of list.entries())
        if (index >= maxIncidents || openedAtMs < oldestMs) incidents.delete(id)
    },
    incidents: ({ sinceMs = 0, limit = Infinity } = {}) =>
      newest()
        .filter(({ openedAtMs }) => openedAtMs >= sinceMs)
        .slice(0, limit),
    incident: (id) => incidents.get(id),
    size: () => incidents.size,
    learn(diagnosis, action, recoveryMs) {
      const key = `${diagnosis} ${action}`
      const before = records.get(key) ?? { diagnosis, action, verified: 0, failed: 0, recoveryMs: 0 }
      records.set(key, learned(before, recoveryMs))
    },
    records: () => [...records.values()],
    note: (name) => notes.get(name),
    setNote(name, text) {
      if (text === undefined) notes.delete(name)
      else notes.set(name, text)
    },
    [Symbol.dispose]() {},
  }
}
