import t from 'tap'
import { chainOf, identityNamed } from '../../dao/test/support/sample-records.ts'
import { Members, startNode, until } from './test-nodes.ts'

t.setTimeout(120_000)

const alice = identityNamed('alice')
const bob = identityNamed('bob')
const carol = identityNamed('carol')

t.test('what one node puts the other has, byte for byte', async (t) => {
  const members = new Members(alice, bob)
  await using a = await startNode(members, alice)
  await using b = await startNode(members, bob)
  await b.connect(a)
  const chain = chainOf(alice, 5)
  for (const record of chain) await a.store.put(record)
  await until(() => b.holds(...chain))
  t.same(await b.store.get(chain[4]!.id), chain[4])
  t.same(b.heard.map(({ id }) => id).toSorted(), chain.map(({ id }) => id).toSorted())
  const [ofBob] = chainOf(bob, 1)
  await b.store.put(ofBob!)
  await until(() => a.holds(ofBob!))
  t.match(a.store.status(), { neighbours: [b.id], logs: 2, records: 6, waiting: 0 })
  t.equal(await b.store.put(chain[0]!), false, 'what another carries is not carried twice')
})

t.test('after a partition both sides have all, also where no link joins them', async (t) => {
  const members = new Members(alice, bob, carol)
  await using a = await startNode(members, alice)
  await using b = await startNode(members, bob)
  await using c = await startNode(members, carol)
  const ofAlice = chainOf(alice, 3)
  const ofCarol = chainOf(carol, 3)
  await Promise.all([
    ...ofAlice.map((record) => a.store.put(record)),
    ...ofCarol.map((record) => c.store.put(record)),
  ])
  await b.connect(a)
  await until(() => b.holds(...ofAlice))
  await b.connect(c)
  await until(async () => (await a.holds(...ofCarol)) && (await c.holds(...ofAlice)))
  t.equal(a.plane.plane.neighbours().length, 1)
  t.equal(c.plane.plane.neighbours().length, 1)
})

t.test('a node that was away has what it had, and gets what it missed', async (t) => {
  const members = new Members(alice, bob)
  const path = `${t.testdir()}/orbit.sqlite`
  await using a = await startNode(members, alice)
  const [first, second, third] = chainOf(alice, 3)
  {
    await using b = await startNode(members, bob, { path })
    await b.connect(a)
    await a.store.put(first!)
    await until(() => b.holds(first!))
  }
  await a.store.put(second!)
  await using b = await startNode(members, bob, { path })
  t.ok(await b.holds(first!))
  await b.connect(a)
  await until(() => b.holds(second!))
  t.same(
    b.heard.map(({ id }) => id),
    [second!.id],
    'nothing comes twice',
  )
  await b.store.put(third!)
  await until(() => a.holds(third!))
})

t.test('a node whose file was lost gets all of it again, its own log as well', async (t) => {
  const members = new Members(alice, bob)
  await using a = await startNode(members, alice)
  const [first, second] = chainOf(bob, 2)
  {
    await using b = await startNode(members, bob)
    await b.connect(a)
    await b.store.put(first!)
    await until(() => a.holds(first!))
  }
  await using b = await startNode(members, bob)
  await b.connect(a)
  await until(() => b.holds(first!))
  await b.store.put(second!)
  await until(() => a.holds(second!))
  t.same((await b.store.get(first!.id))?.bytes, first!.bytes)
})
