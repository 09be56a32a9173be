import type { Connection, Libp2p } from '@libp2p/interface'
import { silentLog, systemClock, type NodeId } from '@x0t/core'
import { toMultiaddr, type Address } from '../src/address.ts'
import { createHost, silentLibp2pLogger } from '../src/host.ts'
import { defaultLimits } from '../src/index.ts'
import { controlProtocol } from '../src/neighbours.ts'
import { TlsTransport } from '../src/tls-transport.ts'
import type { TestMember } from './test-mesh.ts'

/** A member that speaks TLS and libp2p properly, and on the control stream whatever a test wants. */
export class RawPeer implements AsyncDisposable {
  readonly nodeId: NodeId
  readonly #host: Libp2p
  readonly connection: Connection

  constructor(member: TestMember, host: Libp2p, connection: Connection) {
    this.nodeId = member.nodeId
    this.#host = host
    this.connection = connection
  }

  static async dial(member: TestMember, address: Address): Promise<RawPeer> {
    const logger = silentLibp2pLogger()
    const transport = new TlsTransport({
      trust: member.trust,
      limits: defaultLimits,
      clock: systemClock,
      logger,
      refuse: ({ reason }) => silentLog.warn(reason),
      admit: () => undefined,
      checkDialled() {},
      onEnrol: (socket) => void socket.destroy(),
    })
    const host = await createHost({
      hostKey: member.hostKey,
      transport,
      logger,
      listen: [],
      mdns: { enabled: false, serviceTag: 'x0t' },
      maxConnections: 8,
      maxPending: 8,
      handshakeTimeoutMs: 5_000,
      onDiscovered() {},
    })
    await host.start()
    return new RawPeer(member, host, await host.dial(toMultiaddr(address)))
  }

  /** Opens the control stream and writes these bytes to it. */
  async write(...writes: Uint8Array[]): Promise<void> {
    const stream = await this.connection.newStream(controlProtocol)
    for (const bytes of writes) stream.send(bytes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.stop()
  }
}
