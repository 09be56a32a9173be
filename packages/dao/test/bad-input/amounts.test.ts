// Bad input: zero, negative, non-integer and 2^256 tokens.
import t from 'tap'
import {
  createMemberAdd,
  createMemberBalance,
  memberKeysOf,
  parseRules,
  defaultRules,
  tallyOf,
} from '@x0t/dao'
import { identityNamed } from '../support/sample-records.ts'
import { codeOf, rejectionOf, smallDao, wholeScores } from './small-dao.ts'

const largest = (2n ** 256n - 1n).toString()
const noAmounts = [
  '-1',
  '1.5',
  '1e3',
  '0x10',
  '01',
  '+1',
  ' 1',
  '1 ',
  '',
  '١',
  'NaN',
  (2n ** 256n).toString(),
]

t.test('a balance that is no whole number from 0 to 2^256 − 1 is DAO_AMOUNT_INVALID', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const newcomer = identityNamed('newcomer')
  const entry = { id: newcomer.nodeId, name: 'newcomer', keys: memberKeysOf(newcomer) }
  for (const balance of noAmounts) {
    const add = (): unknown => createMemberAdd(dao.state(), dao.id('anna'), { ...entry, balance })
    const grant = (): unknown =>
      createMemberBalance(dao.state(), dao.id('anna'), { id: dao.id('ben'), balance, reason: '' })
    t.equal(codeOf(add), 'DAO_AMOUNT_INVALID', `a new member with ${JSON.stringify(balance)}`)
    t.equal(codeOf(grant), 'DAO_AMOUNT_INVALID', `a grant of ${JSON.stringify(balance)}`)
  }
  t.end()
})

t.test('no record can even be signed that holds such a balance', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  for (const balance of noAmounts) {
    const body = { id: dao.id('ben'), change: 1, balance, reason: '' }
    t.equal(
      codeOf(() => dao.sign('anna', 'member.balance', body)),
      'DAO_RECORD_MALFORMED',
      balance,
    )
  }
  t.end()
})

t.test('2^256 − 1 tokens are an amount, and its root is counted exactly', (t) => {
  const dao = smallDao({ anna: largest, ben: '1' })
  const proposal = dao.propose('anna')
  dao.vote('anna', proposal, 0)
  dao.vote('ben', proposal, 1)
  const { scores } = tallyOf(dao.state().proposals.get(proposal)!)
  // √(2^256 − 1) lies between 2^128 − 1 and 2^128.
  t.same(wholeScores(scores), [(2n ** 128n - 1n).toString(), '1', '0'])
  t.end()
})

t.test('a member with zero tokens votes, and its ballot weighs nothing', (t) => {
  const dao = smallDao({ anna: '9', ben: '0', carl: '0' })
  const proposal = dao.propose('anna')
  dao.vote('anna', proposal, 0)
  dao.vote('ben', proposal, 1)
  dao.vote('carl', proposal, 1)
  const { scores, outcome } = tallyOf(dao.state().proposals.get(proposal)!)
  t.same(wholeScores(scores), ['3', '0', '0'])
  t.equal(outcome, 'passed')
  t.end()
})

t.test('where nobody has a token nothing passes', (t) => {
  const dao = smallDao({ anna: '0', ben: '0' })
  const proposal = dao.propose('anna')
  dao.vote('anna', proposal, 0)
  t.not(tallyOf(dao.state().proposals.get(proposal)!).outcome, 'passed')
  t.end()
})

t.test(
  'a budget of zero credits is DAO_AMOUNT_ZERO; amounts of rules that are none are DAO_AMOUNT_INVALID',
  (t) => {
    const plurality = { ...defaultRules, decides: 'plurality', support: null, quorum: null }
    const budget = (credits: string) => (): unknown =>
      parseRules({ ...plurality, method: 'quadratic-credits', budget: { kind: 'fixed', credits } })
    const quorum = (amount: string) => (): unknown =>
      parseRules({ ...defaultRules, quorum: { unit: 'tokens', counts: ['for'], amount } })
    t.equal(codeOf(budget('0')), 'DAO_AMOUNT_ZERO')
    for (const amount of noAmounts) {
      t.equal(codeOf(budget(amount)), 'DAO_AMOUNT_INVALID', `${JSON.stringify(amount)} credits`)
      t.equal(codeOf(quorum(amount)), 'DAO_AMOUNT_INVALID', `a quorum of ${JSON.stringify(amount)}`)
    }
    t.end()
  },
)

t.test('a grant by somebody who is no registrar changes nothing: DAO_NOT_A_REGISTRAR', (t) => {
  const dao = smallDao({ anna: '9', ben: '16' })
  const grant = dao.sign('ben', 'member.balance', {
    id: dao.id('ben'),
    change: 1,
    balance: '1000',
    reason: '',
  })
  t.equal(rejectionOf(dao.state(), grant), 'DAO_NOT_A_REGISTRAR')
  t.equal(dao.state().members.get(dao.id('ben'))!.balance, '16')
  t.end()
})
