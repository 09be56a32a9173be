import { existsSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { messageOf, X0tError } from '@x0t/core'
import type { DaoState, KnownKeys } from '@x0t/dao'
import type { CommandContext } from '../../main.ts'
import type { VerifiedReceipt } from '../../views/dao-verify.ts'
import { homeOf, type HomeOption } from '../node/home-option.ts'
import { ballotWords } from './ballot-text.ts'
import { readCard } from './founding-members.ts'
import { openDao, storeFileOf } from './open-dao.ts'

const receiptStart = 'c2sp.org/tlog-proof@'

/** True if the file begins as a receipt does; what cannot be read is left to who reads it as a bundle. */
export async function isReceipt(path: string): Promise<boolean> {
  if (!existsSync(path)) return false
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(receiptStart.length), position: 0 })
  return buffer.subarray(0, bytesRead).toString('latin1') === receiptStart
}

/**
 * Checks a receipt against records (`--with`, or those of the home) or the members' cards.
 * @throws X0tError DAO_MEMBERS_NEEDED
 */
export async function verifyReceiptFile(
  file: string,
  options: HomeOption & {
    readonly with?: string
    readonly member?: readonly string[]
    readonly expected: string | undefined
  },
  context: CommandContext,
): Promise<VerifiedReceipt> {
  const { verifyReceipt } = await import('@x0t/dao')
  const against = await knownOf(options, context)
  let verified
  try {
    verified = verifyReceipt(await readFile(file), against)
  } catch (error) {
    if (!(error instanceof X0tError)) throw error
    return { kind: 'receipt', file, ok: false, findings: [messageOf(error)], checks: [], ballot: null }
  }
  const { checks, dao, proposal, ballot, witnesses } = verified
  const other =
    options.expected === undefined || options.expected === dao
      ? []
      : [`it is of the DAO ${dao}, not ${options.expected}`]
  const findings = [
    ...other,
    ...checks.filter(({ holds }) => !holds).map(({ check, found }) => `${check}: ${found}`),
  ]
  const { record } = ballot
  const state = 'state' in against ? against.state : null
  const choices = state?.proposals.get(proposal)?.record.body.choices ?? []
  return {
    kind: 'receipt',
    file,
    ok: findings.length === 0,
    findings,
    checks,
    ballot: {
      id: ballot.id,
      dao,
      proposal,
      member: { id: record.author, name: state?.members.get(record.author)?.name ?? '' },
      words: record.kind === 'vote' ? ballotWords(record.body.ballot, choices) : '',
      witnesses: witnesses.map((id) => ({ id, name: state?.members.get(id)?.name ?? '' })),
    },
  }
}

async function knownOf(
  options: HomeOption & { readonly with?: string; readonly member?: readonly string[] },
  context: CommandContext,
): Promise<{ readonly members: readonly KnownKeys[] } | { readonly state: DaoState }> {
  if (options.with !== undefined) return { state: await stateOfBundle(options.with) }
  if (options.member !== undefined) {
    const cards = await Promise.all(options.member.map(readCard))
    return { members: cards.map(({ nodeId, keys }) => ({ id: nodeId, keys })) }
  }
  if (existsSync(storeFileOf(await homeOf(options, context)))) {
    await using dao = await openDao(options, context)
    return { state: await dao.state() }
  }
  throw new X0tError('DAO_MEMBERS_NEEDED', 'a receipt is checked with the public keys of the members', {
    hint: '--with BUNDLE, or --member CARD for each witness and the voter',
    exitCode: 2,
  })
}

/** What a bundle says. @throws X0tError of the bundle and of its first record */
async function stateOfBundle(file: string): Promise<DaoState> {
  const { createReplay, createVerifier, findGenesis, readBundle } = await import('@x0t/dao')
  const records = await Array.fromAsync(readBundle(file))
  await using verifier = createVerifier()
  const replay = createReplay(findGenesis(records))
  await replay.addAll(records, { verifier })
  return replay.state()
}
