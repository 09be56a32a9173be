import { createHash } from 'node:crypto'
import { X0tError } from '@x0t/core'
import { ballotLeaf } from './closing/ballot-set.ts'
import { inclusionProof } from './merkle-tree.ts'
import { formatReceipt } from './receipt-text.ts'
import { decodeSigned, encodeSigned } from './signed-record.ts'
import { decodeStrict, encodeStrict } from './strict-cbor.ts'
import type { Certificate } from './dao-state.ts'
import type { MemberId, SignedRecord } from './record.ts'

/**
 * Key id of a witness in a signature line: the first four bytes of SHA-256 over the name, a line feed, and the type
 * (0xff, one that has no number of its own, and its name), as C2SP signed-note lays down.
 */
export function witnessKeyId(witness: MemberId): Uint8Array {
  const typed = Buffer.concat([Buffer.from(`${witness}\n`), Buffer.of(0xff), Buffer.from('x0t.dao/seal/v1')])
  return createHash('sha256').update(typed).digest().subarray(0, 4)
}

/**
 * Proof that a ballot is in the certified set, which anyone can check offline with the members' keys alone: text in the
 * form of C2SP tlog-proof. Only the commits that are needed are in it, the lowest witness ids first.
 * @throws X0tError DAO_NOT_CERTIFIED, DAO_BALLOT_NOT_COUNTED
 */
export function createReceipt({
  proposal,
  ballot,
  certificate,
}: {
  readonly proposal: SignedRecord
  readonly ballot: SignedRecord
  readonly certificate: Certificate | null
}): string {
  if (certificate === null || certificate.ballots === null)
    throw new X0tError(
      'DAO_NOT_CERTIFIED',
      `proposal ${proposal.id} is not certified, as far as is known here`,
      {
        hint: 'x0t dao show says which witnesses are missing',
      },
    )
  const index = certificate.ballots.indexOf(ballot.id)
  if (index === -1)
    throw new X0tError(
      'DAO_BALLOT_NOT_COUNTED',
      `ballot ${ballot.id} is not in the certified set of ${certificate.count}`,
      { hint: 'too few witnesses had it when the vote ended, or it is void; x0t dao tally --explain' },
    )
  return formatReceipt({
    extra: encodeStrict([encodeSigned(ballot), encodeSigned(proposal)]),
    index,
    hashes: inclusionProof(certificate.ballots.map(ballotLeaf), index),
    dao: proposal.record.dao!,
    proposal: proposal.id,
    size: certificate.count,
    root: certificate.root,
    signatures: certificate.commits.map((commit) => ({
      name: commit.record.author,
      bytes: Buffer.concat([witnessKeyId(commit.record.author), encodeSigned(commit)]),
    })),
  })
}

/**
 * What the leaf of a receipt stands for: the ballot, and the proposal, which names the witnesses.
 * @throws X0tError DAO_RECEIPT_INVALID
 */
export function decodeReceiptExtra(extra: Uint8Array): {
  readonly ballot: SignedRecord
  readonly proposal: SignedRecord
} {
  try {
    const [ballot, proposal] = (decodeStrict(extra) as unknown[]).map((part) =>
      decodeSigned(part as Uint8Array),
    )
    if (ballot === undefined || proposal === undefined) throw new RangeError('it holds less than two records')
    return { ballot, proposal }
  } catch (error) {
    throw new X0tError('DAO_RECEIPT_INVALID', 'not a receipt: it does not hold a ballot and a proposal', {
      cause: error,
    })
  }
}
