/**
 * A DAO whose count anyone can check: signed records, exact tallies, closing by witnesses, receipts.
 */
export { errorCodes } from './errors.ts'
export { actionTypes, type Action } from './action.ts'
export {
  checkAction,
  checkActions,
  maxActions,
  maxArtifactBytes,
  maxArtifactSignatureBytes,
  maxPieceBytes,
  subjectOf,
} from './action-check.ts'
export {
  actionForms,
  actionWords,
  readActionText,
  type ActionTextPorts,
  type ReadAction,
} from './action-text.ts'
export {
  cutArtifact,
  digestOf,
  joinArtifact,
  modelSignatureContext,
  signerOfArtifact,
  type ArtifactPiece,
  type PublishAction,
} from './artifact.ts'
export { policyBounds } from './policy-bounds.ts'
export { votableSettings, votableValue, votableWords, type VotableSetting } from './votable-settings.ts'
export {
  certifiedAtMs,
  executionOf,
  executionState,
  expiryMs,
  reportersOf,
  reportsOf,
  timelockEndMs,
  type ActionExecution,
  type ActionStage,
  type ExecutionInput,
  type ExecutionReport,
} from './execution.ts'
export {
  choiceRoles,
  methods,
  quorumUnits,
  type Amount,
  type Ballot,
  type Choice,
  type ChoiceRole,
  type Fraction,
  type Method,
  type QuorumUnit,
  type Rules,
} from './rules.ts'
export type {
  Constitution,
  DaoRecord,
  Elector,
  Lane,
  MemberEntry,
  MemberId,
  MemberKeys,
  ProposalBody,
  RecordBodies,
  RecordHead,
  RecordId,
  RecordKind,
  RecordOf,
  SealBody,
  SignedRecord,
} from './record.ts'
export type { OwnRecordStore, RecordStore } from './record-store.ts'
export { tallyOutcomes, type Tally, type TallyInput, type TallyOutcome, type Voice } from './tally.ts'
export {
  proposalStates,
  type Certificate,
  type DaoState,
  type Equivocation,
  type ProposalResult,
  type ProposalState,
  type ProposalView,
  type RejectedRecord,
} from './dao-state.ts'
