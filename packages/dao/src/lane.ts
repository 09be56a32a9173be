import type { Lane, RecordBodies, RecordKind } from './record.ts'

/** The lane that a record of this kind and body belongs to; a record in another one is malformed. */
export function laneOf<Kind extends RecordKind>(kind: Kind, body: RecordBodies[Kind]): Lane
export function laneOf(kind: RecordKind, body: RecordBodies[RecordKind]): Lane {
  if (kind === 'vote' && 'proposal' in body) return `vote:${body.proposal}`
  if (kind === 'seal' && 'proposal' in body) return `witness:${body.proposal}`
  if (kind === 'execution' && 'proposal' in body) return `node:${body.proposal}`
  if (kind === 'artifact' && 'digest' in body) return `artifact:${body.digest}`
  return 'member'
}

/** Context under which records of a kind are signed. */
export function contextOf(kind: RecordKind): string {
  return `x0t/dao/${kind}/v1`
}
