// Bad input: reused keys, wrong context, swapped signatures.
import t from 'tap'
import {
  createMemberAdd,
  createMemberRotate,
  decodeSigned,
  encodeSigned,
  memberKeysOf,
  replay,
  tallyOf,
  type MemberEntry,
  type RecordId,
  type SignedRecord,
} from '@x0t/dao'
import { hybridSign, nodeIdOfKeys } from '@x0t/keys'
import { identityNamed } from '../support/sample-records.ts'
import { codeOf, rejectionOf, smallDao, wholeScores, type SmallDao } from './small-dao.ts'

const mldsaBytes = 3309

function voted(): { dao: SmallDao; proposal: RecordId; vote: SignedRecord } {
  const dao = smallDao({ anna: '9', ben: '16', carl: '25' })
  const proposal = dao.propose('anna')
  const vote = dao.vote('ben', proposal, 1)
  return { dao, proposal, vote }
}

/** The state with a record in the place of ben's ballot. */
const stateWith = ({ dao, vote }: ReturnType<typeof voted>, signature: Uint8Array) => {
  const forged = decodeSigned(encodeSigned({ bytes: vote.bytes, signature }))
  return { forged, state: replay([...dao.records.filter((record) => record !== vote), forged]) }
}

t.test('a member with a key that another member has is DAO_KEY_REUSED', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const [ben, stranger] = [memberKeysOf(dao.member('ben')), memberKeysOf(identityNamed('stranger'))]
  for (const keys of [
    { ed25519: ben.ed25519, mldsa65: stranger.mldsa65 },
    { ed25519: stranger.ed25519, mldsa65: ben.mldsa65 },
  ]) {
    const entry: MemberEntry = {
      id: nodeIdOfKeys(keys.ed25519, keys.mldsa65),
      name: 'twin',
      keys,
      balance: '9',
    }
    t.equal(
      codeOf(() => createMemberAdd(dao.state(), dao.id('anna'), entry)),
      'DAO_KEY_REUSED',
    )
    dao.sign('anna', 'member.add', { member: entry, change: 1 })
    t.notOk(dao.state().members.has(entry.id), 'a registrar that signs it all the same admits nobody')
  }
  t.end()
})

t.test('the same keys are one member: a second admission is DAO_MEMBER_EXISTS', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const again = { id: dao.id('ben'), name: 'ben2', keys: memberKeysOf(dao.member('ben')), balance: '16' }
  t.equal(
    codeOf(() => createMemberAdd(dao.state(), dao.id('anna'), again)),
    'DAO_MEMBER_EXISTS',
  )
  t.end()
})

t.test('keys under the id of others are DAO_KEYS_MISMATCH', (t) => {
  const dao = smallDao({ anna: '9' })
  const [one, other] = [identityNamed('one'), identityNamed('other')]
  const entry = { id: one.nodeId, name: 'one', keys: memberKeysOf(other), balance: '9' }
  t.equal(
    codeOf(() => createMemberAdd(dao.state(), dao.id('anna'), entry)),
    'DAO_KEYS_MISMATCH',
  )
  const forced = dao.sign('anna', 'member.add', { member: entry, change: 1 })
  t.equal(rejectionOf(dao.state(), forced), 'DAO_KEYS_MISMATCH')
  t.end()
})

t.test('a rotation to the keys of another member is DAO_KEY_REUSED', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const rotate = (): unknown => createMemberRotate(dao.state(), dao.id('ben'), dao.member('anna'))
  t.equal(codeOf(rotate), 'DAO_KEY_REUSED')
  t.end()
})

t.test(
  'a rotation without the consent of the new keys is DAO_ROTATION_INVALID, and the old ones stay',
  (t) => {
    const dao = smallDao({ anna: '9', ben: '16' })
    const keys = memberKeysOf(identityNamed('victim'))
    const stolen = dao.sign('ben', 'member.rotate', { keys, proof: new Uint8Array(3373) })
    t.equal(rejectionOf(dao.state(), stolen), 'DAO_ROTATION_INVALID')
    const proposal = dao.propose('anna')
    dao.vote('ben', proposal, 0)
    t.same(wholeScores(tallyOf(dao.state().proposals.get(proposal)!).scores), ['4', '0', '0'])
    t.end()
  },
)

t.test('a signature under the context of another kind is DAO_SIGNATURE_INVALID', (t) => {
  const cast = voted()
  const ben = cast.dao.member('ben')
  for (const context of ['x0t/dao/veto/v1', 'x0t/dao/vote/v2', 'x0t/dao/vote', '']) {
    const { forged, state } = stateWith(cast, hybridSign(ben, cast.vote.bytes, context))
    t.equal(rejectionOf(state, forged), 'DAO_SIGNATURE_INVALID', JSON.stringify(context))
    t.same(wholeScores(tallyOf(state.proposals.get(cast.proposal)!).scores), ['0', '0', '0'])
  }
  t.end()
})

t.test('the signature of another record, or of another member, is DAO_SIGNATURE_INVALID', (t) => {
  const cast = voted()
  const ofAnother = cast.dao.vote('ben', cast.proposal, 0).signature
  const ofCarl = hybridSign(cast.dao.member('carl'), cast.vote.bytes, 'x0t/dao/vote/v1')
  const records = cast.dao.records.slice(0, -1)
  for (const signature of [ofAnother, ofCarl, new Uint8Array(3373)]) {
    const forged = decodeSigned(encodeSigned({ bytes: cast.vote.bytes, signature }))
    const state = replay([...records.filter((record) => record !== cast.vote), forged])
    t.equal(rejectionOf(state, forged), 'DAO_SIGNATURE_INVALID')
  }
  t.end()
})

t.test('one good half is not enough: both Ed25519 and ML-DSA-65 must hold', (t) => {
  const cast = voted()
  const good = cast.vote.signature
  const other = hybridSign(cast.dao.member('carl'), cast.vote.bytes, 'x0t/dao/vote/v1')
  const onlyLattice = Buffer.concat([good.subarray(0, mldsaBytes), other.subarray(mldsaBytes)])
  const onlyCurve = Buffer.concat([other.subarray(0, mldsaBytes), good.subarray(mldsaBytes)])
  const halvesTurned = Buffer.concat([good.subarray(mldsaBytes), good.subarray(0, mldsaBytes)])
  for (const [name, signature] of Object.entries({ onlyLattice, onlyCurve, halvesTurned })) {
    const { forged, state } = stateWith(cast, signature)
    t.equal(rejectionOf(state, forged), 'DAO_SIGNATURE_INVALID', name)
  }
  t.end()
})

t.test('a forged copy of a ballot does not keep the real one out', (t) => {
  const cast = voted()
  const forged = decodeSigned(encodeSigned({ bytes: cast.vote.bytes, signature: new Uint8Array(3373) }))
  t.equal(forged.id, cast.vote.id, 'the id is of what was signed, not of the signature')
  for (const records of [
    [...cast.dao.records, forged],
    [cast.dao.records[0]!, forged, ...cast.dao.records.slice(1)],
  ]) {
    const state = replay(records)
    t.same(wholeScores(tallyOf(state.proposals.get(cast.proposal)!).scores), ['0', '4', '0'])
  }
  t.end()
})
