import { messageOf } from '@x0t/core'
import { z } from 'zod'
import { actionTypes, type Action } from './action.ts'
import {
  amount,
  ascend,
  byteString,
  choiceIndex,
  counter,
  hexDigest,
  line,
  memberId,
  recordId,
  spanMs,
  text,
  timeMs,
} from './field-schemas.ts'
import { maxArtifactPieceBytes, maxChoices } from './limits.ts'
import type { Constitution, MemberEntry, MemberKeys, ProposalBody, RecordBodies, SealBody } from './record.ts'
import { parseChoices } from './parse-choices.ts'
import { parseRules } from './parse-rules.ts'
import type { Ballot } from './rules.ts'

// One schema for each kind: exact sets of keys, every size bounded. In one file, as it is one table.

const ids = z.array(memberId).max(4096).refine(ascend, { error: 'ids that do not ascend' })
const reason = line(0, 512)

const keys: z.ZodType<MemberKeys> = z.strictObject({
  ed25519: byteString({ length: 32 }),
  mldsa65: byteString({ length: 1952 }),
})

const member: z.ZodType<MemberEntry> = z.strictObject({
  id: memberId,
  name: line(1, 64),
  keys,
  balance: amount,
})

/** What another module reads strictly, as a schema. */
function readBy<Value>(read: (value: unknown) => Value): z.ZodType<Value> {
  return z.unknown().transform((value, context) => {
    try {
      return read(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) })
      return z.NEVER
    }
  })
}

const rules = readBy((value) => parseRules(value))

const constitution: z.ZodType<Constitution> = z.strictObject({
  name: line(1, 128),
  symbol: line(1, 16),
  tokenDecimals: z.int().min(0).max(36),
  registrars: ids.min(1),
  registrarsNeeded: z.int().min(1).max(4096),
  witnesses: z.union([z.literal('members'), ids.min(1)]),
  guardians: ids,
  rules,
  votingMs: spanMs,
  graceMs: spanMs,
  timelockMs: spanMs,
  expiresMs: spanMs,
  maxOpenProposals: z.int().min(1).max(1024),
})

const settingKey = z.string().regex(/^[a-z][a-z0-9_.-]{0,63}$/, 'no name of a setting')
const actionShapes = {
  update_threshold: z.strictObject({
    type: z.literal('update_threshold'),
    key: settingKey,
    value: line(1, 64),
  }),
  update_policy: z.strictObject({
    type: z.literal('update_policy'),
    diagnosis: settingKey,
    actions: z.array(settingKey).max(16),
  }),
  update_config: z.strictObject({ type: z.literal('update_config'), key: settingKey, value: line(0, 256) }),
  ban_node: z.strictObject({ type: z.literal('ban_node'), node: memberId, reason }),
  readmit_node: z.strictObject({ type: z.literal('readmit_node'), node: memberId }),
  rotate_keys: z.strictObject({
    type: z.literal('rotate_keys'),
    node: z.union([z.literal('all'), memberId]),
  }),
  publish_artifact: z.strictObject({
    type: z.literal('publish_artifact'),
    artifact: z.enum(['model', 'program']),
    name: line(1, 64),
    digest: hexDigest,
    sizeBytes: z.int().min(1).max(268_435_456),
    signer: memberId,
    signatureDigest: hexDigest,
  }),
} satisfies { readonly [Type in Action['type']]: z.ZodType<Extract<Action, { type: Type }>> }
const [firstType, ...otherTypes] = actionTypes
const action: z.ZodType<Action> = z.discriminatedUnion('type', [
  actionShapes[firstType],
  ...otherTypes.map((type) => actionShapes[type]),
])

const proposal: z.ZodType<ProposalBody> = z.strictObject({
  title: line(1, 200),
  text: text(32_768),
  choices: readBy((value) => parseChoices(value)),
  rules,
  actions: z.array(action).max(32),
  asOf: z
    .array(z.tuple([memberId, counter, recordId]))
    .max(4096)
    .refine((entries) => ascend(entries.map(([author]) => author)), { error: 'authors that do not ascend' }),
  snapshotRoot: byteString({ length: 32 }),
  witnesses: ids.min(1),
  opensMs: timeMs,
  closesMs: timeMs,
  graceMs: spanMs,
  timelockMs: spanMs,
  expiresMs: spanMs,
})

/** Pairs of choice and number, choices ascending. */
function pairs(number: z.ZodType<string>): z.ZodType<[number, string][]> {
  return z
    .array(z.tuple([choiceIndex, number]))
    .min(1)
    .max(maxChoices)
    .refine((list) => list.every(([index], at) => at === 0 || list[at - 1]![0] < index), {
      error: 'choices that do not ascend',
    })
}

const ballot: z.ZodType<Ballot> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('single'), choice: choiceIndex }),
  z.strictObject({
    kind: z.literal('shares'),
    shares: pairs(z.string().regex(/^(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?$/, 'no decimal number')),
  }),
  z.strictObject({
    kind: z.literal('credits'),
    votes: pairs(z.string().regex(/^(?:0|-?[1-9]\d{0,38})$/, 'no whole number')),
  }),
  z.strictObject({
    kind: z.literal('approval'),
    // Approving of nothing is a ballot.
    choices: z
      .array(choiceIndex)
      .max(maxChoices)
      .refine((list) => list.every((index, at) => at === 0 || list[at - 1]! < index), {
        error: 'choices that do not ascend',
      }),
  }),
  z.strictObject({
    kind: z.literal('ranking'),
    ranking: z
      .array(choiceIndex)
      .min(1)
      .max(maxChoices)
      .refine((list) => new Set(list).size === list.length, { error: 'a choice ranked twice' }),
  }),
])

const round = z.int().min(0).max(1_000_000)
const recordIds = z.array(recordId).max(512).refine(ascend, { error: 'ids that do not ascend' })
const step = {
  proposal: recordId,
  round,
  root: byteString({ length: 32 }).nullable(),
  count: counter,
  declarations: z.array(recordId).max(1024).refine(ascend, { error: 'ids that do not ascend' }),
  validRound: round.nullable(),
}
const seal: z.ZodType<SealBody> = z.discriminatedUnion('step', [
  z.strictObject({
    proposal: recordId,
    step: z.literal('declare'),
    part: z.int().min(0).max(4095),
    of: z.int().min(1).max(4096),
    ballots: recordIds,
  }),
  z.strictObject({ ...step, step: z.enum(['propose', 'prepare', 'commit']) }),
])

const index = z.int().min(0).max(4095)

/** What the body of a record of each kind may hold. */
export const bodySchemas = {
  genesis: z.strictObject({
    constitution,
    members: z.array(member).min(1).max(4096),
    nonce: byteString({ length: 32 }),
  }),
  'member.add': z.strictObject({ member, change: counter }),
  'member.remove': z.strictObject({ id: memberId, change: counter, reason }),
  'member.rotate': z.strictObject({ keys, proof: byteString({ max: 4096 }) }),
  'member.balance': z.strictObject({ id: memberId, change: counter, balance: amount, reason }),
  delegate: z.strictObject({ to: memberId.nullable() }),
  proposal,
  vote: z.strictObject({ proposal: recordId, ballot }),
  veto: z.strictObject({ proposal: recordId, reason }),
  cancel: z.strictObject({ proposal: recordId, reason }),
  seal,
  execution: z.strictObject({
    proposal: recordId,
    action: z.int().min(0).max(31),
    outcome: z.enum(['executed', 'failed']),
    detail: line(0, 1024),
  }),
  artifact: z.strictObject({
    digest: hexDigest,
    index,
    of: z.int().min(1).max(4096),
    bytes: byteString({ max: maxArtifactPieceBytes }),
  }),
} satisfies { readonly [Kind in keyof RecordBodies]: z.ZodType<RecordBodies[Kind]> }
