// Over 300 lines, and one piece: one short handler for each route of the local API.
import { overlayAddress, X0tError, type NodeId } from '@x0t/core'
import { nodeSpiffeId, type StoredToken } from '@x0t/identity'
import { formatAddress, parseAddress } from '@x0t/libp2p'
import {
  healthReport,
  type Ban,
  type Handlers,
  type MeshRoute,
  type NodeEvent,
  type Peer,
} from '@x0t/local-api'
import { advertisedAddresses } from './addresses.ts'
import { notTheAuthority, type AuthorityDesk } from './authority-desk.ts'
import type { RawValue } from './config/index.ts'
import { daoApi } from './dao/dao-api.ts'
import { udpAddress } from './udp-address.ts'
import { watchEvents } from './event-stream.ts'
import { fastPathView, kernelLinkView } from './fast-path-view.ts'
import { createHealingHandlers } from './healing/healing-api.ts'
import { hitlessness } from './hitless.ts'
import { healthOf } from './node-health.ts'
import { pathsView } from './paths-view.ts'
import { maxMembers } from './membership.ts'
import { resolveNode } from './node-reference.ts'
import { createRateMeter } from './rates.ts'
import { bootFeature } from './restart-watch.ts'
import type { Runtime } from './runtime.ts'

const defaultTokenTtlMs = 3_600_000
const unknownMtuBytes = 1232

/** What the daemon answers on each route of its API. */
export function createApiHandlers(runtime: Runtime): Handlers {
  const { self, keeper, mesh, links, sessions, dataPlane, bans, store, clock } = runtime
  const rate = createRateMeter(() => clock.monotonicMs())
  const trustDomain = (): string => keeper.bundle().trustDomain
  const meshName = (): string => trustDomain().replace(/\.x0t$/, '')
  const nameOf = (id: NodeId): string => runtime.members.member(id)?.name ?? ''
  const requireDesk = (): AuthorityDesk => {
    if (runtime.desk === undefined) throw notTheAuthority()
    return runtime.desk
  }
  const resolve = (reference: string): NodeId =>
    resolveNode(reference, [
      ...mesh.map().nodes.map(({ id, name }) => ({ id, name })),
      ...store.nodes.list().map(({ nodeId, name }) => ({ id: nodeId, name })),
      ...bans.list().map(({ nodeId }) => ({ id: nodeId, name: '' })),
    ])
  const requireMesh = (): void => {
    if (runtime.plane() === undefined) throw new X0tError('MESH_DOWN', 'the control plane is not up')
  }
  const banOf = (id: NodeId): Ban => {
    const found = bans.find(id)
    if (found === undefined)
      throw new X0tError('BANS_FULL', `this node keeps no more than ${maxMembers} bans`)
    const { reason, bannedAtMs } = found
    // Who is banned is no member any more; the authority remembers what it was called.
    const name = runtime.members.member(id)?.name ?? store.nodes.find(id)?.name ?? null
    return { id, name, reason, bannedAtMs }
  }

  const peers = (): Peer[] =>
    links.list().map((link) => {
      const traffic = dataPlane.traffic(link.nodeId)
      const flow = (direction: 'tx' | 'rx'): Peer['tx'] => {
        const bytes = rate(`${link.nodeId} ${direction} bytes`, traffic[`${direction}Bytes`])
        const packets = rate(`${link.nodeId} ${direction} packets`, traffic[`${direction}Datagrams`])
        return {
          bytes: bytes.total,
          packets: packets.total,
          bytesPerSecond: bytes.perSecond,
          packetsPerSecond: packets.perSecond,
        }
      }
      return {
        id: link.nodeId,
        name: nameOf(link.nodeId),
        address: overlayAddress(link.nodeId),
        endpoint: link.endpoint === undefined ? null : formatAddress(link.endpoint),
        carrier: link.carrier,
        isUp: link.isUp,
        rttMs: link.rttMs ?? null,
        jitterMs: link.jitterMs ?? null,
        lossRatio: link.lossRatio ?? null,
        lossToRatio: link.lossToRatio ?? null,
        probeIntervalMs: link.probeIntervalMs ?? null,
        deadlineMs: link.deadlineMs ?? null,
        downReason: link.downReason ?? null,
        kernel: kernelLinkView(dataPlane, link.nodeId),
        mtuBytes: link.datagramBytes ?? unknownMtuBytes,
        tx: flow('tx'),
        rx: flow('rx'),
        connectedSinceMs: link.connectedSinceMs,
        sessions: sessions
          .list()
          .filter(({ sa }) => sa.peer === link.nodeId)
          .map(({ sa, state }) => ({
            suite: sa.suite,
            ageMs: Math.max(0, clock.monotonicMs() - sa.createdAtMs),
            sending: state === 'sending',
          })),
      }
    })

  const routes = (): MeshRoute[] =>
    [...mesh.routes().values()].map((route) => ({
      destination: route.destination,
      name: nameOf(route.destination),
      address: overlayAddress(route.destination),
      nextHop: route.nextHop,
      alternate: route.alternate?.neighbour ?? null,
      alternatePlane: route.alternate?.plane ?? null,
      alternateKind: route.alternate?.kind ?? null,
      costUs: route.costUs,
      feasibleUs: route.feasibleUs,
      hops: route.hops,
      path: [...route.path],
      red: route.red === undefined ? null : [...route.red.path],
      blue: route.blue === undefined ? null : [...route.blue.path],
      pathDatagramBytes: route.pathDatagramBytes,
      suspect: runtime.suspicions.suspect(route.destination) ?? null,
      hitless: hitlessness(runtime.config.tunnel.hitless, route, nameOf(route.destination)),
    }))

  return {
    async status() {
      const plane = runtime.plane()
      const http = runtime.http()
      return {
        id: self,
        name: runtime.name,
        spiffeId: nodeSpiffeId(trustDomain(), self),
        address: overlayAddress(self),
        mesh: meshName(),
        version: runtime.version,
        pid: process.pid,
        uptimeMs: Math.max(0, clock.wallMs() - runtime.startedAtMs),
        tun:
          dataPlane.tunName === undefined
            ? { state: 'absent', reason: absenceOf(runtime) }
            : { state: 'up', name: dataPlane.tunName, mtuBytes: dataPlane.tunMtu },
        fastPath: fastPathView(dataPlane, runtime.config),
        listen: [
          ...(plane?.addresses ?? []).map((address) => ({
            transport: 'tcp' as const,
            address: formatAddress(address),
          })),
          {
            transport: 'udp',
            address: formatAddress({ host: udpAddress(runtime.config).host ?? '::', port: dataPlane.port }),
          },
          ...(http === undefined ? [] : [{ transport: 'http' as const, address: formatAddress(http) }]),
        ],
        svidNotAfterMs: keeper.dates().notAfterMs,
        role: runtime.desk === undefined ? 'member' : 'authority',
        peers: links.list().filter(({ isUp }) => isUp).length,
        sessions: new Set(sessions.list().map(({ sa }) => sa.peer)).size,
        healing:
          runtime.healing === undefined
            ? 'off'
            : runtime.healing.status().safeMode === undefined
              ? 'on'
              : 'safe_mode',
        openIncidents: runtime.healing?.status().open.length ?? 0,
        counters: { ...(await runtime.metrics.totals()), ...dataPlane.stats() },
        rssBytes: process.memoryUsage.rss(),
      }
    },
    config: () => ({
      settings: runtime.settings.list().map(({ key, value, origin, next }) => ({
        name: key,
        value: rawOf(value),
        source: origin.source,
        ...(origin.at === '' ? {} : { at: origin.at }),
        ...(next === undefined ? {} : { next: { value: rawOf(next.value), proposal: next.proposal } }),
      })),
    }),
    stop() {
      runtime.log.info('stop-asked')
      // The answer goes out first.
      clock.setTimer(50, () => runtime.stop())
      return { stopping: true }
    },
    logLevel({ level }) {
      runtime.log.setLevel?.(level)
      return { level }
    },
    events: (_request, { signal }) => watchEvents(runtime.events, signal) as AsyncIterable<NodeEvent>,
    metrics: () => runtime.metrics.text(),
    peers: () => ({ peers: peers() }),
    meshStatus() {
      requireMesh()
      return {
        id: self,
        mesh: meshName(),
        nodes: mesh.map().nodes.length,
        peers: links.list().filter(({ isUp }) => isUp).length,
        routes: mesh.routes().size,
        uptimeMs: Math.max(0, clock.wallMs() - runtime.startedAtMs),
      }
    },
    meshMap() {
      requireMesh()
      return {
        self,
        nodes: mesh.map().nodes.map(({ id, name, features, neighbours, ageMs }) => ({
          id,
          name,
          address: overlayAddress(id),
          features: features.filter((feature) => !feature.startsWith(bootFeature)),
          neighbours: neighbours.map((link) => ({ id: link.id, costUs: link.costUs })),
          ageMs,
        })),
      }
    },
    meshRoutes() {
      requireMesh()
      return { routes: routes() }
    },
    async trace({ to }) {
      requireMesh()
      const id = resolve(to)
      if (id === self) return { to: id, name: nameOf(id), reached: true, hops: [] }
      const { reached, hops } = await mesh.trace(id)
      return {
        to: id,
        name: nameOf(id),
        reached,
        hops: hops.map((hop) => ({ node: hop.id, name: nameOf(hop.id), rttUs: hop.rttUs })),
      }
    },
    paths({ to, count = 2, by = 'node' }) {
      requireMesh()
      const id = resolve(to)
      if (id === self)
        throw new X0tError('PATHS_TO_SELF', 'that is this node itself', {
          hint: 'x0t mesh map lists the members',
          exitCode: 2,
        })
      return pathsView({ graph: mesh.graph(), self, to: id, count, by, route: mesh.routes().get(id), nameOf })
    },
    invite({ ttlMs = defaultTokenTtlMs, name, addresses }) {
      const desk = requireDesk()
      const reachable =
        addresses?.map((address) => formatAddress(parseAddress(address))) ??
        advertisedAddresses(runtime.config.network.advertise, runtime.plane()?.addresses ?? [])
      if (reachable.length === 0)
        throw new X0tError('NO_ADDRESS', 'this node knows no address at which others reach it', {
          hint: 'x0t node invite --address HOST:PORT',
        })
      return desk.invite({ addresses: reachable, ttlMs, ...(name === undefined ? {} : { name }) })
    },
    tokens() {
      requireDesk()
      return { tokens: store.tokens.list().map((token) => tokenView(token, clock.wallMs())) }
    },
    revokeToken({ id }) {
      requireDesk()
      if (!store.tokens.revoke(id, clock.wallMs()))
        throw new X0tError('TOKEN_UNKNOWN', `no token ${id} could still be used`, {
          hint: 'x0t node tokens list',
        })
      return { id }
    },
    bans: () => ({ bans: bans.list().flatMap(({ nodeId, lifted }) => (lifted ? [] : [banOf(nodeId)])) }),
    ban({ node, reason = '' }) {
      const desk = requireDesk()
      const id = resolve(node)
      if (id === self)
        throw new X0tError('BAN_SELF', "the node with the mesh's authority cannot ban itself", {
          exitCode: 2,
        })
      if (!bans.isBanned(id)) runtime.members.addBan(desk.ban(id, reason).record)
      return banOf(id)
    },
    unban({ node }) {
      const desk = requireDesk()
      const id = resolve(node)
      runtime.members.addBan(desk.unban(id).record)
      return { id }
    },
    ...createHealingHandlers(runtime, { nameOf, resolve }),
    ...daoApi(() => runtime.dao()),
    health: () => healthReport(healthOf(runtime)),
    live: () => ({ status: 'alive' }),
    ready() {
      const waiting = runtime.plane() === undefined ? ['control plane'] : []
      return { status: waiting.length === 0 ? 'ready' : 'not_ready', waiting_for: waiting }
    },
  }
}

function rawOf(value: RawValue): string | number | boolean | string[] {
  return typeof value === 'object' ? value.map(String) : value
}

function absenceOf({ config, dataPlane }: Runtime): string {
  if (config.tunnel.enabled === false) return 'switched off by tunnel.enabled = false'
  const problem = dataPlane.tunProblem
  return problem === undefined
    ? 'unknown'
    : `${problem.message}${problem.hint === undefined ? '' : `; ${problem.hint}`}`
}

function tokenView(
  token: StoredToken,
  nowMs: number,
): {
  id: string
  name: string | null
  state: 'open' | 'used' | 'expired' | 'revoked'
  createdAtMs: number
  expiresAtMs: number
  usedBy: NodeId | null
} {
  const isOpen = token.expiresAtMs >= nowMs
  const ended =
    token.usedAtMs !== undefined ? 'used' : token.revokedAtMs !== undefined ? 'revoked' : undefined
  return {
    id: token.id,
    name: token.name ?? null,
    state: ended ?? (isOpen ? 'open' : 'expired'),
    createdAtMs: token.createdAtMs,
    expiresAtMs: token.expiresAtMs,
    usedBy: token.usedBy ?? null,
  }
}
