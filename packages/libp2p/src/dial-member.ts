import { connect as connectTls, type TLSSocket } from 'node:tls'
import { isIP } from 'node:net'
import { X0tError, messageOf } from '@x0t/core'
import { formatAddress, isOverlayIp, plainIp, type Address } from './address.ts'
import { reasonOfCode, reasonOfError, type CloseReason } from './close-reason.ts'
import { memberClientOptions } from './pinned-tls.ts'
import type { Trust, VerifiedPeer } from './trust.ts'
import { verifyMember } from './verify-member.ts'

/** A failed dial: `CONTROL_DIAL_FAILED` without TCP, `CONTROL_REFUSED` when one side refused the other. */
export class DialError extends X0tError {
  readonly reason: CloseReason | 'unreachable'
  /** Which side refused. */
  readonly by: 'us' | 'peer'
  constructor(reason: CloseReason | 'unreachable', by: 'us' | 'peer', message: string, cause?: unknown) {
    const code = reason === 'unreachable' ? 'CONTROL_DIAL_FAILED' : 'CONTROL_REFUSED'
    super(code, message, cause === undefined ? {} : { cause })
    this.reason = reason
    this.by = by
  }
}

/**
 * Opens a verified connection to a member. It is up only once the server's verdict byte is here: with TLS 1.3 the
 * handshake of a refused client looks successful.
 * @throws DialError
 */
export async function dialMember(
  address: Address,
  trust: Trust,
  signal: AbortSignal,
): Promise<{ socket: TLSSocket; peer: VerifiedPeer; remote: Address }> {
  const where = formatAddress(address)
  if (isOverlayIp(address.host))
    throw new DialError('overlay-address', 'us', `${where} is inside the overlay`)
  signal.throwIfAborted()
  const socket = connectTls({
    ...memberClientOptions(trust),
    host: address.host,
    port: address.port,
    // A name in the ClientHello would tell who is called.
    ...(isIP(address.host) === 0 ? { servername: '' } : {}),
  })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 5_000)
  const abort = (): void =>
    void socket.destroy(new DialError('handshake-timeout', 'us', `${where} did not answer in time`))
  signal.addEventListener('abort', abort, { once: true })
  try {
    await secured(socket, where)
    const remote = {
      host: plainIp(socket.remoteAddress ?? address.host),
      port: socket.remotePort ?? address.port,
    }
    if (isOverlayIp(remote.host))
      throw new DialError('overlay-address', 'us', `${where} is inside the overlay`)
    const verdict = verifyMember(socket, trust)
    if (verdict.kind === 'refused') throw new DialError(verdict.reason, 'us', `${where}: ${verdict.detail}`)
    const answer = reasonOfCode(await firstByte(socket, where))
    if (answer !== 'accepted') throw new DialError(answer, 'peer', `${where} refused this node: ${answer}`)
    return { socket, peer: verdict.peer, remote }
  } catch (error) {
    // The error event of a socket that dies meanwhile must find a listener.
    socket.on('error', () => {})
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function secured(socket: TLSSocket, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let connected = false
    socket.once('connect', () => (connected = true))
    socket.once('secureConnect', resolve)
    socket.once('error', (error) => reject(dialError(error, where, connected)))
    socket.once('close', () =>
      reject(new DialError('closed-early', 'peer', `${where} closed during the handshake`)),
    )
  })
}

function firstByte(socket: TLSSocket, where: string): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => reject(dialError(error, where, true)))
    socket.once('close', () =>
      reject(new DialError('closed-early', 'peer', `${where} closed without a verdict`)),
    )
    socket.once('data', (chunk: Buffer) => {
      socket.pause()
      if (chunk.length > 1) socket.unshift(chunk.subarray(1))
      resolve(chunk[0]!)
    })
  })
}

function dialError(error: Error, where: string, connected: boolean): DialError {
  if (error instanceof DialError) return error
  if (!connected) return new DialError('unreachable', 'peer', `${where}: ${messageOf(error)}`, error)
  const reason = reasonOfError(error, 'handshake-failed')
  const isAlert = 'code' in error && /_ALERT_|ECONNRESET|EPIPE/.test(String(error.code))
  return new DialError(reason, isAlert ? 'peer' : 'us', `${where}: ${messageOf(error)}`, error)
}
