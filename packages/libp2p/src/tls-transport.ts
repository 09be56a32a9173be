import type { TLSSocket } from 'node:tls'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import {
  transportSymbol,
  TypedEventEmitter,
  type ComponentLogger,
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener,
  type ListenerEvents,
  type Logger,
  type MessageStreamDirection,
  type PeerId,
  type Transport,
  type Upgrader,
} from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { getThinWaistAddresses } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { X0tError } from '@x0t/core'
import { formatAddress, fromMultiaddr, isOverlayIp, toMultiaddr, type Address } from './address.ts'
import { openControlPort, type ControlPort, type ControlPortOptions } from './control-port.ts'
import { dialMember, DialError } from './dial-member.ts'
import { TlsConnection } from './tls-connection.ts'
import type { VerifiedPeer } from './trust.ts'

/** A verified connection below libp2p. */
export interface SecuredPeer {
  readonly socket: TLSSocket
  readonly peer: VerifiedPeer
  /** libp2p's name of the peer. */
  readonly peerId: PeerId
  readonly direction: MessageStreamDirection
  readonly remote: Address
}

export interface TlsTransportOptions extends Omit<ControlPortOptions, 'address' | 'onMember'> {
  readonly logger: ComponentLogger
  /** Called for a dial's peer before libp2p gets the connection; a {@link DialError} refuses it. */
  readonly checkDialled: (peer: VerifiedPeer, address: Address) => void
}

/**
 * libp2p transport over TLS 1.3 with post-quantum SVIDs at both ends. The PeerId is that of the Ed25519 key in the
 * verified SVID; libp2p's own encryption is skipped and yamux taken without negotiation, as ALPN `x0t/1` says both.
 */
export class TlsTransport implements Transport {
  readonly [transportSymbol] = true as const
  readonly [Symbol.toStringTag] = '@x0t/libp2p/tls'
  readonly #options: TlsTransportOptions
  readonly #log: Logger
  readonly #secured = new WeakMap<Multiaddr, SecuredPeer>()
  readonly #ports = new Set<ControlPort>()
  /** Why the last listener did not open; libp2p hides it in a text. */
  listenError: X0tError | undefined

  constructor(options: TlsTransportOptions) {
    this.#options = options
    this.#log = options.logger.forComponent('x0t:tls')
  }

  /** The TLS connection below a connection of libp2p: its remote address is the very object made here. */
  securedBelow(connection: Connection): SecuredPeer | undefined {
    return this.#secured.get(connection.remoteAddr)
  }

  /** Bound addresses. */
  get addresses(): Address[] {
    return [...this.#ports].map((port) => port.address)
  }

  rotate(): void {
    for (const port of this.#ports) port.rotate()
  }

  dialFilter = (addresses: Multiaddr[]): Multiaddr[] =>
    addresses.filter((address) => {
      const plain = fromMultiaddr(address)
      return plain !== undefined && !isOverlayIp(plain.host)
    })

  listenFilter = (addresses: Multiaddr[]): Multiaddr[] =>
    addresses.filter((address) => fromMultiaddr(address) !== undefined)

  async dial(multiaddr: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const address = fromMultiaddr(multiaddr)
    if (address === undefined)
      throw new TypeError(`not an address of this transport: ${multiaddr.toString()}`)
    const { socket, peer, remote } = await this.#dialVerified(address, options.signal)
    const maConn = this.#wrap(securedPeer(socket, peer, remote, 'outbound'))
    try {
      return await options.upgrader.upgradeOutbound(maConn, {
        signal: options.signal,
        skipEncryption: true,
        skipProtection: true,
        remotePeer: peerIdOf(peer),
        muxerFactory: onlyMuxer(options.upgrader),
      })
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  createListener({ upgrader }: CreateListenerOptions): Listener {
    return new TlsListener({
      open: (address) =>
        openControlPort({
          ...this.#options,
          address,
          onMember: (socket, peer, remote) =>
            void this.#accept(upgrader, securedPeer(socket, peer, remote, 'inbound')),
        }),
      opened: (port) => void this.#ports.add(port),
      closed: (port) => void this.#ports.delete(port),
      failed: (error) => (this.listenError = error),
    })
  }

  async #dialVerified(address: Address, signal: AbortSignal): ReturnType<typeof dialMember> {
    try {
      const dialled = await dialMember(address, this.#options.trust, signal)
      try {
        this.#options.checkDialled(dialled.peer, address)
      } catch (error) {
        dialled.socket.destroy()
        throw error
      }
      return dialled
    } catch (error) {
      // A node that dials itself is no news to anyone.
      if (
        error instanceof DialError &&
        error.by === 'us' &&
        error.reason !== 'self' &&
        error.reason !== 'unreachable'
      ) {
        this.#options.refuse({
          reason: error.reason,
          direction: 'outbound',
          address: formatAddress(address),
          detail: error.message,
        })
      }
      throw error
    }
  }

  async #accept(upgrader: Upgrader, secured: SecuredPeer): Promise<void> {
    const maConn = this.#wrap(secured)
    const closed = new AbortController()
    secured.socket.once('close', () => closed.abort())
    try {
      await upgrader.upgradeInbound(maConn, {
        signal: closed.signal,
        skipEncryption: true,
        skipProtection: true,
        remotePeer: secured.peerId,
        muxerFactory: onlyMuxer(upgrader),
      })
    } catch (error) {
      this.#log.error('inbound upgrade failed: %e', error)
      secured.socket.destroy()
    }
  }

  #wrap(secured: SecuredPeer): TlsConnection {
    const remoteAddr = toMultiaddr(secured.remote).encapsulate(`/p2p/${secured.peerId.toString()}`)
    this.#secured.set(remoteAddr, secured)
    return new TlsConnection(secured.socket, { remoteAddr, direction: secured.direction, log: this.#log })
  }
}

function peerIdOf(peer: VerifiedPeer): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(peer.ed25519PublicKey))
}

function securedPeer(
  socket: TLSSocket,
  peer: VerifiedPeer,
  remote: Address,
  direction: MessageStreamDirection,
): SecuredPeer {
  return { socket, peer, peerId: peerIdOf(peer), remote, direction }
}

function onlyMuxer(
  upgrader: Upgrader,
): NonNullable<ReturnType<ReturnType<Upgrader['getStreamMuxers']>['get']>> {
  const [muxer] = upgrader.getStreamMuxers().values()
  if (muxer === undefined) throw new TypeError('libp2p was made without a stream muxer')
  return muxer
}

interface ListenerHooks {
  readonly open: (address: Address) => Promise<ControlPort>
  readonly opened: (port: ControlPort) => void
  readonly closed: (port: ControlPort) => void
  readonly failed: (error: X0tError) => void
}

class TlsListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #hooks: ListenerHooks
  #port: ControlPort | undefined

  constructor(hooks: ListenerHooks) {
    super()
    this.#hooks = hooks
  }

  async listen(multiaddr: Multiaddr): Promise<void> {
    const address = fromMultiaddr(multiaddr)
    if (address === undefined)
      throw new TypeError(`not an address of this transport: ${multiaddr.toString()}`)
    try {
      this.#port = await this.#hooks.open(address)
    } catch (error) {
      if (error instanceof X0tError) this.#hooks.failed(error)
      throw error
    }
    this.#hooks.opened(this.#port)
    this.safeDispatchEvent('listening')
  }

  /** Wildcards as the addresses of this host, without those inside the overlay. */
  getAddrs(): Multiaddr[] {
    if (this.#port === undefined) return []
    const { port } = this.#port.address
    // The expansion keeps IP and port only.
    const hosts = getThinWaistAddresses(toMultiaddr(this.#port.address)).map(
      (ma) => ma.getComponents()[0]?.value,
    )
    return hosts
      .filter((host) => host !== undefined)
      .filter((host) => !isOverlayIp(host))
      .map((host) => toMultiaddr({ host, port }))
  }

  async close(): Promise<void> {
    if (this.#port === undefined) return
    this.#hooks.closed(this.#port)
    await this.#port.close()
    this.#port = undefined
    this.safeDispatchEvent('close')
  }

  /** Certificate hashes and the like: this transport announces its addresses as they are. */
  updateAnnounceAddrs(): void {}
}
