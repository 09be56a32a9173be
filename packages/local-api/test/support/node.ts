import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeIdFromBytes, overlayAddress, silentCounters, silentLog, type Log } from '@x0t/core'
import {
  createServer,
  openClient,
  type Client,
  type Handlers,
  type HttpListener,
  type LocalServer,
} from '../../src/index.ts'

export const self = nodeIdFromBytes(new Uint8Array(32).fill(1))
export const other = nodeIdFromBytes(new Uint8Array(32).fill(2))

const traffic = { bytes: 1, packets: 1, bytesPerSecond: 0.5, packetsPerSecond: 0 }

const sampleIncident = {
  id: 'abc',
  entity: `node:${other}`,
  about: 'beta',
  diagnosis: 'link-dead',
  confidence: 0.9,
  because: 'probes got no answer',
  openedAtMs: 1_700_000_000_000,
  lastGoodAgoMs: 30,
  evidence: [],
  timeline: [{ phase: 'detected', afterMs: 0, text: 'no probe gets through' }],
  attempts: [],
  mitigation: null,
  outcome: 'open',
  recoveredAfterMs: null,
  closedAfterMs: null,
  isDrill: false,
  explanation: ['About beta: the link to a neighbour is dead.'],
}
const sampleHealStatus = {
  enabled: true,
  state: 'IDLE',
  safeMode: null,
  entities: [],
  open: [],
  actionsInMinute: 0,
  actionsPerMinute: 10,
  failuresInRow: 0,
  breakerOpenForMs: null,
  avoided: [],
  incidents: 0,
}

/** Handlers with the answers of a small mesh of two. */
export const answers: Handlers = {
  status: () => ({
    id: self,
    name: 'alpha',
    spiffeId: `spiffe://home.x0t/node/${self}`,
    address: overlayAddress(self),
    mesh: 'home',
    version: '0.1.0',
    pid: 4711,
    uptimeMs: 1234.5,
    tun: { state: 'absent', reason: 'no permission to open /dev/net/tun' },
    listen: [{ transport: 'tcp', address: '0.0.0.0:7000' }],
    svidNotAfterMs: 1_800_000_000_000,
    role: 'authority',
    peers: 1,
    sessions: 0,
    counters: { session_handshakes_total: 3 },
    rssBytes: 90_000_000,
  }),
  config: () => ({ settings: [{ name: 'listen.port', value: 7000, source: 'default' }] }),
  stop: () => ({ stopping: true }),
  logLevel: ({ level }) => ({ level }),
  async *events() {
    yield { atMs: 1, level: 'info', event: 'peer-connected', fields: { peer: other } }
    yield { atMs: 2, level: 'warn', event: 'peer-lost', fields: {} }
  },
  daoStatus: () => ({ dao: null, problem: null }),
  daoSync: () => ({ dao: null, problem: null }),
  daoExecute: ({ proposal }) => ({ proposal, actions: [] }),
  metrics: () => '# TYPE x0t_peers gauge\nx0t_peers 1\n',
  peers: () => ({
    peers: [
      {
        id: other,
        name: 'beta',
        address: overlayAddress(other),
        endpoint: '192.0.2.7:7000',
        carrier: 'udp',
        rttMs: 3.2,
        jitterMs: 0.05,
        lossRatio: null,
        lossToRatio: null,
        probeIntervalMs: 10,
        deadlineMs: 30,
        downReason: null,
        mtuBytes: 1452,
        tx: traffic,
        rx: traffic,
        connectedSinceMs: 1_700_000_000_000,
        sessions: [{ suite: 'aes-256-gcm', ageMs: 100, sending: true }],
      },
    ],
  }),
  meshStatus: () => ({ id: self, mesh: 'home', nodes: 2, peers: 1, routes: 1, uptimeMs: 1000 }),
  meshMap: () => ({
    self,
    nodes: [
      {
        id: self,
        name: 'alpha',
        address: overlayAddress(self),
        features: [],
        neighbours: [{ id: other, costUs: 3200 }],
        ageMs: 5,
      },
    ],
  }),
  meshRoutes: () => ({
    routes: [
      {
        destination: other,
        name: 'beta',
        address: overlayAddress(other),
        nextHop: other,
        alternate: null,
        alternatePlane: null,
        alternateKind: null,
        red: null,
        blue: null,
        feasibleUs: 3200,
        costUs: 3200,
        hops: 1,
        path: [other],
        pathDatagramBytes: 1452,
        suspect: null,
        hitless: { isAsked: false, sharedNodes: null },
      },
    ],
  }),
  trace: ({ to }) => ({
    to: other,
    name: to,
    reached: true,
    hops: [{ node: other, name: 'beta', rttUs: 3200 }],
  }),
  paths: ({ to, count = 2, by = 'node' }) => ({
    to: other,
    name: to,
    asked: count,
    by,
    paths: [{ path: [other], costUs: 3200, hops: 1, uses: ['shortest', 'red'] }],
    cut: { nodes: [], links: [{ from: self, to: other }] },
    others: [],
    names: { [other]: 'beta', [self]: 'alpha' },
  }),
  invite: ({ name }) => ({ id: 't1', token: `x0t-join-${name ?? 'any'}`, expiresAtMs: 1_700_000_000_000 }),
  tokens: () => ({
    tokens: [{ id: 't1', name: null, state: 'open', createdAtMs: 1, expiresAtMs: 2, usedBy: null }],
  }),
  revokeToken: ({ id }) => ({ id }),
  bans: () => ({ bans: [] }),
  ban: ({ reason }) => ({ id: other, name: 'beta', reason: reason ?? '', bannedAtMs: 5 }),
  unban: () => ({ id: other }),
  healStatus: () => sampleHealStatus,
  healHistory: () => ({ incidents: [] }),
  healIncident: ({ id }) => ({ ...sampleIncident, id }),
  healPolicy: () => ({ numbers: [], plans: [] }),
  setHealPolicy: () => ({ numbers: [], plans: [] }),
  safeMode: () => sampleHealStatus,
  drill: ({ forMs }) => ({ id: other, name: 'beta', forMs, startedAtMs: 1_700_000_000_000 }),
  health: () => ({
    status: 'ok',
    version: '0.1.0',
    components: { mesh: true },
    component_stats: { active: 1, total: 1, percentage: 100 },
    dependencies: { node: process.version },
    critical_issues: [],
    warnings: [],
  }),
  live: () => ({ status: 'alive' }),
  ready: () => ({ status: 'ready', waiting_for: [] }),
}

export interface TestDaemon extends AsyncDisposable {
  readonly directory: string
  readonly socketPath: string
  readonly server: LocalServer
  readonly client: Client
}

export async function startDaemon(
  handlers: Partial<Handlers> = {},
  options: { http?: HttpListener; handlerTimeoutMs?: number; log?: Log } = {},
): Promise<TestDaemon> {
  const directory = await mkdtemp(join(tmpdir(), 'x0t-api-'))
  const socketPath = join(directory, 'x0t.sock')
  const server = await createServer(
    { ...answers, ...handlers },
    { socketPath, log: silentLog, counters: silentCounters, ...options },
  )
  return {
    directory,
    socketPath,
    server,
    client: openClient({ socketPath }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
