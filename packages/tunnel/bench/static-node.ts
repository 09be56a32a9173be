// One end or relay of the benchmark's mesh with static keys derived from names. Not for anything else.
// node static-node.ts '{"self":"a","neighbours":[{"name":"b","host":"10.1.0.2"}],"routes":[{"name":"b","via":"b"}]}'
import { createHash } from 'node:crypto'
import { openDataPlane, type RouteTarget } from '../src/index.ts'

interface Config {
  readonly self: string
  readonly port: number
  readonly tun: boolean
  readonly neighbours: readonly { readonly name: string; readonly host: string; readonly port: number }[]
  readonly routes: readonly ({ readonly name: string; readonly via: string } & Pick<
    RouteTarget,
    'alternate' | 'red' | 'blue' | 'hitless'
  >)[]
  readonly datagramBytes: number
  readonly suite: 'aes-256-gcm' | 'chacha20-poly1305'
  readonly probeMs?: number
  readonly fastPath?: { readonly pinRoot: string; readonly interval: number | 'auto' }
  /** Makes other keys and link ids, as a restart does. */
  readonly generation?: string
}

const config = JSON.parse(process.argv[2]!) as Config
const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
const labelOf = (name: string): Uint8Array => hash(name).subarray(0, 8)
const addressOf = (name: string): Uint8Array =>
  Buffer.concat([Buffer.from([0xfd, 0x78]), hash(name).subarray(0, 14)])
let { generation = '' } = config
const linkId = (from: string, to: string): number => hash(`link ${from} ${to}${generation}`).readUInt16BE(0)
const spi = (from: string, to: string): number => hash(`spi ${from} ${to}`).readUInt32BE(0)
const log = (event: string, fields?: unknown): void => console.error(event, JSON.stringify(fields))

const plane = await openDataPlane({
  selfLabel: labelOf(config.self),
  selfAddress: addressOf(config.self),
  udp: { port: config.port },
  tun: config.tun ? {} : undefined,
  probe: { interval: config.probeMs ?? 'auto' },
  ...(config.fastPath === undefined ? {} : { fastPath: { mode: 'on', labelOf, ...config.fastPath } }),
  log: { debug: log, info: log, warn: log, error: log },
})
plane.onEvent((event) => {
  if (event.kind !== 'metric') log(event.kind, event)
  else if (process.env.METRICS) log('metric', event)
})
const setNeighbours = (): void => {
  for (const { name, host, port } of config.neighbours)
    plane.setNeighbour({
      id: name,
      localLinkId: linkId(name, config.self),
      remoteLinkId: linkId(config.self, name),
      sendKey: hash(`hop ${config.self} ${name}${generation}`).subarray(0, 16),
      receiveKey: hash(`hop ${name} ${config.self}${generation}`).subarray(0, 16),
      endpoint: { host, port },
      carrier: 'udp',
    })
}
setNeighbours()
plane.setRoutes(
  config.routes.map(({ name, via, ...more }) => ({
    label: labelOf(name),
    address: addressOf(name),
    nextHop: via,
    feasibleUs: via === name ? 1 : 2,
    ...more,
    pathDatagramBytes: config.datagramBytes,
  })),
)
if (config.tun) {
  for (const { name } of config.routes) {
    const [send, receive] = [hash(`esp ${config.self} ${name}`), hash(`esp ${name} ${config.self}`)]
    plane.addSession({
      peer: { label: labelOf(name), address: addressOf(name) },
      suite: config.suite,
      localSpi: spi(name, config.self),
      remoteSpi: spi(config.self, name),
      sendKey: send,
      sendSalt: hash(`salt ${config.self} ${name}`).subarray(0, 4),
      receiveKey: receive,
      receiveSalt: hash(`salt ${name} ${config.self}`).subarray(0, 4),
    })
    plane.useForSending(spi(name, config.self))
  }
}
const keepAlive = setInterval(() => {}, 1 << 30)
const stop = (): void => {
  const { rss } = process.memoryUsage()
  const { user, system } = process.resourceUsage() && process.cpuUsage()
  console.error(
    JSON.stringify({
      rssMb: Math.round(rss / 1e6),
      cpuS: (user + system) / 1e6,
      ...Object.fromEntries(Object.entries(plane.stats()).filter(([, n]) => n > 0)),
    }),
  )
  clearInterval(keepAlive)
  void plane[Symbol.asyncDispose]()
}
process.once('SIGTERM', stop)
process.on('SIGUSR2', () => {
  const kernelLinks = config.neighbours.map(({ name }) => plane.kernelLink(name))
  const kernelCounters = plane.kernelCounters()
  console.error(
    JSON.stringify({ stats: plane.stats(), fastPath: plane.fastPath(), kernelLinks, kernelCounters }),
  )
})
// A neighbour was restarted: keys of the next generation.
process.on('SIGUSR1', () => {
  generation += '+'
  setNeighbours()
})
