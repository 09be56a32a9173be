// Over 300 lines, and one piece: the state of the link to each neighbour, and every event that changes it.
import { hkdfSync } from 'node:crypto'
import { messageOf, type Clock, type Counters, type Log, type NodeId, type Random } from '@x0t/core'
import type { Carrier, DataPlane, DataPlaneEvent, DownReason, Endpoint } from '@x0t/tunnel'
import { decodeLinkOffer, encodeLinkOffer, type LinkOffer } from './link-offer.ts'

/** A neighbour on the data plane, as it is now. */
export interface NeighbourLink {
  readonly nodeId: NodeId
  readonly address: string
  readonly connectedSinceMs: number
  /** Undefined while the control connection is broken; the link may live on without. */
  readonly isControlUp: boolean
  /** Probes get through. */
  readonly isUp: boolean
  readonly carrier: Carrier
  readonly endpoint: Endpoint | undefined
  readonly rttMs: number | undefined
  readonly jitterMs: number | undefined
  /** Share of datagrams lost on the way to us. */
  readonly lossRatio: number | undefined
  /** Share lost on the way to the neighbour, as it says. */
  readonly lossToRatio: number | undefined
  /** Interval of the probes, and silence after which the link is down. */
  readonly probeIntervalMs: number | undefined
  readonly deadlineMs: number | undefined
  /** Why it was down last. */
  readonly downReason: DownReason | undefined
  readonly datagramBytes: number | undefined
  /** Names the keys over which probes were last answered; undefined between new keys and the first answer. */
  readonly provenKeys: string | undefined
}

export interface NeighbourLinksOptions {
  readonly self: NodeId
  readonly dataPlane: Pick<DataPlane, 'port' | 'setNeighbour' | 'removeNeighbour'> &
    Partial<Pick<DataPlane, 'takenLinkIds'>>
  /** `auto` begins with UDP. */
  readonly carrier: Carrier | 'auto'
  /** After how long without probes getting through another carrier is tried. */
  readonly fallbackMs: number
  /** After how long on `tls` UDP is tried again; doubles with each failure, up to 32 times. */
  readonly retryUdpMs: number
  readonly sendOffer: (to: NodeId, offer: Uint8Array) => void
  readonly onUp: (link: NeighbourLink) => void
  readonly onDown: (link: NeighbourLink) => void
  readonly onMetric: (link: NeighbourLink) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly counters: Counters
}

/** Joins control connections and data-plane links: agrees ids, keys and carrier with each neighbour. */
export interface NeighbourLinks {
  controlUp(id: NodeId, address: string, exporter: (label: string, length: number) => Uint8Array): void
  controlDown(id: NodeId): void
  receiveOffer(from: NodeId, bytes: Uint8Array): void
  /** Takes a neighbour out at once, with its keys: it was banned, or has left. */
  remove(id: NodeId): void
  /** Offers the neighbour new keys and ids for the link; false without a control connection to it. */
  renew(id: NodeId): boolean
  /** Drops the data link alone, as a broken cable would, until {@link renew}; false if there is none that lives. */
  drop(id: NodeId): boolean
  handle(event: DataPlaneEvent): void
  get(id: NodeId): NeighbourLink | undefined
  list(): readonly NeighbourLink[]
  stop(): void
}

type LinkState = { -readonly [Field in keyof NeighbourLink]: NeighbourLink[Field] }

interface Entry extends LinkState {
  secret: Uint8Array
  connection: string
  own: LinkOffer
  peer: LinkOffer | undefined
  installedGeneration: number
  /** How many times more the neighbour may replace the link, and when that was counted. */
  allowance: { readonly left: number; readonly atMs: number }
  /** The carrier over which probes were answered since the link was last installed. */
  provenCarrier: Carrier | undefined
  udpFailures: number
  /** Not before this time UDP is tried again although it seems to work: it may do so in one direction only. */
  mayTryUdpAtMs: number
  cancelTimer: () => void
  cancelForget: () => void
}

/** Exporter label of the secret that both ends of a control connection share (RFC 8446 §7.5). */
export const hopExporterLabel = 'EXPORTER-x0t-hop-v1'
const forgetMs = 60_000
const releaseMs = 15_000
/** A neighbour may replace its link so often at once, and once a second in the long run: ids and keys are finite. */
const maxReplacements = 16

/** Loss of what we send over a link; what is lost towards us stands in until the neighbour tells. */
export function sentLossRatio({
  lossRatio,
  lossToRatio,
}: Pick<NeighbourLink, 'lossRatio' | 'lossToRatio'>): number | undefined {
  return lossToRatio ?? lossRatio
}

/** No wait after the first failure of UDP, then 5 s, 10 s, up to 160 s. */
function backoffMs(failuresBefore: number): number {
  return failuresBefore === 0 ? 0 : 5000 * 2 ** Math.min(failuresBefore - 1, 5)
}

export function createNeighbourLinks(options: NeighbourLinksOptions): NeighbourLinks {
  const { self, dataPlane, clock, log, counters } = options
  const entries = new Map<NodeId, Entry>()
  const usedIds = new Set<number>(dataPlane.takenLinkIds)
  for (const id of dataPlane.takenLinkIds ?? []) clock.setTimer(releaseMs, () => usedIds.delete(id))

  const newLinkId = (): number => {
    for (;;) {
      const [high, low] = options.random.bytes(2) as unknown as [number, number]
      const id = (high << 8) | low
      if (usedIds.has(id)) continue
      usedIds.add(id)
      return id
    }
  }

  /** The id of a link that is replaced stays taken for a while: its last datagrams may still be on the way. */
  const release = ({ generation, linkId }: LinkOffer): void => {
    if (generation >= 0) clock.setTimer(releaseMs, () => usedIds.delete(linkId))
  }

  const mayReplace = (entry: Entry): boolean => {
    const atMs = clock.monotonicMs()
    const left = Math.min(maxReplacements, entry.allowance.left + (atMs - entry.allowance.atMs) / 1000)
    entry.allowance = { left: left < 1 ? left : left - 1, atMs }
    return left >= 1
  }

  const offer = (entry: Entry, generation: number, carrier: Carrier): void => {
    release(entry.own)
    entry.own = {
      generation,
      linkId: newLinkId(),
      udpPort: dataPlane.port,
      carrier,
      connection: entry.connection,
    }
    options.sendOffer(entry.nodeId, encodeLinkOffer(entry.own))
    install(entry)
  }

  const install = (entry: Entry): void => {
    const { own, peer, nodeId, secret } = entry
    if (peer === undefined || peer.generation !== own.generation) return
    if (entry.installedGeneration === own.generation) return
    entry.installedGeneration = own.generation
    entry.provenCarrier = undefined
    entry.provenKeys = undefined
    const carrier = own.carrier === 'tls' || peer.carrier === 'tls' ? 'tls' : 'udp'
    if (carrier === 'tls' && (entry.carrier === 'udp' || own.carrier === 'udp'))
      entry.mayTryUdpAtMs = clock.monotonicMs() + backoffMs(entry.udpFailures++)
    entry.carrier = carrier
    const [first, second] = hopKeys(secret, own.generation)
    const isLower = self < nodeId
    entry.endpoint = peer.udpPort === 0 ? undefined : { host: entry.address, port: peer.udpPort }
    dataPlane.setNeighbour({
      id: nodeId,
      localLinkId: own.linkId,
      remoteLinkId: peer.linkId,
      endpoint: entry.endpoint,
      sendKey: isLower ? first : second,
      receiveKey: isLower ? second : first,
      carrier: entry.carrier,
    })
    watch(entry)
  }

  /** Changes the carrier if the link does not come up, and back to UDP in the course of time. */
  const watch = (entry: Entry): void => {
    entry.cancelTimer()
    if (options.carrier !== 'auto' || !entry.isControlUp) return
    const generation = entry.own.generation
    const onUdp = entry.carrier === 'udp'
    const waitMs = onUdp ? options.fallbackMs : options.retryUdpMs * 2 ** Math.min(entry.udpFailures, 5)
    entry.cancelTimer = clock.setTimer(waitMs, () => {
      if (entry.own.generation !== generation || !entry.isControlUp) return
      if (!onUdp) return offer(entry, generation + 1, 'udp')
      // The link before may keep the neighbour up; only an answer over UDP itself proves it.
      if (entry.isUp && entry.provenCarrier === 'udp') {
        entry.udpFailures = 0
        return
      }
      counters.count('carrier_fallbacks_total')
      log.info('carrier-fallback', { peer: entry.nodeId, carrier: 'tls', reason: 'UDP does not get through' })
      offer(entry, generation + 1, 'tls')
    })
  }

  const removeEntry = (entry: Entry): void => {
    entry.cancelTimer()
    entry.cancelForget()
    entries.delete(entry.nodeId)
    release(entry.own)
    entry.secret.fill(0)
    dataPlane.removeNeighbour(entry.nodeId)
    if (!entry.isUp) return
    entry.isUp = false
    entry.downReason = undefined
    options.onDown(entry)
  }

  /** Without a control connection a link lives as long as its probes get through, and a while longer. */
  const forgetLater = (entry: Entry): void => {
    entry.cancelForget()
    entry.cancelForget = clock.setTimer(forgetMs, () => {
      if (!entry.isUp && !entry.isControlUp) removeEntry(entry)
    })
  }

  return {
    controlUp(id, address, exporter) {
      const before = entries.get(id)
      before?.cancelTimer()
      before?.cancelForget()
      if (before !== undefined) release(before.own)
      before?.secret.fill(0)
      const secret = exporter(hopExporterLabel, 32)
      const entry: Entry = {
        nodeId: id,
        address,
        connectedSinceMs: clock.wallMs(),
        isControlUp: true,
        isUp: before?.isUp ?? false,
        carrier: before?.carrier ?? 'udp',
        endpoint: before?.endpoint,
        rttMs: before?.rttMs,
        jitterMs: before?.jitterMs,
        lossRatio: before?.lossRatio,
        lossToRatio: before?.lossToRatio,
        probeIntervalMs: before?.probeIntervalMs,
        deadlineMs: before?.deadlineMs,
        downReason: before?.downReason,
        datagramBytes: before?.datagramBytes,
        provenKeys: undefined,
        secret,
        connection: connectionTag(secret),
        own: { generation: -1, linkId: 0, udpPort: 0, carrier: 'udp', connection: '' },
        peer: undefined,
        installedGeneration: -1,
        allowance: { left: maxReplacements, atMs: clock.monotonicMs() },
        provenCarrier: undefined,
        udpFailures: 0,
        mayTryUdpAtMs: 0,
        cancelTimer() {},
        cancelForget() {},
      }
      entries.set(id, entry)
      offer(entry, 0, options.carrier === 'tls' ? 'tls' : 'udp')
    },
    controlDown(id) {
      const entry = entries.get(id)
      if (entry === undefined) return
      entry.isControlUp = false
      entry.cancelTimer()
      if (entry.carrier === 'tls') return removeEntry(entry)
      forgetLater(entry)
    },
    receiveOffer(from, bytes) {
      const entry = entries.get(from)
      if (entry === undefined || !entry.isControlUp) return
      let peer: LinkOffer
      try {
        peer = decodeLinkOffer(bytes)
      } catch (error) {
        counters.count('link_offers_refused_total')
        log.warn('link-offer-refused', { from, reason: messageOf(error) })
        return
      }
      if (peer.connection !== entry.connection) return
      const isReplacement = peer.generation > entry.own.generation
      if (isReplacement && !mayReplace(entry)) {
        counters.count('link_offers_refused_total')
        log.warn('link-offer-refused', { from, reason: 'the link is replaced too often' })
        return
      }
      const isNews = entry.peer?.linkId !== peer.linkId
      entry.peer = peer
      if (isReplacement) offer(entry, peer.generation, options.carrier === 'tls' ? 'tls' : peer.carrier)
      else install(entry)
      // While two connections were open the neighbour may have missed our offer on the one that stayed.
      if (isNews && !isReplacement) options.sendOffer(from, encodeLinkOffer(entry.own))
    },
    remove(id) {
      const entry = entries.get(id)
      if (entry !== undefined) removeEntry(entry)
    },
    renew(id) {
      const entry = entries.get(id)
      if (entry === undefined || !entry.isControlUp) return false
      offer(entry, entry.own.generation + 1, entry.carrier)
      return true
    },
    drop(id) {
      const entry = entries.get(id)
      if (entry === undefined || !entry.isUp || !entry.isControlUp) return false
      entry.cancelTimer()
      dataPlane.removeNeighbour(id)
      entry.isUp = false
      entry.rttMs = undefined
      entry.downReason = undefined
      options.onDown(entry)
      return true
    },
    handle(event) {
      if (!('neighbour' in event) || event.kind === 'carrier-frames') return
      const entry = entries.get(event.neighbour as NodeId)
      if (entry === undefined) return
      switch (event.kind) {
        case 'neighbour-up':
          if (entry.isUp) return
          entry.isUp = true
          options.onUp(entry)
          return
        case 'neighbour-down':
          if (!entry.isUp) return
          entry.isUp = false
          entry.rttMs = undefined
          entry.jitterMs = undefined
          entry.lossToRatio = undefined
          entry.downReason = event.reason
          options.onDown(entry)
          if (entry.isControlUp) watch(entry)
          else forgetLater(entry)
          return
        case 'udp-works':
          if (options.carrier !== 'auto' || entry.carrier !== 'tls' || !entry.isControlUp) return
          if (clock.monotonicMs() < entry.mayTryUdpAtMs) return
          log.info('carrier-return', { peer: entry.nodeId, carrier: 'udp' })
          offer(entry, entry.own.generation + 1, 'udp')
          return
        case 'endpoint':
          entry.endpoint = event.endpoint
          return
        case 'metric':
          entry.rttMs = event.rttMs
          entry.provenCarrier = event.carrier
          entry.provenKeys = `${entry.connection} ${entry.installedGeneration}`
          entry.jitterMs = event.jitterMs
          entry.lossRatio = event.lossRatio
          entry.lossToRatio = event.lossToRatio
          entry.probeIntervalMs = event.intervalMs
          entry.deadlineMs = event.deadlineMs
          entry.datagramBytes = event.mtuBytes
          entry.endpoint = event.endpoint ?? entry.endpoint
          if (entry.isUp) options.onMetric(entry)
      }
    },
    get: (id) => entries.get(id),
    list: () => [...entries.values()],
    stop() {
      for (const entry of entries.values()) {
        entry.cancelTimer()
        entry.cancelForget()
        entry.secret.fill(0)
      }
      entries.clear()
    },
  }
}

function connectionTag(secret: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', secret, new Uint8Array(), 'x0t-hop-v1/connection', 8)).toString('hex')
}

/** Keys of one generation: what the node of the lower id sends with, and the other. */
function hopKeys(secret: Uint8Array, generation: number): readonly [Uint8Array, Uint8Array] {
  const keys = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), `x0t-hop-v1/${generation}`, 32))
  return [keys.subarray(0, 16), keys.subarray(16)]
}
