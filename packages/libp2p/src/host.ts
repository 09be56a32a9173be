import type { KeyObject } from 'node:crypto'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { ComponentLogger, Libp2p, Logger, PeerInfo, PrivateKey } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { ping, type Ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { X0tError } from '@x0t/core'
import { createLibp2p } from 'libp2p'
import { toMultiaddr, type Address } from './address.ts'
import type { TlsTransport } from './tls-transport.ts'

/** mDNS in the local network. */
export interface MdnsOptions {
  readonly enabled: boolean
  /** Name that the nodes of one mesh share, letters, digits and hyphens, at most 60: from a hash of the trust domain. */
  readonly serviceTag: string
  /** Milliseconds between queries; 10 s where absent. */
  readonly intervalMs?: number
}

export interface HostOptions {
  readonly hostKey: KeyObject
  readonly transport: TlsTransport
  readonly logger: ComponentLogger
  readonly listen: readonly Address[]
  readonly mdns: MdnsOptions
  /** Bounds of our own are narrower; libp2p's must not come first. */
  readonly maxConnections: number
  readonly maxPending: number
  readonly handshakeTimeoutMs: number
  readonly onDiscovered: (peer: PeerInfo) => void
}

/** A libp2p node with our transport, yamux, identify and ping; not started. */
export function createHost(options: HostOptions): Promise<Libp2p<{ ping: Ping }>> {
  const { transport, maxConnections, maxPending } = options
  return createLibp2p({
    start: false,
    privateKey: libp2pKey(options.hostKey),
    // Without the version of this software and of Node.
    nodeInfo: { name: 'x0t', version: '1', userAgent: 'x0t' },
    addresses: { listen: options.listen.map((address) => toMultiaddr(address).toString()) },
    transports: [() => transport],
    // Keepalive frames of the control stream serve better than yamux's.
    streamMuxers: [
      yamux({ enableKeepAlive: false, maxInboundStreams: 32, maxOutboundStreams: 32, maxEarlyStreams: 4 }),
    ],
    peerDiscovery: options.mdns.enabled
      ? [
          (components) => {
            const discovery = mdns({
              serviceTag: `_${checkTag(options.mdns.serviceTag)}._udp.local`,
              interval: options.mdns.intervalMs ?? 10_000,
            })(components)
            // libp2p's own event comes only once for each peer.
            discovery.addEventListener('peer', (event) => options.onDiscovered(event.detail))
            return discovery
          },
        ]
      : [],
    services: { identify: identify(), ping: ping({ maxInboundStreams: 4, maxOutboundStreams: 4 }) },
    connectionManager: {
      maxConnections,
      maxIncomingPendingConnections: maxPending,
      // 5 a second for each address by default: the control port has a limit of its own.
      inboundConnectionThreshold: 1_000_000,
      dialTimeout: options.handshakeTimeoutMs,
      addressDialTimeout: options.handshakeTimeoutMs,
      inboundUpgradeTimeout: options.handshakeTimeoutMs,
    },
    connectionMonitor: { enabled: false },
    // The default refuses private addresses in browsers only; here nothing is refused at this place.
    connectionGater: { denyDialMultiaddr: () => false },
    logger: options.logger,
  })
}

function checkTag(tag: string): string {
  if (!/^[a-z0-9-]{1,60}$/.test(tag)) throw new RangeError(`not an mDNS service tag: ${tag}`)
  return tag
}

/** @throws X0tError CONTROL_HOST_KEY_INVALID */
function libp2pKey(key: KeyObject): PrivateKey {
  if (key.type !== 'private' || key.asymmetricKeyType !== 'ed25519')
    throw new X0tError(
      'CONTROL_HOST_KEY_INVALID',
      `the host key is ${key.type} ${key.asymmetricKeyType ?? ''}`,
    )
  const { d = '', x = '' } = key.export({ format: 'jwk' })
  return privateKeyFromRaw(Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]))
}

/** libp2p's log says nothing that users need and costs time to format. */
export function silentLibp2pLogger(): ComponentLogger {
  const quiet: Logger = Object.assign(() => {}, {
    error() {},
    trace() {},
    enabled: false,
    newScope: () => quiet,
  })
  return { forComponent: () => quiet }
}
