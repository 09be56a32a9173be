/**
 * A DAO whose count anyone can check: signed records, exact tallies, closing by witnesses, receipts.
 */
export { errorCodes } from './errors.ts'
export { amountLimit, amountOf, parseAmount } from './exact/amount.ts'
export { parseFraction, parseShare, type Ratio } from './exact/fraction.ts'
export { integerRoot, isSquare } from './exact/integer-root.ts'
export { RootSum } from './exact/root-sum.ts'
export { compareSums, signOf, signOfSquares } from './exact/sign.ts'
export { decimalOf } from './exact/decimal.ts'
export { ballotKinds, checkBallot, parseBallot } from './ballot.ts'
export { checkChoices, mostChoices, parseChoices } from './parse-choices.ts'
export { parseRules, supportMethods } from './parse-rules.ts'
export { defaultRules, presetNames, rulesOfMethod, rulesPreset, type PresetName } from './presets.ts'
export { tally } from './count/count-tally.ts'
export { tallyBytes } from './count/tally-bytes.ts'
export { effectiveEndMs } from './count/effective-end.ts'
export { settledOutcome, type SettledOutcome } from './count/settled-outcome.ts'
export { countElection, parseElection } from './election.ts'
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
export { createMemoryRecordStore } from './memory-record-store.ts'
export { openRecordStore, type RecordStoreOptions } from './sqlite-record-store.ts'
export { defaultStoreLimits, type StoreLimits } from './store-limits.ts'
export { readBundle, writeBundle, type BundleSummary } from './bundle-file.ts'
export { openBundleStore } from './bundle-record-store.ts'
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
export { isRecordId, parseRecordId, recordIdOf } from './record-id.ts'
export { contextOf, laneOf } from './lane.ts'
export { isAmount } from './field-schemas.ts'
export { decodeRecord, encodeRecord } from './record-codec.ts'
export { decodeSigned, encodeSigned, signRecord, verifyRecord } from './signed-record.ts'
export { createVerifier, type Verifier, type VerifyTask } from './verifier.ts'
export {
  consistencyProof,
  inclusionProof,
  merkleRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle-tree.ts'
export { maxArtifactPieceBytes, maxChoices, maxRecordBytes, maxSignedRecordBytes } from './limits.ts'
export { createReplay, findGenesis, replay, type Replay, type ReplayOptions } from './replay.ts'
export type { Registry, RegistryChange } from './registry.ts'
export { snapshotLeaf, snapshotRoot } from './snapshot.ts'
export { endOf } from './proposal-end.ts'
export { resultOf, tallyOf } from './proposal-result.ts'
export {
  createCancel,
  createDelegate,
  createGenesis,
  createMemberAdd,
  createMemberBalance,
  createMemberRemove,
  createMemberRotate,
  createProposal,
  createVeto,
  createVote,
  memberKeysOf,
  memberWithKeys,
  proposalBody,
  type ProposalDraft,
  type UnsignedRecord,
} from './create-records.ts'
export type { Verify } from './member-lane.ts'
export { certificatesOf, culpritsOf, type Closing } from './closing/certificates.ts'
export type { Culprit } from './closing/culprits.ts'
export { quorumOf, proposerOf, type Quorum } from './closing/quorum.ts'
export { ballotLeaf, ballotSetRoot, ballotsVouchedFor } from './closing/ballot-set.ts'
export { ballotsPerPart, partsOf } from './closing/declaration.ts'
export type { SignedProposal, SignedSeal } from './closing/seal-book.ts'
export {
  createWitness,
  type Witness,
  type WitnessAction,
  type WitnessEvent,
  type WitnessOptions,
  type WitnessPhase,
  type WitnessTimer,
  type WitnessView,
} from './closing/witness.ts'
export { auditOf, type Audit, type Concentration, type MemberWeight } from './audit.ts'
export { createReceipt } from './receipt.ts'
export { maxReceiptBytes } from './receipt-text.ts'
export {
  verifyReceipt,
  type KnownKeys,
  type ReceiptCheck,
  type ReceiptVerification,
} from './verify-receipt.ts'
export {
  bundleCheckNames,
  verifyBundle,
  type BundleCheck,
  type BundleCheckName,
  type BundleVerification,
  type VerifiedProposal,
  type VerifyBundleOptions,
} from './verify-bundle.ts'
