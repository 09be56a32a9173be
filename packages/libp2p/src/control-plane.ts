import type { Connection, Stream } from '@libp2p/interface'
import { silentCounters, silentLog, systemClock, systemRandom, X0tError, type Clock } from '@x0t/core'
import { fromMultiaddr } from './address.ts'
import type { CloseReason } from './close-reason.ts'
import type { ControlLink } from './control-link.ts'
import type { ControlPlane, ControlPlaneOptions, NeighbourUp } from './control-plane-contract.ts'
import { Dialler } from './dialler.ts'
import { DialPlan } from './dial-plan.ts'
import { enrolServer } from './enrol-server.ts'
import { createHost, silentLibp2pLogger } from './host.ts'
import { defaultLimits, type ControlPlaneLimits } from './limits.ts'
import { neighbourStreams } from './neighbour-streams.ts'
import { controlProtocol, Neighbours } from './neighbours.ts'
import { refusalReporter } from './refusal.ts'
import { TlsTransport, type SecuredPeer } from './tls-transport.ts'
import type { Trust } from './trust.ts'
import { verifyIdentity } from './verify-member.ts'

/**
 * Opens the control port, finds neighbours and keeps a control stream to each.
 * libp2p leaves a timer of one second behind after disposal, which keeps a process alive that much longer.
 * @throws X0tError CONTROL_LISTEN_FAILED, CONTROL_HOST_KEY_INVALID
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { nodeId: own, trust, signal } = options
  const clock = options.clock ?? systemClock
  const log = options.log ?? silentLog
  const counters = options.counters ?? silentCounters
  const limits: ControlPlaneLimits = { ...defaultLimits, ...options.limits }
  const refuse = refusalReporter(log, counters)
  signal?.throwIfAborted()

  const plan = new DialPlan({ own, random: options.random ?? systemRandom, ...limits })
  const neighbours = new Neighbours({
    own,
    limits,
    clock,
    log,
    counters,
    refuse,
    hello: options.hello,
    isConfigured: (nodeId) => plan.isConfigured(nodeId),
    events: {
      onUp(link, hello) {
        counters.count('neighbours_up_total', { direction: link.secured.direction })
        log.info('neighbour-up', {
          nodeId: link.nodeId,
          ...link.secured.remote,
          direction: link.secured.direction,
        })
        options.onNeighbourUp({ nodeId: link.nodeId, ...endpoint(link), hello, exporter: exporterOf(link) })
        dialler.wake()
      },
      onDown(link, reason, by, isReplaced) {
        counters.count('neighbours_down_total', { reason })
        log.info('neighbour-down', { nodeId: link.nodeId, reason, by, isReplaced })
        options.onNeighbourDown({ nodeId: link.nodeId, reason, by, isReplaced })
      },
      onFrame: (link, { channel, payload }) => options.onFrame(link.nodeId, channel, payload),
      onLost(nodeId, upForMs, reason) {
        plan.lost(nodeId, clock.monotonicMs(), upForMs, reason)
        dialler.wake()
      },
    },
  })
  const dialler = new Dialler({
    own,
    plan,
    clock,
    log,
    counters,
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    view: {
      isConnected: ({ nodeId, peerId }) =>
        neighbours.isConnected((peer) => peer.peer.nodeId === nodeId || peer.peerId.toString() === peerId),
      get connections() {
        return neighbours.count
      },
    },
  })
  const logger = silentLibp2pLogger()
  const transport = new TlsTransport({
    trust,
    limits,
    clock,
    logger,
    refuse,
    admit: (peer) => neighbours.admit(peer.nodeId),
    checkDialled: (peer, address) => dialler.checkDialled(peer, address),
    onEnrol: enrolServer({ onEnrol: options.onEnrol, limits, clock, log, counters, refuse }),
  })
  const mdns = options.mdns ?? { enabled: false, serviceTag: 'x0t' }
  const host = await createHost({
    hostKey: options.hostKey,
    transport,
    logger,
    listen: options.listen,
    mdns,
    maxConnections: (limits.maxNeighbours + limits.maxGuests) * 4,
    maxPending: limits.halfOpen,
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    onDiscovered(peer) {
      const addresses = peer.multiaddrs.map(fromMultiaddr).filter((address) => address !== undefined)
      plan.addDiscovered(peer.id.toString(), addresses)
      dialler.wake()
    },
  })

  host.addEventListener('connection:open', ({ detail: connection }: CustomEvent<Connection>) => {
    const secured = transport.securedBelow(connection)
    if (secured === undefined) return connection.abort(new Error('not a connection of this transport'))
    if (secured.direction === 'outbound') void neighbours.opened(connection, secured)
    else neighbours.accepted(connection, secured)
  })
  await host.handle(
    controlProtocol,
    (stream: Stream, connection: Connection) => {
      const secured = transport.securedBelow(connection)
      if (secured === undefined) return stream.abort(new Error('not a connection of this transport'))
      neighbours.streamOpened(stream, connection, secured)
    },
    { maxInboundStreams: 1, maxOutboundStreams: 1 },
  )

  await using stack = new AsyncDisposableStack()
  stack.defer(() => host.stop())
  try {
    await host.start()
  } catch (error) {
    throw transport.listenError ?? error
  }
  stack.defer(() => {
    dialler.stop()
    return neighbours.closeAll('shutting-down')
  })
  for (const address of options.bootstrap ?? []) plan.addConfigured(address)
  dialler.start(host)
  stack.defer(repeat(clock, limits.deadPeerMs / 4, (stalledMs) => neighbours.check(stalledMs)))

  const resources = stack.move()
  let disposal: Promise<void> | undefined
  const plane: ControlPlane = {
    addresses: transport.addresses,
    peerId: host.peerId.toString(),
    send: (nodeId, channel, payload) => neighbours.get(nodeId)?.send(channel, payload) ?? false,
    neighbours: () =>
      neighbours.active().map((link) => ({
        nodeId: link.nodeId,
        ...endpoint(link),
        upForMs: clock.monotonicMs() - (link.upMs ?? link.openedMs),
        svidNotAfterMs: link.notAfterMs,
        isConfigured: plan.isConfigured(link.nodeId),
        isGuest: neighbours.isGuest(link.nodeId),
        queuedBytes: link.queuedBytes,
        receivedBytes: link.receivedBytes,
      })),
    addKnownAddresses(nodes) {
      for (const { nodeId, addresses } of nodes) plan.addKnown(nodeId, addresses)
      dialler.wake()
    },
    disconnect: (nodeId, reason = 'left') => neighbours.closeNode(nodeId, reason),
    recheck() {
      neighbours.recheck((secured, notAfterMs) => recheckPeer(secured, notAfterMs, trust, clock))
    },
    rotate: () => transport.rotate(),
    extendPeer(nodeId, notAfterMs) {
      for (const link of neighbours.all())
        if (link.nodeId === nodeId) link.notAfterMs = Math.max(link.notAfterMs, notAfterMs)
    },
    retryNow() {
      plan.retryNow()
      dialler.wake()
    },
    revive(nodeId) {
      const silentSinceMs = neighbours.get(nodeId)?.heardMs
      if (silentSinceMs === undefined) return dialler.retryNow(nodeId)
      if (clock.monotonicMs() - silentSinceMs < limits.reviveSilentMs) return
      // What waits in the kernel, as after this process stood still, is read first.
      clock.setTimer(limits.reviveGraceMs, () => {
        if (neighbours.get(nodeId)?.heardMs !== silentSinceMs) return
        neighbours.closeNode(nodeId, 'dead')
        dialler.retryNow(nodeId)
      })
    },
    async ping(nodeId, { signal }) {
      const link = neighbours.get(nodeId)
      if (link === undefined) throw new X0tError('CONTROL_NOT_CONNECTED', `${nodeId} is not a neighbour`)
      return host.services.ping.ping(link.secured.peerId, { signal })
    },
    streams: neighbourStreams({
      host,
      linkTo: (nodeId) => neighbours.get(nodeId),
      securedBelow: (connection) => transport.securedBelow(connection),
    }),
    // Whoever disposes while it is under way waits for the same end.
    [Symbol.asyncDispose]: () => (disposal ??= resources.disposeAsync()),
  }
  const dispose = (): void => void plane[Symbol.asyncDispose]()
  signal?.addEventListener('abort', dispose, { once: true })
  resources.defer(() => signal?.removeEventListener('abort', dispose))
  return plane
}

function endpoint(link: ControlLink): { address: string; port: number; direction: 'inbound' | 'outbound' } {
  return {
    address: link.secured.remote.host,
    port: link.secured.remote.port,
    direction: link.secured.direction,
  }
}

function exporterOf(link: ControlLink): NeighbourUp['exporter'] {
  return (label, length) => new Uint8Array(link.socket.exportKeyingMaterial(length, label, Buffer.alloc(0)))
}

/** Why a live connection may not stay. An SVID that has run out is no reason while a renewed one was shown in band. */
function recheckPeer(
  { socket, peer }: SecuredPeer,
  notAfterMs: number,
  trust: Trust,
  clock: Clock,
): CloseReason | undefined {
  if (trust.isBanned(peer.nodeId)) return 'banned'
  const verdict = verifyIdentity(socket, trust)
  if (verdict.kind === 'member') return undefined
  return verdict.reason === 'expired' && notAfterMs > clock.wallMs() ? undefined : verdict.reason
}

/** Runs `run` every `everyMs`, telling how much later than that it was called. */
function repeat(clock: Clock, everyMs: number, run: (stalledMs: number) => void): () => void {
  let lastMs = clock.monotonicMs()
  const tick = (): void => {
    const nowMs = clock.monotonicMs()
    const lateMs = nowMs - lastMs - everyMs
    lastMs = nowMs
    cancel = clock.setTimer(everyMs, tick)
    run(lateMs > everyMs ? lateMs : 0)
  }
  let cancel = clock.setTimer(everyMs, tick)
  return () => cancel()
}
