import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import t from 'tap'
import { silentLog } from '@x0t/core'
import { openDataPlane, type DataPlane, type DataPlaneEvent } from '../src/index.ts'
import { openLab, type Lab } from '../bench/lab.ts'
import { addressOf, hash, hopKeyOf, labelOf, linkIdOf, sessionOf } from './support/fake-mesh.ts'

const open = (name: string, extra: Partial<Parameters<typeof openDataPlane>[0]> = {}): Promise<DataPlane> =>
  openDataPlane({
    selfLabel: labelOf(name),
    selfAddress: addressOf(name),
    udp: { host: '127.0.0.1' },
    probe: { interval: 10, misses: 50 },
    log: silentLog,
    ...extra,
  })

const neighbour = (self: string, other: DataPlane | undefined, name: string, generation = '') => ({
  id: name,
  localLinkId: linkIdOf(name + generation, self),
  remoteLinkId: linkIdOf(self + generation, name),
  endpoint: other && { host: '127.0.0.1', port: other.port },
  sendKey: hopKeyOf(self + generation, name),
  receiveKey: hopKeyOf(name + generation, self),
  carrier: 'udp' as const,
})

/** The next event that fits. */
const next = (plane: DataPlane, fits: (event: DataPlaneEvent) => boolean): Promise<DataPlaneEvent> =>
  new Promise((resolve) => {
    const stop = plane.onEvent((event) => {
      if (!fits(event)) return
      stop()
      resolve(event)
    })
  })
const nextKind = (plane: DataPlane, kind: DataPlaneEvent['kind']): Promise<DataPlaneEvent> =>
  next(plane, (event) => event.kind === kind)

t.test('two data planes find each other, measure the link, renew its keys and part', async (t) => {
  await using a = await open('a')
  await using b = await open('b')
  t.equal(a.tunName, undefined)
  t.equal(a.tunProblem, undefined)
  const history: string[] = []
  a.onEvent((event) => void history.push(event.kind))
  const up = Promise.all([nextKind(a, 'neighbour-up'), nextKind(b, 'neighbour-up')])
  a.setNeighbour(neighbour('a', b, 'b'))
  // b learns the address of a from its probes.
  const learnt = nextKind(b, 'endpoint')
  b.setNeighbour(neighbour('b', undefined, 'a'))
  t.match(await learnt, { neighbour: 'a', endpoint: { host: '127.0.0.1', port: a.port } })
  t.match(await up, [{ neighbour: 'b' }, { neighbour: 'a' }])
  const metric = await next(a, (event) => event.kind === 'metric' && event.mtuBytes > 8000)
  t.match(metric, { neighbour: 'b', mtuBytes: 8952, carrier: 'udp', lossRatio: 0 })

  // New keys, first on one side: the old link serves until the new one lives.
  a.setNeighbour(neighbour('a', b, 'b', ' renewed'))
  const renewed = next(b, (event) => event.kind === 'endpoint')
  b.setNeighbour(neighbour('b', undefined, 'a', ' renewed'))
  await renewed
  // The same again changes nothing; a new endpoint keeps the link.
  a.setNeighbour(neighbour('a', undefined, 'b', ' renewed'))
  a.setNeighbour(neighbour('a', b, 'b', ' renewed'))
  await nextKind(a, 'metric')
  t.notOk(history.includes('neighbour-down'), 'nobody noticed')

  const down = nextKind(a, 'neighbour-down')
  b.removeNeighbour('a')
  await down
  t.ok(a.stats().datagramsReceived > 0)
})

t.test('under the tls carrier the owner carries the frames, and is told when UDP would do', async (t) => {
  await using a = await open('a')
  await using b = await open('b')
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.onEvent((event) => {
      if (event.kind === 'carrier-frames')
        to.injectCarrierFrames(event.neighbour === 'b' ? 'a' : 'b', event.bytes)
    })
  }
  const works = nextKind(a, 'udp-works')
  const up = nextKind(b, 'neighbour-up')
  a.setNeighbour({ ...neighbour('a', b, 'b'), carrier: 'tls' })
  b.setNeighbour({ ...neighbour('b', a, 'a'), carrier: 'tls' })
  await up
  t.match(await works, { neighbour: 'b' })
  let downs = 0
  a.onEvent((event) => void (downs += event.kind === 'neighbour-down' ? 1 : 0))
  a.setNeighbour(neighbour('a', b, 'b'))
  b.setNeighbour(neighbour('b', a, 'a'))
  t.match(
    await next(a, (event) => event.kind === 'metric' && event.carrier === 'udp' && event.mtuBytes > 8000),
    {
      neighbour: 'b',
    },
  )
  t.equal(downs, 0, 'a change of carrier does not interrupt the link')
  t.ok(a.traffic('b').txBytes > 1232 && a.traffic('b').rxDatagrams > 2)
})

t.test('wrong arguments and too many of anything are refused before a worker sees them', async (t) => {
  await using a = await open('a')
  const good = neighbour('a', undefined, 'b')
  t.throws(() => a.setNeighbour({ ...good, sendKey: hash('x') }), RangeError)
  t.throws(() => a.setNeighbour({ ...good, endpoint: { host: 'nowhere', port: 1 } }), TypeError)
  const route = {
    label: labelOf('b'),
    address: addressOf('b'),
    nextHop: 'b',
    feasibleUs: 1,
    pathDatagramBytes: 1472,
  }
  t.throws(() => a.setRoutes([{ ...route, label: hash('x') }]), RangeError)
  t.throws(() => a.setRoutes(Array.from({ length: 5000 }, () => route)), { code: 'DATA_PLANE_FULL' })
  a.setRoutes([route])
  const association = { ...sessionOf('a', 'b', 0), peer: { label: labelOf('b'), address: addressOf('b') } }
  t.throws(() => a.addSession({ ...association, sendSalt: hash('x') }), RangeError)
  a.addSession(association)
  a.useForSending(association.localSpi)
  a.removeSession(association.localSpi)
  for (let i = 0; i < 512; i++) a.setNeighbour({ ...good, id: `n${i}`, localLinkId: i })
  t.throws(() => a.setNeighbour({ ...good, id: 'one more', localLinkId: 600 }), { code: 'DATA_PLANE_FULL' })
  await t.rejects(open('b', { udp: { host: '127.0.0.1', port: a.port } }), { code: 'UDP_UNAVAILABLE' })
  await t.rejects(open('b', { udp: { host: '203.0.113.7' } }), { code: 'UDP_UNAVAILABLE' })
})

t.test('the example of the README runs', async (t) => {
  const readme = readFileSync(`${import.meta.dirname}/../README.md`, 'utf8')
  const [, example = ''] = /```ts\n([^]*?)```/.exec(readme) ?? []
  const output = execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', example],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  )
  t.match(output, /^\d+ 0\n$/)
})

/** Why namespaces cannot be used here, or undefined. */
function noNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun'
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' })
    execFileSync('ethtool', ['--version'], { stdio: 'ignore' })
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' })
  } catch {
    return 'needs ip, nft and ethtool'
  }
  return undefined
}
const missing = noNamespaces()
if (missing !== undefined && process.env.CI === 'true') t.fail(`network namespaces: ${missing}`)
const namespaces = missing === undefined ? {} : { skip: missing }

/** Sends `megabytes` over TCP from a to b; what b received, as SHA-256. */
async function transfer(lab: Lab, megabytes: number): Promise<string> {
  const serve = `
    const hash = require('node:crypto').createHash('sha256')
    require('node:net').createServer((socket) => {
      socket.on('data', (bytes) => hash.update(bytes))
      socket.on('end', () => { console.log(hash.digest('hex')); process.exit() })
    }).listen(9000, () => console.log('ready'))`
  const send = `
    const socket = require('node:net').connect(9000, ${JSON.stringify(lab.address('b'))}, () => {
      let left = ${megabytes}
      const more = () => (left-- > 0 ? socket.write(Buffer.alloc(1e6, left), more) : socket.end())
      more()
    })`
  const server = lab.start('b', process.execPath, '-e', serve)
  let text = ''
  server.stdout!.on('data', (chunk: Buffer) => void (text += chunk.toString()))
  await once(server.stdout!, 'data')
  lab.run('a', process.execPath, '-e', send)
  await once(server, 'exit')
  return text.split('\n')[1]!
}

const expected = (megabytes: number): string => {
  const parts = Array.from({ length: megabytes }, (_, i) => Buffer.alloc(1e6, megabytes - 1 - i))
  return hash(Buffer.concat(parts) as unknown as string).toString('hex')
}

/** Counters that node `host` wrote when it ended. */
const countersOf = (lab: Lab, host: string): Record<string, number> => {
  const line = lab
    .output()
    .split('\n')
    .findLast((text) => text.startsWith(`${host}: {"rssMb"`))!
  return JSON.parse(line.slice(host.length + 2)) as Record<string, number>
}

t.test(
  'two hosts ping each other and move a file through real TUN devices; forgeries do not',
  namespaces,
  async (t) => {
    const lab = await openLab({ relay: false, offloadsOff: false, lossRatio: 0, probeMs: 100 })
    try {
      t.match(lab.run('a', 'ping', '-6', '-c', '3', '-i', '0.05', lab.address('b')), '3 received')
      t.equal(await transfer(lab, 20), expected(20))
      const throwAt = `
      const socket = require('node:dgram').createSocket('udp4')
      const sizes = [1, 47, 48, 100, 1400]
      let left = 100
      const next = () => (left-- > 0 ? socket.send(require('node:crypto').randomBytes(sizes[left % 5]), 7700, '10.77.0.2', next) : socket.close())
      next()`
      lab.run('a', process.execPath, '-e', throwAt)
      t.match(lab.run('a', 'ping', '-6', '-c', '1', lab.address('b')), '1 received', 'still there')
    } finally {
      await lab[Symbol.asyncDispose]()
    }
    const { droppedTooShort, droppedUnknownLink = 0, droppedBadTag = 0 } = countersOf(lab, 'b')
    t.equal(droppedTooShort, 40)
    t.equal(droppedUnknownLink + droppedBadTag, 60)
  },
)

t.test('through a relay that loses one packet in a hundred the file arrives whole', namespaces, async (t) => {
  const lab = await openLab({
    relay: true,
    offloadsOff: true,
    lossRatio: 0.01,
    probeMs: 100,
    suite: 'chacha20-poly1305',
  })
  try {
    t.equal(await transfer(lab, 20), expected(20))
  } finally {
    await lab[Symbol.asyncDispose]()
  }
  const relay = countersOf(lab, 'r')
  t.ok(relay.datagramsForwarded! > 14_000)
  t.equal(relay.unitsOpened, undefined, 'the relay opened nothing')
  t.ok(countersOf(lab, 'b').unitsRepaired! > 0)
})

t.test('without CAP_NET_ADMIN the node relays and says what is missing', namespaces, async (t) => {
  const script = `
    import { openDataPlane } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
    import { silentLog } from '@x0t/core'
    const plane = await openDataPlane({ selfLabel: new Uint8Array(8), selfAddress: new Uint8Array(16), tun: { name: 'x0tnone' }, log: silentLog })
    console.log(plane.tunProblem?.code, plane.tunName, plane.port > 0)
    await plane[Symbol.asyncDispose]()`
  const run = (...prefix: string[]): string =>
    execFileSync(
      prefix[0]!,
      [
        ...prefix.slice(1),
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        '--input-type=module',
        '-e',
        script,
      ],
      { encoding: 'utf8', cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe'] },
    )
  t.equal(
    run('unshare', '--net', 'setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin').trim(),
    'TUN_FORBIDDEN undefined true',
  )
  // No process.exit, no disposal: an owner that just ends must not hang either.
  const started = performance.now()
  execFileSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      script
        .replace('await plane[Symbol.asyncDispose]()', 'process.exit(0)')
        .replace("tun: { name: 'x0tnone' }, ", ''),
    ],
    { cwd: import.meta.dirname },
  )
  t.ok(performance.now() - started < 20_000)
})
