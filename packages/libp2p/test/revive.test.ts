import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Address } from '../src/index.ts'
import { TestMesh, TestPlane } from './test-mesh.ts'

const mesh = new TestMesh()

/** A way to an address that can be cut as a network does it: connections stay open, and nothing passes any more. */
class Way implements AsyncDisposable {
  readonly #server = createServer((near) => this.#accept(near))
  readonly #pairs: [Socket, Socket][] = []
  readonly #to: Address
  /** What comes in is accepted and never answered. */
  isCut = false

  constructor(to: Address) {
    this.#to = to
  }

  async open(): Promise<Address> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }

  /** Nothing passes over the connections that there are, also later. */
  cut(): void {
    for (const [near, far] of this.#pairs) for (const end of [near, far]) end.unpipe().pause()
  }

  breakAll(): void {
    for (const pair of this.#pairs.splice(0)) for (const end of pair) end.destroy()
  }

  #accept(near: Socket): void {
    near.on('error', () => {})
    if (this.isCut) return void this.#pairs.push([near, near])
    const far = connect(this.#to.port, this.#to.host)
    far.on('error', () => {})
    near.pipe(far).pipe(near)
    this.#pairs.push([near, far])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

t.test('a connection that was silent while the way was cut is made anew when it is back', async (t) => {
  const limits = { reviveSilentMs: 300, reviveGraceMs: 20, deadPeerMs: 60_000 }
  await using b = await TestPlane.start(mesh.member(), { limits })
  await using way = new Way(b.address)
  await using a = await TestPlane.start(mesh.member(), { bootstrap: [await way.open()], limits })
  await Promise.all([a.up(b), b.up(a)])
  way.cut()
  await delay(400)
  a.forget()
  b.forget()
  a.plane.revive(b.member.nodeId)
  t.match((await a.event('down')).down, { nodeId: b.member.nodeId, reason: 'dead', by: 'us' })
  await Promise.all([a.up(b), b.up(a)])
})

t.test('a connection over which something is heard stays', async (t) => {
  const limits = { reviveSilentMs: 300, reviveGraceMs: 100, deadPeerMs: 60_000 }
  await using b = await TestPlane.start(mesh.member(), { limits })
  await using a = await TestPlane.start(mesh.member(), { bootstrap: [b.address], limits })
  await Promise.all([a.up(b), b.up(a)])
  a.plane.revive(b.member.nodeId)
  await delay(400)
  a.plane.revive(b.member.nodeId)
  b.plane.send(a.member.nodeId, 1, new Uint8Array(10))
  await a.event('frame')
  await delay(150)
  t.equal(a.events.filter(({ kind }) => kind === 'down').length, 0)
  t.equal(a.plane.neighbours().length, 1)
})

t.test('a dial that hangs since before is begun again', async (t) => {
  await using b = await TestPlane.start(mesh.member())
  await using way = new Way(b.address)
  await using a = await TestPlane.start(mesh.member(), {
    bootstrap: [await way.open()],
    limits: { redialMinMs: 20, handshakeTimeoutMs: 120_000 },
  })
  await Promise.all([a.up(b), b.up(a)])
  way.isCut = true
  way.breakAll()
  await a.event('down')
  await delay(700)
  way.isCut = false
  a.forget()
  a.plane.revive(b.member.nodeId)
  await a.up(b)
  t.equal(a.plane.neighbours().length, 1)
})
