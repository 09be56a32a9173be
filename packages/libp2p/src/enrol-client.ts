import { timingSafeEqual, X509Certificate } from 'node:crypto'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { messageOf, systemClock, X0tError, type Clock } from '@x0t/core'
import { formatAddress, type Address } from './address.ts'
import { encodeEnrolRecord, readEnrolRecord } from './enrol-record.ts'
import { enrolAlpn, enrolClientOptions } from './pinned-tls.ts'

/**
 * How an enrolling node knows the mesh: by the digest of the authority's certificate in its join token, or by a check
 * of the server's chain that throws (`enrolmentPeerOfSocket` of `@x0t/identity`), which needs one connection less and
 * also tells that the server is a member.
 */
export type PinnedAuthority =
  | { readonly sha256: Uint8Array }
  | { readonly verify: (socket: TLSSocket) => unknown }

export interface EnrolmentRequest {
  readonly address: Address
  readonly authority: PinnedAuthority
  readonly request: Uint8Array
  /** Bound for the whole exchange; 10 s where absent. */
  readonly timeoutMs?: number
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

const maxChainLength = 8

/**
 * Sends a request to a member's control port and returns its answer. The node needs no certificate; the server
 * must present a chain that ends in the pinned authority. With a digest two connections are made: the first
 * fetches the authority's certificate and sends nothing, the second lets OpenSSL verify the chain to it.
 * @throws X0tError ENROL_UNREACHABLE, ENROL_AUTHORITY_MISMATCH, ENROL_REFUSED, ENROL_TOO_LARGE
 */
export async function requestEnrolment(options: EnrolmentRequest): Promise<Uint8Array> {
  const clock = options.clock ?? systemClock
  const request = encodeEnrolRecord(options.request)
  const deadline = new AbortController()
  const cancel = clock.setTimer(options.timeoutMs ?? 10_000, () => deadline.abort())
  const signal =
    options.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, options.signal])
  try {
    const socket = await connectVerified(options.address, options.authority, signal)
    try {
      socket.write(request)
      const answer = await readEnrolRecord(socket)
      if (answer.length === 0)
        throw new X0tError('ENROL_REFUSED', `${formatAddress(options.address)} did not answer the request`, {
          hint: 'wait a minute and try again; the reason is in the log of that node',
        })
      return answer
    } finally {
      socket.destroy()
    }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (error instanceof X0tError) throw error
    throw new X0tError('ENROL_UNREACHABLE', `${formatAddress(options.address)}: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    cancel()
  }
}

async function connectVerified(
  address: Address,
  authority: PinnedAuthority,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const ca = 'sha256' in authority ? await fetchAuthority(address, authority.sha256, signal) : undefined
  const socket = await connect(address, ca, signal)
  try {
    if (socket.alpnProtocol !== enrolAlpn) throw mismatch(address, 'it does not speak x0t-enrol/1')
    if ('verify' in authority) authority.verify(socket)
    else if (!socket.authorized) throw mismatch(address, String(socket.authorizationError))
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function fetchAuthority(address: Address, sha256: Uint8Array, signal: AbortSignal): Promise<string> {
  const socket = await connect(address, undefined, signal)
  try {
    let certificate = socket.getPeerX509Certificate()
    for (let length = 0; certificate !== undefined && length < maxChainLength; length++) {
      if (digestEquals(certificate, sha256)) return certificate.toString()
      certificate = certificate.issuerCertificate
    }
    throw mismatch(address, 'no certificate of its chain has the pinned digest')
  } finally {
    socket.destroy()
  }
}

function digestEquals(certificate: X509Certificate, sha256: Uint8Array): boolean {
  const digest = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex')
  return digest.length === sha256.length && timingSafeEqual(digest, sha256)
}

function mismatch(address: Address, detail: string): X0tError {
  return new X0tError(
    'ENROL_AUTHORITY_MISMATCH',
    `${formatAddress(address)} is not of this mesh: ${detail}`,
    {
      hint: 'check that the join token is from this mesh and the address is right',
    },
  )
}

function connect(address: Address, authority: string | undefined, signal: AbortSignal): Promise<TLSSocket> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      ...enrolClientOptions(authority),
      host: address.host,
      port: address.port,
      servername: '',
    })
    const abort = (): void => void socket.destroy(new Error('no answer in time'))
    signal.addEventListener('abort', abort, { once: true })
    socket.once('close', () => {
      signal.removeEventListener('abort', abort)
      reject(new Error('the connection closed during the handshake'))
    })
    socket.on('error', (error) => {
      const isChain =
        authority !== undefined && 'code' in error && /CERT|ISSUER|SIGNATURE/.test(String(error.code))
      reject(isChain ? mismatch(address, messageOf(error)) : error)
    })
    socket.once('secureConnect', () => resolve(socket))
  })
}
