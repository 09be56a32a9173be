// Bad input: forged weights. What a member weighs comes from the snapshot, never from what it signs.
import t from 'tap'
import { hasCode, X0tError } from '@x0t/core'
import {
  createReplay,
  decodeSigned,
  encodeSigned,
  memberKeysOf,
  recordIdOf,
  snapshotRoot,
  tallyOf,
  type ProposalBody,
  type RecordBodies,
} from '@x0t/dao'
import { identityNamed } from '../support/sample-records.ts'
import { codeOf, rejectionOf, smallDao, wholeScores, type SmallDao } from './small-dao.ts'

/** The body of anna's proposal, to be changed. */
function proposalOf(dao: SmallDao): ProposalBody {
  const proposal = dao.propose('anna')
  const { record } = dao.records.find(({ id }) => id === proposal)!
  if (record.kind !== 'proposal') throw new TypeError('no proposal')
  return record.body
}

t.test('a ballot that names its weight, tokens or keys is no ballot: DAO_RECORD_MALFORMED', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  for (const more of [
    { weight: '1000' },
    { tokens: '1000' },
    { balance: '1000' },
    { keys: new Uint8Array(32) },
  ]) {
    const ballot = { kind: 'single', choice: 0 } as const
    const inBody = { proposal, ballot, ...more } as RecordBodies['vote']
    const inBallot = { proposal, ballot: { ...ballot, ...more } } as RecordBodies['vote']
    for (const body of [inBody, inBallot])
      t.equal(
        codeOf(() => dao.sign('ben', 'vote', body)),
        'DAO_RECORD_MALFORMED',
        Object.keys(more).join(),
      )
  }
  t.end()
})

t.test('a proposal over an electorate with other balances is DAO_SNAPSHOT_MISMATCH', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const body = proposalOf(dao)
  const inflated = [...dao.state().members.values()].map((member) =>
    member.id === dao.id('anna') ? { ...member, balance: '1000000' } : member,
  )
  const forged = dao.sign('anna', 'proposal', { ...body, snapshotRoot: snapshotRoot(inflated) })
  const state = dao.state()
  t.equal(rejectionOf(state, forged), 'DAO_SNAPSHOT_MISMATCH')
  t.equal(state.proposals.size, 1)
  const ballot = dao.sign('anna', 'vote', {
    proposal: forged.id,
    ballot: { kind: 'single', choice: 0 },
  })
  t.ok(rejectionOf(dao.state(), ballot), 'and no ballot counts there')
  t.end()
})

t.test('a proposal that leaves members out is DAO_SNAPSHOT_MISMATCH', (t) => {
  const dao = smallDao({ anna: '9', ben: '16', carl: '25' })
  const body = proposalOf(dao)
  const some = [...dao.state().members.values()].filter(({ id }) => id !== dao.id('carl'))
  const forged = dao.sign('anna', 'proposal', { ...body, snapshotRoot: snapshotRoot(some) })
  t.equal(rejectionOf(dao.state(), forged), 'DAO_SNAPSHOT_MISMATCH')
  t.end()
})

t.test('a proposal with witnesses of its own choice is DAO_WITNESSES_WRONG', (t) => {
  const dao = smallDao({ anna: '9', ben: '16', carl: '25' })
  const body = proposalOf(dao)
  const forged = dao.sign('anna', 'proposal', { ...body, witnesses: [dao.id('anna')] })
  t.equal(rejectionOf(dao.state(), forged), 'DAO_WITNESSES_WRONG')
  t.end()
})

t.test('a balance that changes while a vote is open changes nothing in it', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  dao.vote('ben', proposal, 1)
  dao.sign('anna', 'member.balance', { id: dao.id('ben'), change: 1, balance: '1000000', reason: 'borrowed' })
  const state = dao.state()
  t.equal(state.members.get(dao.id('ben'))!.balance, '1000000')
  t.same(wholeScores(tallyOf(state.proposals.get(proposal)!).scores), ['0', '4', '0'])
  t.end()
})

t.test('one registrar of two cannot admit a member of great weight', (t) => {
  const [anna, ben, mallory] = ['anna', 'ben', 'mallory'].map(identityNamed)
  const dao = smallDao(
    { anna: '9', ben: '16' },
    { registrars: [anna!.nodeId, ben!.nodeId], registrarsNeeded: 2 },
  )
  const member = { id: mallory!.nodeId, name: 'mallory', keys: memberKeysOf(mallory!), balance: '1000000' }
  dao.sign('anna', 'member.add', { member, change: 1 })
  t.notOk(dao.state().members.has(mallory!.nodeId))
  dao.sign('ben', 'member.add', { member, change: 1 })
  t.ok(dao.state().members.has(mallory!.nodeId), 'both together can')
  t.end()
})

t.test('a genesis whose balances were changed does not hold: DAO_GENESIS_INVALID', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const genesis = dao.records[0]!
  // '16' to '99' in the signed bytes: still a genesis in form.
  const bytes = Buffer.from(genesis.bytes)
  const at = bytes.indexOf(Buffer.from('62', 'hex') + '16')
  t.ok(at > 0)
  bytes.write('99', at + 1)
  const forged = decodeSigned(encodeSigned({ bytes, signature: genesis.signature }))
  t.not(forged.id, genesis.id)
  t.equal(
    codeOf(() => createReplay(forged)),
    'DAO_GENESIS_INVALID',
  )
  t.end()
})

t.test('a ballot whose bytes were changed after it was signed is DAO_SIGNATURE_INVALID', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const proposal = dao.propose('anna')
  const vote = dao.vote('ben', proposal, 1)
  const state = createReplay(dao.records[0]!)
  for (const record of dao.records.slice(1, -1)) state.add(record)
  let changed = 0
  for (let at = 0; at < vote.bytes.length; at++) {
    const bytes = Uint8Array.from(vote.bytes)
    bytes[at]! ^= 1
    try {
      const forged = decodeSigned(encodeSigned({ bytes, signature: vote.signature }))
      t.equal(forged.id, recordIdOf(bytes))
      state.add(forged)
      changed++
    } catch (error) {
      if (!(error instanceof X0tError) || !hasCode(error, 'DAO_RECORD_MALFORMED')) throw error
    }
  }
  t.ok(changed > 10, `${changed} changes are records in form`)
  t.same(wholeScores(tallyOf(state.state().proposals.get(proposal)!).scores), ['0', '0', '0'])
  t.end()
})
