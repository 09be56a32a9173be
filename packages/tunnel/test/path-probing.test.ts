import t from 'tap'
import type { Report } from '../src/commands.ts'
import { createFakeMesh, packet, type FakeMesh } from './support/fake-mesh.ts'

/** a - r - b and a - s - b; the best way leads over r, which is also the red tree, the blue one over s. */
function diamond(): FakeMesh {
  const mesh = createFakeMesh(['a', 'r', 's', 'b'])
  for (const middle of ['r', 's']) {
    mesh.link('a', middle)
    mesh.link(middle, 'b')
    const to = (end: string, round: string) => {
      const direct = { neighbour: end, hops: 1 }
      const long = { neighbour: round, hops: 3 }
      return {
        nextHop: end,
        feasibleUs: 1,
        ...(middle === 'r' ? { red: direct, blue: long } : { red: long, blue: direct }),
      }
    }
    mesh.routes(middle, { a: to('a', 'b'), b: to('b', 'a') })
  }
  const over = (nextHop: string) => ({
    nextHop,
    feasibleUs: 2,
    red: { neighbour: 'r', hops: 2 },
    blue: { neighbour: 's', hops: 2 },
  })
  mesh.routes('a', { b: over('r') })
  mesh.routes('b', { a: over('r') })
  mesh.session('a', 'b')
  mesh.pass(50)
  return mesh
}

const isData = (bytes: Buffer): boolean => bytes[0] === 0x10
/** The relay answers probes, but data that it should pass on to `to` disappears. */
const eats = (relay: string, to: readonly string[]) => (from: string, next: string, bytes: Buffer) =>
  from === relay && to.includes(next) && isData(bytes) ? undefined : bytes

const changes = (mesh: FakeMesh, name: string): string[] =>
  mesh.node(name).reports.flatMap((report: Report) => {
    if (report.kind === 'path-suspect') return [`suspect ${report.neighbour} ${report.evidence}`]
    if (report.kind === 'path-clear') return [`clear ${report.neighbour} ${report.reason}`]
    return []
  })

/** One packet every 10 ms from each of `senders` (a or b); what did not arrive, by sender. */
function run(mesh: FakeMesh, durationMs: number, senders: readonly string[] = ['a']): Record<string, number> {
  const lost: Record<string, number> = {}
  for (let passed = 0; passed < durationMs; passed += 10) {
    for (const from of senders) {
      const to = from === 'a' ? 'b' : 'a'
      mesh.node(from).kernel.tunIn.push(packet(from, to, Buffer.alloc(200)))
      mesh.settle()
      lost[from] = (lost[from] ?? 0) + 1 - mesh.node(to).kernel.tunOut.splice(0).length
    }
    mesh.pass(10)
  }
  return lost
}

t.test(
  'a relay that answers probes but eats data is left within 200 ms, and trusted again later',
  async (t) => {
    const mesh = diamond()
    t.strictSame(run(mesh, 500), { a: 0 })
    mesh.filter = eats('r', ['a', 'b'])
    const { a: lost } = run(mesh, 1000)
    // Since the last echo that was answered, up to 50 ms before.
    t.ok(lost! >= 10 && lost! <= 20, `${lost} packets of 10 ms lost`)
    t.strictSame(changes(mesh, 'a'), ['suspect r silence'])
    t.notOk(
      mesh.node('a').reports.some(({ kind }) => kind === 'link-down'),
      'its link lives',
    )
    t.strictSame(run(mesh, 3000), { a: 0 })
    t.strictSame(changes(mesh, 'a'), ['suspect r silence'])

    mesh.filter = (_from, _to, bytes) => bytes
    // The next try is at most 2 s away, and answers must come for a second.
    t.strictSame(run(mesh, 3500), { a: 0 }, 'nor is a packet lost on the way back')
    t.strictSame(changes(mesh, 'a'), ['suspect r silence', 'clear r answers'])
    const before = mesh.wire.length
    run(mesh, 10)
    t.ok(
      mesh.wire.slice(before).some(({ from, to, bytes }) => from === 'r' && to === 'b' && isData(bytes)),
      'over r again',
    )
  },
)

t.test('who sends nothing is not probed, and who is sent one packet gets one echo', async (t) => {
  const mesh = diamond()
  const echoes = (): number => mesh.node('a').stats().unitsSealed + mesh.node('b').stats().unitsSealed
  mesh.pass(2000)
  t.equal(echoes(), 0)
  run(mesh, 10)
  mesh.pass(2000)
  t.equal(echoes(), 3, 'packet, request, reply')
})

t.test('each side moves what it sends itself when only one direction is eaten', async (t) => {
  const mesh = diamond()
  run(mesh, 500, ['a', 'b'])
  mesh.filter = eats('r', ['b'])
  const lost = run(mesh, 2000, ['a', 'b'])
  t.equal(lost.b, 0, 'towards a nothing was lost')
  t.ok(lost.a! <= 20)
  t.strictSame(changes(mesh, 'a'), ['suspect r told'], 'b sends, and says that it does not hear a')
  t.strictSame(changes(mesh, 'b'), [], 'b blames nobody for it')
})

t.test('who only answers learns from the other side that its answers get lost', async (t) => {
  const mesh = diamond()
  run(mesh, 500)
  mesh.filter = eats('r', ['a'])
  t.strictSame(run(mesh, 3000), { a: 0 }, 'data itself arrives all the time')
  t.strictSame(changes(mesh, 'b'), ['suspect r told'])
  t.strictSame(changes(mesh, 'a'), [])
})

t.test('nobody is blamed when the member itself is gone', async (t) => {
  const mesh = diamond()
  run(mesh, 500)
  mesh.filter = (_from, to, bytes) => (to === 'b' && isData(bytes) ? undefined : bytes)
  run(mesh, 5000)
  t.strictSame(changes(mesh, 'a'), [])
  mesh.filter = (_from, _to, bytes) => bytes
  run(mesh, 2000)
  t.strictSame(run(mesh, 1000), { a: 0 })
})

t.test('a relay that eats only long datagrams is found, too: echoes are as long as the data', async (t) => {
  const mesh = diamond()
  const sendLong = (durationMs: number): number => {
    let lost = 0
    for (let passed = 0; passed < durationMs; passed += 10) {
      mesh.node('a').kernel.tunIn.push(packet('a', 'b', Buffer.alloc(1300)))
      mesh.settle()
      lost += 1 - mesh.node('b').kernel.tunOut.splice(0).length
      mesh.pass(10)
    }
    return lost
  }
  t.equal(sendLong(500), 0)
  mesh.filter = (from, to, bytes) => (from === 'r' && to === 'b' && bytes.length > 1000 ? undefined : bytes)
  t.ok(sendLong(1000) <= 25)
  t.strictSame(changes(mesh, 'a'), ['suspect r silence'])
})

t.test('who answers echoes never sends more than who asks', async (t) => {
  const mesh = diamond()
  const before = mesh.wire.length
  run(mesh, 1000)
  mesh.filter = eats('r', ['a'])
  run(mesh, 2000)
  const data = mesh.wire.slice(before).filter(({ bytes }) => isData(bytes))
  const of = (from: string) => data.filter((one) => one.from === from)
  // b has no data of its own: it replies, and asks on its own account only once it knows that its replies get lost.
  t.ok(of('b').length <= of('a').length)
  const bytesOf = (from: string): number => of(from).reduce((sum, { bytes }) => sum + bytes.length, 0)
  t.ok(bytesOf('b') <= bytesOf('a'))
})

t.test('a member that is routed no more is forgotten with its detour', async (t) => {
  const mesh = diamond()
  run(mesh, 500)
  mesh.filter = eats('r', ['b'])
  run(mesh, 500)
  t.strictSame(changes(mesh, 'a'), ['suspect r silence'])
  mesh.node('a').tell({ kind: 'routes', routes: [] })
  mesh.pass(500)
  mesh.filter = (_from, _to, bytes) => bytes
  mesh.routes('a', { b: { nextHop: 'r', feasibleUs: 2 } })
  t.strictSame(run(mesh, 500), { a: 0 })
})
