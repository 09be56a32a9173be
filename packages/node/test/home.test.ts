import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { geteuid } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createAuthority, openIdentityStore } from '@x0t/identity'
import { silentLog as log, systemClock as clock, systemRandom as random } from '@x0t/core'
import { diskFailureIn } from '../src/home-failure.ts'
import { homeAt, initNode, readSvid } from '../src/index.ts'
import { createLoopbackNet, until, type LoopbackNode } from './loopback-nodes.ts'

const net = createLoopbackNet()
t.teardown(() => net[Symbol.asyncDispose]())
t.setTimeout(60_000)

/** Runs the making of a node, or its joining, in a process that is killed `afterMs` after it has begun. */
async function killedWhile(
  node: LoopbackNode,
  work: 'init' | 'join',
  afterMs: number,
  token = '',
): Promise<boolean> {
  const child = fork(join(import.meta.dirname, 'made-in-a-process.ts'), [work, node.home, node.name, token], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS|TAP)/.test(name)),
    ),
  })
  const ended = once(child, 'exit')
  await once(child, 'message')
  await delay(afterMs)
  child.kill('SIGKILL')
  await ended
  return child.signalCode === 'SIGKILL'
}

await t.test('a node whose making was killed at any moment is made by the next start', async (t) => {
  const killed = await Promise.all(
    [0, 4, 15, 30].map(async (afterMs, index) => {
      const node = net.node(`killed${index}`)
      const was = await killedWhile(node, 'init', afterMs)
      const made = await node.init()
      t.match(await node.init(), { nodeId: made.nodeId, created: false })
      await node.start()
      t.match(
        await node.client.status(),
        { id: made.nodeId, role: 'authority' },
        `killed after ${afterMs} ms`,
      )
      await node.stop()
      return was
    }),
  )
  t.ok(killed.includes(true), 'at least one was killed before its end')
})

await t.test('a join that was killed at any moment is made again with the same token', async (t) => {
  const first = net.node('first')
  await first.init()
  await first.start()
  for (const afterMs of [0, 20, 40]) {
    const node = net.node(`joins${afterMs}`)
    const { token } = await first.client.invite({ addresses: [first.address] })
    await killedWhile(node, 'join', afterMs, token)
    await node.join(token).catch((error: unknown) => t.match(error, { code: 'NODE_IS_MEMBER' }))
    await node.start()
    t.ok(await until('it is a neighbour', async () => (await node.client.status()).peers === 1))
    await node.stop()
  }
})

await t.test('a home with the authority of an interrupted making cannot enter another mesh', async (t) => {
  const first = net.node('other')
  await first.init()
  await first.start()
  const half = net.node('half')
  {
    await using store = await openIdentityStore(homeAt(half.home).identityDirectory)
    await store.writeAuthority(createAuthority({ meshName: 'half', random, clock }))
  }
  const { token } = await first.client.invite({ addresses: [first.address] })
  await t.rejects(half.join(token), { code: 'NODE_IS_MEMBER' })
  t.match(
    await half.init(),
    { created: true, spiffeId: /^spiffe:\/\/half\.x0t/ },
    'its own mesh is completed',
  )
})

await t.test(
  'a port that is taken, by TCP or by HTTP, is told with a hint and leaves nothing open',
  async (t) => {
    const [host, port] = net.node('spare').address.split(':') as [string, string]
    const server = createServer().listen(Number(port), host)
    await once(server, 'listening')
    const taken = net.node('taken', { flags: { 'network.listen': `${host}:${port}` } })
    await taken.init()
    await t.rejects(taken.start(), { code: 'CONTROL_LISTEN_FAILED' })
    await t.rejects(taken.client.status(), { code: 'NO_DAEMON' })
    server.close()
    await once(server, 'close')
    await taken.start()
    t.match(await taken.client.live(), { status: 'alive' })

    const udp = net.node('udp', { flags: { 'network.listen': `${host}:${port}` } })
    await udp.init()
    await t.rejects(udp.start(), { code: 'UDP_UNAVAILABLE', hint: /ss -ulpn/ })
    const http = createServer().listen(0, '127.0.0.1')
    await once(http, 'listening')
    const address = http.address()
    const httpPort = typeof address === 'object' ? address?.port : undefined
    const second = net.node('second', { flags: { 'http.listen': `127.0.0.1:${httpPort}` } })
    await second.init()
    await t.rejects(second.start(), { code: 'HTTP_PORT_TAKEN', hint: String })
    http.close()
    await once(http, 'close')
    await second.start()
    const listen = (await second.client.status()).listen.find(({ transport }) => transport === 'http')
    t.match(await (await fetch(`http://${listen?.address}/health/live`)).json(), { status: 'alive' })
  },
)

await t.test('damaged files are told by what they are', async (t) => {
  const node = net.node('damaged')
  await node.init()
  const home = homeAt(node.home)
  writeFileSync(home.stateFile, 'this is no database'.repeat(100))
  await t.rejects(node.start(), { code: 'NODE_STATE_DAMAGED', hint: /move it away/ })
  rmSync(home.stateFile)
  await node.start()
  await node.stop()
  chmodSync(home.identityFile, 0o644)
  await t.rejects(node.start(), { code: 'KEY_MODE_TOO_OPEN', hint: /chmod 600/ })
  chmodSync(home.identityFile, 0o600)
  rmSync(home.identityDirectory, { recursive: true })
  await t.rejects(node.start(), { code: 'NODE_NOT_MADE' })
  await t.rejects(readSvid(join(net.folder, 'nowhere')), { code: 'NODE_NOT_MADE' })
  mkdirSync(home.identityDirectory, { recursive: true })
  writeFileSync(join(home.identityDirectory, 'identity.db'), 'this is no database'.repeat(100))
  await t.rejects(node.start(), { code: 'STATE_DAMAGED' })
})

await t.test('a home below a file is not told as damaged', async (t) => {
  writeFileSync(join(net.folder, 'file'), '')
  const home = join(net.folder, 'file', 'home')
  await t.rejects(initNode({ home, meshName: 'm', name: 'n', log }), { code: /E?NOTDIR|HOME_UNWRITABLE/ })
  const forbidden = Object.assign(new Error('no'), { code: 'EACCES' })
  t.equal(diskFailureIn(Object.assign(new Error('no'), { code: 'EACCES', path: '/x' }))?.message, 'no')
  t.equal(diskFailureIn(forbidden), undefined, 'a socket that may not be opened is no matter of the disk')
  t.equal(diskFailureIn('no error'), undefined)
})

const small = join(mkdtempSync(join(tmpdir(), 'x0t-small-')), 'disk')
mkdirSync(small)
const mounted =
  geteuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', small]).status === 0
t.teardown(() => {
  if (mounted) spawnSync('umount', ['--lazy', small])
  rmSync(join(small, '..'), { recursive: true, force: true })
})
const noMount = mounted ? false : 'mounting a small disk needs root'
if (noMount !== false && process.env['CI'] === 'true' && geteuid?.() === 0) t.fail(noMount)

await t.test(
  'a full disk is told as such, and the home is usable once there is room',
  { skip: noMount },
  async (t) => {
    const home = join(small, 'home')
    const filler = join(small, 'filler')
    const make = (): ReturnType<typeof initNode> => initNode({ home, meshName: 'm', name: 'n', log })
    let refused = 0
    for (let freeKiB = 0; freeKiB <= 200; freeKiB += 16) {
      rmSync(home, { recursive: true, force: true })
      writeFileSync(filler, new Uint8Array((512 - 8 - freeKiB) * 1024))
      try {
        await make()
      } catch (error) {
        refused++
        t.match(error, { code: 'HOME_UNWRITABLE', hint: /free space/ }, `with ${freeKiB} KiB left`)
      }
      rmSync(filler)
      t.match(await make(), { nodeId: String }, `and then made, after ${freeKiB} KiB`)
    }
    t.ok(refused > 3 && refused < 13, 'some were refused and some not')
  },
)
