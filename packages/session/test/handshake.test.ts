import t from 'tap'
import { createTestAuthority } from './support/authority.ts'
import { createTestNetwork } from './support/network.ts'
import { openUnit, sealUnit } from '../src/index.ts'

const authority = createTestAuthority()

t.test('two members get mirrored keys, and what one seals the other opens', async (t) => {
  const network = createTestNetwork()
  const [a, b] = [network.add(authority.issue()), network.add(authority.issue())]
  a.sessions.ensure(b.id)
  await network.until(() => a.sending.length === 1 && b.sending.length === 1, { stepMs: 0 })
  const [saA, saB] = [a.sending[0]!, b.sending[0]!]
  t.same([saA.peer, saA.role, saB.peer, saB.role], [b.id, 'initiator', a.id, 'responder'])
  t.same([saA.localSpi, saA.remoteSpi], [saB.remoteSpi, saB.localSpi])
  const there = sealUnit(saA, 1n, Buffer.from('over there'))
  t.equal(openUnit(saB, 1n, there).toString(), 'over there')
  t.equal(openUnit(saA, 7n, sealUnit(saB, 7n, Buffer.from('and back'))).toString(), 'and back')
  t.throws(
    () => openUnit(saA, 1n, there),
    { code: 'UNIT_INVALID' },
    'a unit reflected to its sender is refused',
  )
})
