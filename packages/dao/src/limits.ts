import type { RecordKind } from './record.ts'

/** Most bytes of a record's signed part, by kind: what a peer sends above that is not even decoded. */
export const maxRecordBytes: Readonly<Record<RecordKind, number>> = {
  // About 240 founding members at 2.1 kB each; more are added one by one.
  genesis: 524_288,
  'member.add': 4096,
  'member.remove': 4096,
  'member.rotate': 8192,
  'member.balance': 4096,
  delegate: 1024,
  // Text of 32 kB, and an entry of 140 bytes for each member that has signed something of its own.
  proposal: 524_288,
  vote: 16_384,
  veto: 4096,
  cancel: 4096,
  seal: 65_536,
  execution: 8192,
  artifact: 66_560,
}

/** Most bytes of any record with its signature. */
export const maxSignedRecordBytes = 524_288 + 4096

/** Bytes of a file in one `artifact` record. */
export const maxArtifactPieceBytes = 65_536

/** Deepest nesting of maps and lists in a record. */
export const maxDepth = 12

/** Choices of one proposal. */
export const maxChoices = 256

/** Records of one author in a lane of each sort: numbers from this on are refused. */
export const maxLaneRecords = {
  /** Proposals, delegations, rotations of a member. */
  member: 4096,
  /** The same lane of a registrar, which holds every admission. */
  registrar: 1_048_576,
  /** Ballots of one member on one proposal. */
  vote: 256,
  witness: 4096,
  node: 1024,
  artifact: 4096,
} as const
