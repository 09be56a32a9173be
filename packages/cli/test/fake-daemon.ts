import { silentCounters, silentLog, X0tError, type NodeId } from '@x0t/core'
import { createServer, routes, type Handlers, type NodeEvent, type Peer, type Status } from '@x0t/local-api'

export const nodeA = `${'a'.repeat(51)}a` as NodeId
export const nodeB = `${'b'.repeat(51)}a` as NodeId
export const nodeC = `${'c'.repeat(51)}q` as NodeId

export const sampleStatus: Status = {
  id: nodeA,
  name: 'alpha',
  spiffeId: `spiffe://home.x0t/node/${nodeA}`,
  address: 'fd78::1',
  mesh: 'home',
  version: '0.1.0',
  pid: process.pid,
  uptimeMs: 3_725_000,
  tun: { state: 'up', name: 'x0t0', mtuBytes: 1360 },
  listen: [{ transport: 'tcp', address: '0.0.0.0:7800' }],
  svidNotAfterMs: Date.now() + 1_800_000,
  role: 'authority',
  peers: 1,
  sessions: 1,
  counters: {},
  rssBytes: 104_857_600,
}

export const samplePeer: Peer = {
  id: nodeB,
  name: 'beta',
  address: 'fd78::2',
  endpoint: '192.0.2.7:7800',
  carrier: 'udp',
  rttMs: 0.42,
  jitterMs: 0.03,
  lossRatio: 0.005,
  lossToRatio: 0.1,
  probeIntervalMs: 10,
  deadlineMs: 30.12,
  downReason: 'silent',
  mtuBytes: 1500,
  tx: { bytes: 10, packets: 1, bytesPerSecond: 125_000, packetsPerSecond: 100 },
  rx: { bytes: 10, packets: 1, bytesPerSecond: 12_500, packetsPerSecond: 10 },
  connectedSinceMs: Date.now() - 65_000,
  sessions: [],
}

export const sampleRoute = {
  destination: nodeC,
  name: 'gamma',
  address: 'fd78::3',
  nextHop: nodeB,
  alternate: null,
  alternatePlane: null,
  alternateKind: null,
  red: null,
  blue: null,
  feasibleUs: 1234,
  costUs: 1234,
  hops: 2,
  path: [nodeB, nodeC],
  pathDatagramBytes: 1400,
  suspect: null,
  hitless: { isAsked: false, sharedNodes: null },
}

export const sampleEvents: readonly NodeEvent[] = [
  {
    atMs: Date.parse('2026-01-01T10:00:00Z'),
    level: 'info',
    event: 'neighbour-up',
    fields: { peer: 'beta' },
  },
  { atMs: Date.parse('2026-01-01T10:00:01Z'), level: 'debug', event: 'probe', fields: {} },
]

/** A server of the real local API with made-up answers behind it. */
export async function fakeDaemon(socketPath: string, handlers: Partial<Handlers>): Promise<AsyncDisposable> {
  const all = Object.fromEntries(
    Object.keys(routes).map((name) => [
      name,
      handlers[name as keyof Handlers] ??
        (() => {
          throw new X0tError('NOT_IN_THIS_TEST', `${name} was not expected`)
        }),
    ]),
  ) as unknown as Handlers
  return createServer(all, { socketPath, log: silentLog, counters: silentCounters })
}
