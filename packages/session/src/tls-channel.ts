import { constants } from 'node:crypto'
import type { Duplex } from 'node:stream'
import {
  connect,
  createSecureContext,
  createServer,
  type ConnectionOptions,
  type TlsOptions,
  type TLSSocket,
} from 'node:tls'
import { messageOf, perObject, X0tError, type NodeId } from '@x0t/core'
import type { Role } from './security-association.ts'

/** What a node is and whom it believes, for TLS. */
export interface SessionTls {
  /**
   * Options of both sides with key, SVID chain and trust bundle as they are now; asked anew for each handshake. The same
   * objects while those are the same: what is made of the client's is kept with them.
   */
  profile(): { readonly client: ConnectionOptions; readonly server: TlsOptions }
  /** Node id of the other end of an established connection. Throws unless its SVID proves it. */
  verifyPeer(socket: TLSSocket): NodeId
}

/** Name of this protocol in TLS, so that its handshake cannot stand for one of the control plane. */
const alpn = 'x0t-session/1'
const group = 'X25519MLKEM768'

/** The TLS profile of ARCHITECTURE.md; it overrides whatever the options say. */
const profile = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ecdhCurve: group,
  sigalgs: 'mldsa65',
  ALPNProtocols: [alpn],
  requestCert: true,
  rejectUnauthorized: true,
} as const

const clientContext = perObject((options: ConnectionOptions) =>
  createSecureContext({ ...options, ...profile }),
)

/**
 * TLS 1.3 over `wire`, with certificates on both sides and no way to resume.
 * @returns the connection after its handshake; the caller has to verify who the peer is
 * @throws X0tError SESSION_REFUSED, and what `checkServerIdentity` of the profile returns
 */
export async function openTlsChannel(role: Role, wire: Duplex, tls: SessionTls): Promise<TLSSocket> {
  try {
    const socket = role === 'initiator' ? await initiate(wire, tls) : await respond(wire, tls)
    if (socket.getProtocol() !== 'TLSv1.3' || socket.alpnProtocol !== alpn)
      throw new Error(`the peer speaks ${String(socket.getProtocol())} and ${String(socket.alpnProtocol)}`)
    return socket
  } catch (cause) {
    // What the caller's own check of the certificate found says more than that TLS ended.
    if (cause instanceof X0tError) throw cause
    throw new X0tError('SESSION_REFUSED', `TLS with the peer failed: ${messageOf(cause)}`, { cause })
  }
}

async function initiate(wire: Duplex, tls: SessionTls): Promise<TLSSocket> {
  const options = tls.profile().client
  // The default check wants a host name in the certificate; who the peer is, verifyPeer decides.
  const checkServerIdentity = options.checkServerIdentity ?? ((): undefined => undefined)
  const secureContext = clientContext(options)
  const socket = connect({ ...options, ...profile, secureContext, checkServerIdentity, socket: wire })
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('the connection ended')))
    socket.once('secureConnect', resolve)
  })
  // Only the client can see the group; the server has it from its configuration alone.
  const { name } = socket.getEphemeralKeyInfo() as { name?: string }
  if (name === group) return socket
  socket.destroy()
  throw new Error(`the key agreement is ${String(name)}, not ${group}`)
}

async function respond(wire: Duplex, tls: SessionTls): Promise<TLSSocket> {
  const options = tls.profile().server
  const secureOptions = (options.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET
  // A server that listens nowhere: a TLSSocket made by hand does not judge the client's certificate.
  const server = createServer({ ...options, ...profile, secureOptions })
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    server.once('secureConnection', resolve)
    server.once('tlsClientError', reject)
    wire.once('close', () => reject(new Error('the connection ended')))
    server.emit('connection', wire)
  })
  socket.on('error', () => {}) // its reader sees the same error
  return socket
}
