// Over 300 lines, and one piece: the order in which the parts of a node open, and how each reaches the others.
import { sign, verify, type KeyObject } from 'node:crypto'
import {
  labelOfNodeId,
  messageOf,
  overlayAddressBytes,
  perObject,
  shortNodeId,
  systemClock,
  systemRandom,
  X0tError,
  type Clock,
  type Log,
  type NodeId,
  type Random,
} from '@x0t/core'
import {
  createBanList,
  createMemberRecord,
  peerOfSocket,
  tlsProfile,
  verifyBanRecord,
  verifyMemberRecord,
  type MemberCredentials,
} from '@x0t/identity'
import { publicKeyFromRaw } from '@x0t/keys'
import { channels, startControlPlane, type ControlPlane } from '@x0t/libp2p'
import { checkSocket, createServer } from '@x0t/local-api'
import type { RouteTable } from '@x0t/mesh'
import { createSessionManager, type Suite } from '@x0t/session'
import { openDataPlane, type DataPlaneEvent } from '@x0t/tunnel'
import { advertisedAddresses, dialable, uniqueAddresses } from './addresses.ts'
import { createApiHandlers } from './api-handlers.ts'
import { createAuthorityAccess } from './authority-access.ts'
import { createAuthorityDesk, type AuthorityDesk } from './authority-desk.ts'
import { cutCarrierFrames } from './carrier-frames.ts'
import type { LoadedConfig, NodeConfig } from './config/index.ts'
import { currentMembership } from './current-membership.ts'
import { startDaoService, type DaoService } from './dao/dao-service.ts'
import { nodeTargets } from './dao/execution/node-targets.ts'
import { createRunningSettings } from './dao/execution/running-settings.ts'
import { lifetimeOf, liveSettings } from './dao/execution/live-settings.ts'
import { openDecisions } from './dao/execution/open-decisions.ts'
import { createEventLog } from './event-log.ts'
import { fastPathOf } from './fast-path-view.ts'
import { avoidedLossRatio } from './healing/avoidance.ts'
import { createHealing, type Healing } from './healing/healing.ts'
import { openHostProbes } from './healing/host-probes.ts'
import { loadPolicy, openHistory } from './healing/open-healing.ts'
import { watchingWrites } from './healing/write-watch.ts'
import { hitlessClasses, isHitless } from './hitless.ts'
import { homeAt } from './home.ts'
import { writingHome } from './home-failure.ts'
import { mdnsTagOf } from './mdns-tag.ts'
import { createMembership } from './membership.ts'
import { createMeshDriver } from './mesh-driver.ts'
import { createMetrics } from './metrics.ts'
import { createNeighbourLinks, sentLossRatio, type NeighbourLink } from './neighbour-links.ts'
import { describeNode, notMade, openExistingIdentity, type NodeIdentity } from './node-identity.ts'
import { registerFastPathGauges } from './fast-path-gauges.ts'
import { programMetrics, systemProgramMetrics } from './program-metrics.ts'
import { registerGauges } from './node-gauges.ts'
import { openNodeState } from './node-state.ts'
import { ownName } from './own-name.ts'
import { hasAesInstructions } from './processor.ts'
import { every } from './repeat.ts'
import { createPathSuspicions } from './path-suspicions.ts'
import { createPathWatch } from './path-watch.ts'
import { bootFeature, createRestartWatch } from './restart-watch.ts'
import { createRoutedChannel } from './routed-channel.ts'
import { routeTargets } from './route-targets.ts'
import { createSvidKeeper } from './svid-keeper.ts'
import { followTraffic } from './traffic-watch.ts'
import { udpAddress } from './udp-address.ts'

export interface StartOptions {
  readonly home: string
  readonly config: NodeConfig
  /** Settings with their origins, for `x0t config show` of a running node. */
  readonly settings?: LoadedConfig['entries']
  readonly log: Log & { level?(): string; setLevel?(level: 'debug' | 'info' | 'warn' | 'error'): void }
  /** Ends the start; a node that is up is ended by its disposal. */
  readonly signal?: AbortSignal
  readonly version?: string
  readonly clock?: Clock
  readonly random?: Random
}

/** A node that is up. */
export interface MeshNode extends AsyncDisposable, NodeIdentity {
  /** Settles when the node was told to stop through its API, or its data plane failed. */
  readonly done: Promise<void>
}

const housekeepingMs = 10_000
/** Addresses of earlier neighbours that are dialled at the start, beside the configured ones. */
const maxRemembered = 8

/**
 * Starts the node of a home: data plane, control plane, routing, sessions, local API. Everything is checked before the
 * network is touched; what was opened is closed again in reverse order, also when the start fails half-way.
 * @throws X0tError NODE_NOT_MADE, NODE_ALREADY_RUNNING, CONTROL_LISTEN_FAILED, UDP_UNAVAILABLE, HTTP_PORT_TAKEN,
 *   HOME_UNWRITABLE …
 */
export async function startNode(options: StartOptions): Promise<MeshNode> {
  const { config, clock = systemClock, random = systemRandom, version = 'unknown' } = options
  let onWriteFailed = (_reason: string): void => {}
  const log = watchingWrites(options.log, (reason) => onWriteFailed(reason))
  const startedAtMs = clock.wallMs()
  const home = homeAt(options.home)
  const metrics = createMetrics()
  const events = createEventLog(clock)
  const done = Promise.withResolvers<void>()
  done.promise.catch(() => {})
  await using stack = new AsyncDisposableStack()

  const policy = await loadPolicy(config)
  const decisions = await openDecisions(home, log)
  let { svidTtlMs } = config.identity

  // Identity: who we are, who may be here.
  const { identity, store } = await writingHome(home, () => openExistingIdentity(home))
  stack.use(store)
  // A second daemon on this home ends here, before it disturbs the first one.
  await checkSocket(config.api.socket)
  const authority = await store.readAuthority()
  const membership = currentMembership(store, { identity, authority, config, clock, random })
  if (membership === undefined) throw notMade(home)
  const self = identity.nodeId
  const name = ownName(self, { config, settings: options.settings, store })
  const bans = createBanList(membership.bundle, store.banStore)
  const isBanned = (id: NodeId): boolean => bans.isBanned(id)
  const state = stack.use(await writingHome(home, async () => openNodeState(home.stateFile, log)))
  const desk: AuthorityDesk | undefined =
    authority &&
    createAuthorityDesk({
      authority,
      bundle: () => keeper.bundle(),
      store,
      bans,
      svidTtlMs: () => svidTtlMs,
      clock,
      random,
      log,
      counters: metrics,
    })

  const authorityAccess = createAuthorityAccess({
    self,
    desk,
    nodes: () => mesh.map().nodes,
    isRoutable: (id) => mesh.routes().has(id),
    request: (to, request) => routed.request(to, request),
    addresses: () => [...config.network.bootstrap, ...state.addresses()],
    bundle: () => keeper.bundle(),
    isBanned,
    clock,
    log,
  })
  const keeper = stack.use(
    createSvidKeeper({
      identity,
      name,
      membership,
      store,
      askAuthority: (request) => authorityAccess.ask(request),
      onRenewed({ bans: told }) {
        for (const ban of told) members.addBan(ban.record)
        plane?.rotate()
        announceMember()
        plane?.retryNow()
        metrics.count('certificate_rotations_total')
        healing?.certificateRenewed()
        events.emit('svid-renewed', { notAfterMs: keeper.dates().notAfterMs })
      },
      onExpired: () => events.emit('svid-expired', { notAfterMs: keeper.dates().notAfterMs }),
      clock,
      random,
      log,
      counters: metrics,
    }),
  )
  // Data plane.
  const hitlessRules = config.tunnel.hitless
  const dataPlane = stack.use(
    await openDataPlane({
      selfLabel: labelOfNodeId(self),
      selfAddress: overlayAddressBytes(self),
      udp: { ...udpAddress(config) },
      ...(config.tunnel.enabled === false
        ? {}
        : { tun: { name: config.tunnel.interface, mtu: config.tunnel.mtu } }),
      hitlessDscp: hitlessClasses(hitlessRules),
      probe: { interval: config.probe.intervalMs, misses: config.probe.misses },
      ...fastPathOf(config),
      log,
    }),
  )
  const fastPath = dataPlane.fastPath()
  if (fastPath.path === 'userspace' && fastPath.problem !== undefined)
    events.emit('fast-path-unavailable', {
      code: fastPath.problem.code,
      reason: fastPath.problem.message,
    })
  if (dataPlane.tunProblem !== undefined) {
    if (config.tunnel.enabled === true) throw dataPlane.tunProblem
    events.emit('tun-absent', { reason: dataPlane.tunProblem.message })
  }

  // Who belongs.
  const judge = { nowMs: () => clock.wallMs(), isBanned }
  const members = createMembership({
    self,
    verifyMember: (record) =>
      verifyMemberRecord(record, keeper.bundle(), { nowMs: clock.wallMs(), isBanned }),
    verifyBan: (record) => verifyBanRecord(record, keeper.bundle()),
    isBanned,
    send: (to, message) => void plane?.send(to, channels.records, message),
    onMember(member) {
      memberKeys.delete(member.nodeId)
      plane?.extendPeer(member.nodeId, member.notAfterMs)
      mesh.handle({ type: 'member-known', id: member.nodeId })
    },
    onMemberGone(id, reason) {
      if (id === self) return
      memberKeys.delete(id)
      mesh.handle({ type: 'member-removed', id })
      sessions.drop(id)
      links.remove(id)
      healing?.memberGone(id)
      events.emit('member-gone', { peer: id, reason })
      plane?.recheck()
    },
    onBan(ban) {
      try {
        bans.merge(verifyBanRecord(ban.record, keeper.bundle()))
      } catch (error) {
        // It holds in this process all the same, and is heard again after a restart.
        log.error('ban-not-stored', { peer: ban.nodeId, reason: messageOf(error) })
      }
      events.emit(ban.lifted ? 'ban-lifted' : 'banned', { peer: ban.nodeId })
      if (ban.lifted) {
        if (ban.nodeId === self) announceMember()
        return
      }
      mesh.handle({ type: 'member-removed', id: ban.nodeId })
      sessions.drop(ban.nodeId)
      links.remove(ban.nodeId)
      plane?.recheck()
      if (ban.nodeId === self) log.error('this-node-is-banned')
    },
    log,
    counters: metrics,
  })
  const announceMember = (): void => {
    // A node that was banned still starts: it may hear that the ban was lifted.
    if (isBanned(self))
      return log.error('this-node-is-banned', { hint: 'only the operator of the mesh can lift it' })
    try {
      members.addMember(
        createMemberRecord(identity, { chainDer: keeper.credentials().chainDer, name, clock }),
      )
    } catch (error) {
      // As where the SVID has ended while the node was down: the one that the keeper fetches is told instead.
      if (!(error instanceof X0tError)) throw error
      log.warn('member-not-announced', { code: error.code, reason: error.message })
    }
  }
  const memberKeys = new Map<NodeId, KeyObject>()
  const keyOf = (id: NodeId): KeyObject | undefined => {
    const known = memberKeys.get(id)
    const member = members.member(id)
    if (known !== undefined || member === undefined) return known
    const key = publicKeyFromRaw('ed25519', member.ed25519PublicRaw)
    memberKeys.set(id, key)
    return key
  }

  // Routing.
  const routesToDataPlane = (table: RouteTable): void =>
    dataPlane.setRoutes(
      routeTargets(table, (id) => isHitless(hitlessRules, id, members.member(id)?.name ?? '')),
    )
  const features = [
    'relay',
    // A member that was restarted has no keys any more: its peers see by this that they must make new ones.
    `${bootFeature}${Buffer.from(random.bytes(6)).toString('hex')}`,
    ...(dataPlane.tunName === undefined ? [] : ['tun']),
    ...(authority === undefined ? [] : ['authority']),
  ]
  const restarts = createRestartWatch(self)
  const paths = createPathWatch()
  const mesh = stack.use(
    createMeshDriver({
      self,
      name,
      features,
      keptNeighbours: dataPlane.keptNeighbours,
      sign: (body) => sign(null, body, identity.ed25519.privateKey),
      verify(origin, body, signature) {
        const key = keyOf(origin)
        if (key === undefined) return 'unknown-origin'
        return verify(null, body, key, signature) ? 'ok' : 'bad'
      },
      state,
      clock,
      random,
      log,
      counters: metrics,
      send: (to, bytes) => void plane?.send(to, channels.mesh, bytes),
      deliver: (from, payload) => routed.receive(from, payload),
      onRoutes(table) {
        metrics.count('route_refresh_total')
        for (const id of paths.look(table)) sessions.reachable(id)
        routesToDataPlane(table)
        healing?.routesChanged()
      },
      onTopology() {
        for (const id of restarts.look(mesh.map().nodes)) sessions.restarted(id)
        // A name that a setting means may have come.
        if (hitlessRules.some(({ kind }) => kind === 'member')) routesToDataPlane(mesh.routes())
        plane?.addKnownAddresses(
          mesh
            .map()
            .nodes.flatMap(({ id, addresses }) =>
              id === self ? [] : [{ nodeId: id, addresses: dialable(addresses) }],
            ),
        )
      },
    }),
  )

  // Neighbours on the data plane.
  const routeOver = (id: NodeId): void => {
    if (healing?.avoidance.isQuarantined(id) !== true) mesh.handle({ type: 'neighbour-up', id })
  }
  const tellMetric = (link: NeighbourLink): void => {
    const { nodeId, rttMs, datagramBytes, carrier } = link
    const measured = sentLossRatio(link)
    if (rttMs === undefined || measured === undefined || datagramBytes === undefined) return
    const isAvoided = healing?.avoidance.isAvoided(nodeId) === true
    const lossRatio = isAvoided ? Math.max(measured, avoidedLossRatio) : measured
    mesh.handle({ type: 'neighbour-metric', id: nodeId, rttMs, lossRatio, datagramBytes, carrier })
  }
  const links = createNeighbourLinks({
    self,
    dataPlane,
    carrier: config.tunnel.carrier,
    fallbackMs: Math.max(
      2000,
      config.probe.intervalMs === 'auto' ? 0 : config.probe.intervalMs * config.probe.misses * 4,
    ),
    retryUdpMs: 60_000,
    sendOffer: (to, offer) => void plane?.send(to, channels.link, offer),
    onUp(link) {
      routeOver(link.nodeId)
      healing?.linkUp(link)
      members.neighbourUp(link.nodeId)
      plane?.revive(link.nodeId)
      events.emit('link-up', { peer: link.nodeId, carrier: link.carrier })
      log.info('link-up', { peer: link.nodeId, carrier: link.carrier })
    },
    onDown(link) {
      const before = mesh.routes()
      mesh.handle({ type: 'neighbour-down', id: link.nodeId })
      healing?.linkDown(link, before)
      events.emit('link-down', { peer: link.nodeId, carrier: link.carrier, reason: link.downReason })
      log.warn('link-down', { peer: link.nodeId, carrier: link.carrier, reason: link.downReason })
    },
    onMetric(link) {
      tellMetric(link)
      healing?.linkMetric(link)
    },
    clock,
    random,
    log,
    counters: metrics,
  })
  stack.defer(() => links.stop())

  // Sessions between any two members.
  const routed = createRoutedChannel({
    send: (to, payload) => mesh.handle({ type: 'send-routed', to, payload }),
    onSession: (from, message) => sessions.receive(from, message),
    onRequest: async (request) => (desk === undefined ? new Uint8Array() : desk.answer(request)),
    clock,
    random,
    log,
    counters: metrics,
  })
  const preferChaCha = !(await hasAesInstructions())
  const suites: readonly Suite[] = preferChaCha
    ? ['chacha20-poly1305', 'aes-256-gcm']
    : ['aes-256-gcm', 'chacha20-poly1305']
  const profileOf = perObject((credentials: MemberCredentials) =>
    tlsProfile(credentials, judge, { preferChaCha }),
  )
  const profile = (): ReturnType<typeof tlsProfile> => profileOf(keeper.credentials())
  /** Members with whom there are keys: the next ones are a renewal. */
  const keyed = new Set<NodeId>()
  const sessions = stack.use(
    createSessionManager({
      self,
      tls: {
        profile,
        verifyPeer: (socket) =>
          peerOfSocket(socket, keeper.bundle(), { nowMs: clock.wallMs(), isBanned }).nodeId,
      },
      send: (to, bytes) => routed.sendSession(to, bytes),
      clock,
      random,
      log,
      counters: metrics,
      suitePreference: suites,
      limits: lifetimeOf(config.session.renewSeconds),
      on: {
        ready(sa) {
          const peer = { label: labelOfNodeId(sa.peer), address: overlayAddressBytes(sa.peer) }
          dataPlane.addSession({ ...sa, peer })
          metrics.count('pqc_handshake_success_total')
        },
        sendWith(sa) {
          dataPlane.useForSending(sa.localSpi)
          if (keyed.has(sa.peer)) metrics.count('pqc_key_rotation_success_total')
          keyed.add(sa.peer)
          healing?.sessionMade(sa.peer)
          events.emit('session-keys', { peer: sa.peer, suite: sa.suite })
        },
        retired(sa) {
          dataPlane.removeSession(sa.localSpi)
          if (sessions.list().every((other) => other.sa.peer !== sa.peer)) keyed.delete(sa.peer)
        },
        failed(peer, code) {
          metrics.count('pqc_handshake_failure_total', { reason: code })
          if (keyed.has(peer)) metrics.count('pqc_key_rotation_failure_total')
          healing?.sessionFailed(peer, code)
          events.emit('session-failed', { peer, code })
        },
        finished: (_peer, { durationMs }) =>
          metrics.observe('pqc_handshake_latency_seconds', durationMs / 1000),
      },
    }),
  )

  // Healing: what watches all this, and mends it.
  const healing: Healing | undefined = config.healing.enabled
    ? stack.use(
        createHealing({
          policy,
          decisions: decisions.policy,
          knowledge: openHistory(home, config, log),
          mesh,
          links: () => links.list(),
          probes: stack.use(openHostProbes(home.directory)),
          certificate: () => keeper.dates(),
          sessions,
          renewSvid: () => keeper.renewNow(),
          renewLink: (id) => links.renew(id),
          dropLink: (id) => links.drop(id),
          retryDials() {
            plane?.retryNow()
            return plane !== undefined
          },
          onAvoidance(id) {
            const link = links.get(id)
            if (link === undefined) return
            if (healing?.avoidance.isQuarantined(id) === true)
              return mesh.handle({ type: 'neighbour-down', id })
            if (!link.isUp) return
            mesh.handle({ type: 'neighbour-up', id })
            tellMetric(link)
          },
          onSuspicion: (suspects) =>
            mesh.handle({ type: 'self-changed', features: [...features, ...suspects] }),
          nameOf: (id) => members.member(id)?.name ?? shortNodeId(id),
          metrics,
          events,
          clock,
          random,
          log,
        }),
      )
    : undefined
  onWriteFailed = (reason) => healing?.writeFailed(reason)

  stack.use(followTraffic({ dataPlane, sessions, labelOf: labelOfNodeId, clock }))
  const suspicions = createPathSuspicions({
    memberOfLabel: (label) => memberOfLabel(label),
    events,
    counters: metrics,
  })
  stack.defer(dataPlane.onEvent((event) => onDataPlaneEvent(event)))
  const onDataPlaneEvent = (event: DataPlaneEvent): void => {
    switch (event.kind) {
      case 'need-session': {
        const peer = memberOfLabel(event.label)
        if (peer !== undefined && !isBanned(peer)) sessions.ensure(peer)
        return
      }
      case 'rekey-due': {
        const due = sessions.list().find(({ sa }) => sa.localSpi === event.localSpi)
        if (due !== undefined) sessions.renew(due.sa.peer)
        return
      }
      case 'carrier-frames':
        for (const piece of cutCarrierFrames(event.bytes))
          plane?.send(event.neighbour as NodeId, channels.carrier, piece)
        return
      case 'failed':
        log.error('data-plane-failed', { reason: event.error.message })
        healing?.subsystemFailed('data plane', event.error.message)
        return done.reject(event.error)
      case 'session-used':
        return
      case 'path-suspect':
      case 'path-clear':
        suspicions.handle(event)
        healing?.pathEvent(event)
        return
      case 'stalled':
        healing?.stalled(event.forMs)
        return
      default:
        links.handle(event)
    }
  }
  const memberOfLabel = (label: Uint8Array): NodeId | undefined => {
    for (const id of mesh.routes().keys()) if (Buffer.compare(labelOfNodeId(id), label) === 0) return id
    return undefined
  }

  // What votes may change.
  const settings = createRunningSettings({
    entries: options.settings ?? [],
    live: liveSettings({
      log: options.log,
      sessions,
      svidTtl: { read: () => svidTtlMs, write: (ttlMs) => (svidTtlMs = ttlMs) },
      config,
    }),
  })

  // Local API, before anything reaches the neighbours: of two starts at once only one gets its socket.
  let plane: ControlPlane | undefined
  let dao: DaoService | undefined
  const runtime = {
    self,
    name,
    version,
    startedAtMs,
    config,
    settings,
    keeper,
    desk,
    store,
    bans,
    members,
    mesh,
    links,
    sessions,
    dataPlane,
    suspicions,
    healing,
    metrics,
    events,
    clock,
    random,
    log,
    plane: () => plane,
    http: () => server.http,
    dao: () => dao,
    stop: () => done.resolve(),
  }
  const http = config.http.listen
  const server = await createServer(createApiHandlers(runtime), {
    socketPath: config.api.socket,
    ...(http === 'off' ? {} : { http: { host: http.host, port: http.port } }),
    log,
    counters: metrics,
  })
  stack.use(server)
  registerGauges(runtime)
  registerFastPathGauges(runtime)
  metrics.addText(programMetrics(systemProgramMetrics(log)))

  // Control plane.
  const trust = {
    serverTls: () => profile().server,
    clientTls: () => profile().client,
    isBanned,
    verifyPeer(socket: Parameters<typeof peerOfSocket>[0]) {
      const peer = peerOfSocket(socket, keeper.bundle(), { nowMs: clock.wallMs(), isBanned })
      return {
        nodeId: peer.nodeId,
        notAfterMs: peer.notAfterMs,
        ed25519PublicKey: peer.publicKeys.ed25519PublicRaw,
      }
    },
  }
  plane = await startControlPlane({
    nodeId: self,
    hostKey: identity.ed25519.privateKey,
    trust,
    listen: config.network.listen,
    bootstrap: uniqueAddresses([...config.network.bootstrap, ...state.addresses().slice(0, maxRemembered)]),
    mdns: { enabled: config.network.mdns, serviceTag: mdnsTagOf(membership.bundle.trustDomain) },
    hello: () => Buffer.from(name),
    onEnrol: (request) => authorityAccess.pass(request),
    onNeighbourUp({ nodeId, address, port, direction, exporter }) {
      metrics.count('connections_total', { direction })
      if (direction === 'outbound') state.rememberAddresses([{ host: address, port }], clock.wallMs())
      members.neighbourUp(nodeId)
      links.controlUp(nodeId, address, exporter)
      const link = links.get(nodeId)
      if (link?.isUp === true) routeOver(nodeId)
      healing?.controlChanged(link)
      // Handshakes travel over control connections: what went to this one before is lost.
      for (const id of paths.through(nodeId)) sessions.reachable(id)
      events.emit('neighbour-up', { peer: nodeId, address })
      dao?.neighbourUp(nodeId)
      keeper.wake()
    },
    onNeighbourDown({ nodeId, reason, isReplaced }) {
      if (isReplaced) return
      members.neighbourDown(nodeId)
      links.controlDown(nodeId)
      healing?.controlChanged(links.get(nodeId))
      events.emit('neighbour-down', { peer: nodeId, reason })
    },
    onFrame(from, channel, payload) {
      if (channel === channels.mesh) mesh.handle({ type: 'message', from, bytes: payload })
      else if (channel === channels.records) members.receive(from, payload)
      else if (channel === channels.link) links.receiveOffer(from, payload)
      else if (channel === channels.carrier) dataPlane.injectCarrierFrames(from, payload)
    },
    limits: { maxNeighbours: config.network.maxNeighbours },
    clock,
    random,
    log,
    counters: {
      count(name, labels, by) {
        metrics.count(name, labels, by)
        // Those two are part of normal life.
        const isTrouble = !['duplicate', 'too-many'].includes(labels?.['reason'] ?? '')
        if (name === 'connections_refused_total' && isTrouble) healing?.connectionRefused()
      },
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  stack.use(plane)

  // The DAO, where the home has one.
  const controlPlane = plane
  dao = stack.use(
    startDaoService({
      self,
      identity,
      storeFile: home.daoFile,
      carrierFile: home.orbitFile,
      network: {
        neighbours: () => controlPlane.neighbours().map(({ nodeId }) => nodeId),
        open: (nodeId, protocol, more) => controlPlane.streams.open(nodeId, protocol, more),
        answer: (protocol, onStream, more) => controlPlane.streams.answer(protocol, onStream, more),
      },
      targets: nodeTargets({
        self,
        home,
        healing,
        settings,
        bans,
        desk,
        members,
        mesh,
        links,
        sessions,
      }),
      emit: (event, fields) => events.emit(event, fields),
      metrics,
      clock,
      log,
    }),
  )

  // Everything is there: begin.
  for (const ban of bans.list()) members.addBan(ban.record)
  announceMember()
  const describeSelf = (): void =>
    mesh.handle({
      type: 'self-changed',
      addresses: advertisedAddresses(config.network.advertise, plane?.addresses ?? []),
    })
  describeSelf()
  keeper.start()
  const stopHousekeeping = every(clock, housekeepingMs, () => {
    members.expire(clock.wallMs())
    plane?.recheck()
    describeSelf()
  })
  stack.defer(stopHousekeeping)

  const resources = stack.move()
  log.info('node-up', { nodeId: self, udpPort: dataPlane.port, tun: dataPlane.tunName ?? 'none' })
  return {
    ...describeNode(self, membership.bundle.trustDomain),
    done: done.promise,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
