import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { X0tError, type NodeId } from '@x0t/core'
import type { NeighbourStreams } from './control-plane-contract.ts'
import type { ControlLink } from './control-link.ts'
import type { SecuredPeer } from './tls-transport.ts'

export interface NeighbourStreamsOptions {
  readonly host: Libp2p
  /** The link in use to a node. */
  readonly linkTo: (nodeId: NodeId) => ControlLink | undefined
  readonly securedBelow: (connection: Connection) => SecuredPeer | undefined
}

/** Streams beside the control stream; never a connection of their own. */
export function neighbourStreams({ host, linkTo, securedBelow }: NeighbourStreamsOptions): NeighbourStreams {
  return {
    async open(nodeId, protocol, { signal }) {
      const link = linkTo(nodeId)
      const connection =
        link && host.getConnections().find((candidate) => securedBelow(candidate) === link.secured)
      if (connection === undefined)
        throw new X0tError('CONTROL_NOT_CONNECTED', `${nodeId} is not a neighbour`)
      try {
        return await connection.newStream(protocol, { signal })
      } catch (error) {
        if (!isUnsupported(error)) throw error
        throw new X0tError('CONTROL_PROTOCOL_UNKNOWN', `${nodeId} does not speak ${protocol}`, {
          cause: error,
        })
      }
    },
    async answer(protocol, onStream, { perNeighbour }) {
      await host.handle(
        protocol,
        (stream: Stream, connection: Connection) => {
          const secured = securedBelow(connection)
          if (secured === undefined) return stream.abort(new Error('not a connection of this transport'))
          onStream(secured.peer.nodeId, stream)
        },
        { maxInboundStreams: perNeighbour, maxOutboundStreams: perNeighbour },
      )
      return { [Symbol.asyncDispose]: () => host.unhandle(protocol) }
    },
  }
}

// Errors of libp2p have names, no codes.
function isUnsupported(error: unknown): boolean {
  return error instanceof Error && error.name === 'UnsupportedProtocolError'
}
