import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { messageOf, X0tError, type Clock } from '@x0t/core'
import { formatAddress, isOverlayIp, plainIp, type Address } from './address.ts'
import { codeOfReason, reasonOfError, type CloseReason } from './close-reason.ts'
import { HalfOpen } from './half-open.ts'
import type { ControlPlaneLimits } from './limits.ts'
import { enrolAlpn, memberAlpn, serverOptions } from './pinned-tls.ts'
import type { ReportRefusal } from './refusal.ts'
import { TokenBuckets, rateKey } from './token-bucket.ts'
import type { Trust, VerifiedPeer } from './trust.ts'
import { verifyMember } from './verify-member.ts'

export interface ControlPortOptions {
  readonly address: Address
  readonly trust: Trust
  readonly limits: ControlPlaneLimits
  readonly clock: Clock
  readonly refuse: ReportRefusal
  /** Whether a verified member may come in; a reason refuses it. */
  readonly admit: (peer: VerifiedPeer) => CloseReason | undefined
  readonly onMember: (socket: TLSSocket, peer: VerifiedPeer, remote: Address) => void
  readonly onEnrol: (socket: TLSSocket, remoteIp: string) => void
}

export interface ControlPort {
  /** The bound address, with the real port. */
  readonly address: Address
  /** New credentials for new handshakes; live connections stay. */
  rotate(): void
  close(): Promise<void>
}

/**
 * Listens on one TCP port for members and enrolments, told apart by ALPN.
 * @throws X0tError CONTROL_LISTEN_FAILED
 */
export async function openControlPort(options: ControlPortOptions): Promise<ControlPort> {
  const { trust, limits, clock, refuse } = options
  const sockets = new Set<Socket>()
  const halfOpen = new HalfOpen(
    { perAddress: limits.halfOpenPerAddress, total: limits.halfOpen, timeoutMs: limits.handshakeTimeoutMs },
    clock,
  )
  const handshakes = new TokenBuckets(limits.handshakesPerAddress, clock)
  // Does not listen itself: gets the connections that pass the bounds below.
  const tls = createTlsServer({ ...serverOptions(trust), handshakeTimeout: limits.handshakeTimeoutMs * 2 })

  const turnAway = (raw: Socket, reason: CloseReason, ip: string): void => {
    refuse({ reason, direction: 'inbound', address: ip })
    raw.destroy()
  }

  const tcp = createTcpServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 5_000 }, (raw) => {
    raw.on('error', () => raw.destroy())
    const ip = plainIp(raw.remoteAddress ?? '')
    // Closed again before it got here.
    if (ip === '') return void raw.destroy()
    if (isOverlayIp(ip)) return turnAway(raw, 'overlay-address', ip)
    if (!handshakes.take(rateKey(ip))) return turnAway(raw, 'rate-limited', ip)
    const watched = halfOpen.enter(raw, ip, {
      timeout: () => turnAway(raw, 'handshake-timeout', ip),
      closed: () => refuse({ reason: 'closed-early', direction: 'inbound', address: ip }),
    })
    if (!watched) return turnAway(raw, 'half-open-limit', ip)
    sockets.add(raw)
    raw.once('close', () => sockets.delete(raw))
    tls.emit('connection', raw)
  })

  tls.on('tlsClientError', (error, socket) => {
    const ip = plainIp(socket.remoteAddress ?? '')
    // Not watched any more: it was turned away or has closed, and this is the echo of it.
    if (!halfOpen.leave(socket)) return
    const reason = reasonOfError(error, 'handshake-failed')
    refuse({ reason, direction: 'inbound', address: ip, detail: messageOf(error) })
    socket.destroy()
  })

  tls.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy())
    const remote = { host: plainIp(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    if (!halfOpen.leave(socket) || remote.host === '') return void socket.destroy()
    if (socket.alpnProtocol === enrolAlpn) return options.onEnrol(socket, remote.host)
    if (socket.alpnProtocol !== memberAlpn) {
      refuse({ reason: 'wrong-alpn', direction: 'inbound', address: formatAddress(remote) })
      return void socket.destroy()
    }
    const verdict = verifyMember(socket, trust)
    const reason = verdict.kind === 'refused' ? verdict.reason : options.admit(verdict.peer)
    if (verdict.kind === 'refused' || reason !== undefined) {
      refuse({
        reason: reason ?? 'other',
        direction: 'inbound',
        address: formatAddress(remote),
        ...(verdict.kind === 'member' ? { nodeId: verdict.peer.nodeId } : { detail: verdict.detail }),
      })
      socket.end(Uint8Array.of(codeOfReason(reason ?? 'other')))
      clock.setTimer(1_000, () => socket.destroy())
      return
    }
    // In TLS 1.3 the client cannot know otherwise that its certificate was taken.
    socket.write(Uint8Array.of(codeOfReason('accepted')))
    options.onMember(socket, verdict.peer, remote)
  })

  await listen(tcp, options.address)
  const { port } = tcp.address() as AddressInfo
  return {
    address: { host: options.address.host, port },
    rotate() {
      tls.setSecureContext(serverOptions(trust))
    },
    async close() {
      const closed = new Promise<void>((resolve) => void tcp.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function listen(server: ReturnType<typeof createTcpServer>, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new X0tError(
          'CONTROL_LISTEN_FAILED',
          `cannot listen on ${formatAddress(address)}: ${cause.message}`,
          {
            cause,
            hint: 'choose another address or port with --listen',
          },
        ),
      )
    })
    server.listen({ host: address.host, port: address.port, ipv6Only: address.host === '::' }, resolve)
  })
}
