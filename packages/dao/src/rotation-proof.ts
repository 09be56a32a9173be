import { hybridSign, hybridVerify, type Identity } from '@x0t/keys'
import { encodeStrict } from './strict-cbor.ts'
import type { MemberId, MemberKeys, RecordId } from './record.ts'

const context = 'x0t/dao/member.rotate/proof/v1'

/** Whose new keys they are to be. */
export interface RotationSubject {
  readonly dao: RecordId
  readonly member: MemberId
}

/** The new keys' own signature that they are this member's: nobody claims keys that it does not hold. */
export function signRotationProof(
  identity: Pick<Identity, 'ed25519' | 'mldsa65'>,
  subject: RotationSubject,
): Uint8Array<ArrayBuffer> {
  return hybridSign(identity, encodeStrict([subject.dao, subject.member]), context)
}

export function verifyRotationProof(subject: RotationSubject, keys: MemberKeys, proof: Uint8Array): boolean {
  const publicKeys = { ed25519PublicRaw: keys.ed25519, mldsa65PublicRaw: keys.mldsa65 }
  return hybridVerify(publicKeys, encodeStrict([subject.dao, subject.member]), context, proof)
}
