import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { messageOf, X0tError, type Clock, type NodeId } from '@x0t/core'
import { chooseSuite } from './choose-suite.ts'
import { encodeHandshakeMessage, type HandshakeMessage } from './handshake-message.ts'
import { deriveKeys, type HandshakeEnds } from './key-schedule.ts'
import { createRecordReader } from './record-reader.ts'
import { createReliableStream } from './reliable-stream.ts'
import type { Role, SecurityAssociation, Suite } from './security-association.ts'
import { encodeSessionRecord, type Generation, type SessionRecord } from './session-record.ts'
import { openTlsChannel, type SessionTls } from './tls-channel.ts'

/** Most bytes that one side may receive in one handshake; an honest one needs 20 KiB. */
const maxReceivedBytes = 128 * 1024
/** Longest handshake, in multiples of the longest silence. */
const longestFactor = 3

export type NewAssociation = Omit<SecurityAssociation, 'createdAtMs' | 'renewAtMs' | 'expiresAtMs'>

export interface HandshakeOptions {
  readonly id: string
  readonly role: Role
  readonly self: NodeId
  readonly peer: NodeId
  /** SPI under which we shall receive. */
  readonly localSpi: number
  readonly suites: readonly Suite[]
  readonly tls: SessionTls
  readonly clock: Clock
  /** Longest silence; a handshake takes three times as long at most. */
  readonly timeoutMs: number
  readonly send: (message: Uint8Array<ArrayBuffer>) => void
  /** The next generation with this peer; asked only of the side with the lower id. */
  nextGeneration(): Generation
  readonly on: HandshakeEvents
}

export interface HandshakeEvents {
  /** The keys exist: start to receive. The peer is told so only after the promise is kept. */
  keys(sa: NewAssociation): void | Promise<void>
  /** The peer receives: switch sending. */
  confirmed(generation: Generation): void
  failed(error: X0tError): void
  /** Nothing is sent any more. `delivered`: the peer has all that we said. */
  closed(delivered: boolean): void
}

/** One handshake with one peer, over messages. It ends with `closed`, and before that with `confirmed` or `failed`. */
export interface Handshake {
  readonly id: string
  readonly role: Role
  readonly peer: NodeId
  readonly localSpi: number
  /** When the peer last said something, or it began. */
  readonly heardAtMs: number
  receive(message: HandshakeMessage): void
  /** Sends again, at once, what has not arrived: the path has changed. */
  repeat(): void
  /** Ends it at once and without events. */
  cancel(): void
}

export function startHandshake(options: HandshakeOptions): Handshake {
  const { id, role, peer, clock, timeoutMs, send, on } = options
  const startedAtMs = clock.monotonicMs()
  let heardAtMs = startedAtMs
  let settled = false
  let closed = false
  let receivedBytes = 0
  let socket: TLSSocket | undefined

  const stream = createReliableStream({
    clock,
    send: (segment) => send(encodeHandshakeMessage({ handshakeId: id, sender: role, ...segment })),
    deliver(payload) {
      receivedBytes += payload.length
      if (!settled) expireLater()
      if (receivedBytes <= maxReceivedBytes) wire.push(payload)
      else fail(new X0tError('SESSION_TOO_LARGE', `the peer sent more than ${maxReceivedBytes} bytes`))
    },
    // The responder stays, to acknowledge again what the initiator repeats.
    drained: () => void (settled && role === 'initiator' && close()),
    ended() {
      if (!settled) wire.push(null)
      // It failed over there after it was confirmed here.
      else if (role === 'initiator') close()
    },
  })
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      try {
        stream.write(chunk)
        done()
      } catch (error) {
        done(error as Error)
      }
    },
  })
  wire.on('error', () => {}) // TLS reports it
  // A server that refuses a certificate ends without an alert.
  wire.once('close', () => stream.end())

  const close = (): void => {
    if (closed) return
    closed = true
    const delivered = stream.isDrained
    cancelTimer()
    stream.close()
    socket?.destroy()
    wire.destroy()
    on.closed(delivered)
  }
  /** From here on the handshake only repeats and acknowledges what was said. */
  const settle = (): void => {
    settled = true
    cancelTimer()
    cancelTimer = clock.setTimer(timeoutMs, close)
  }
  const fail = (error: X0tError): void => {
    if (settled || closed) return
    settle()
    // The peer learns it by an alert or the end of TLS, and may not believe that what it says then has any effect.
    if (socket === undefined) stream.end()
    else socket.end(() => stream.end())
    on.failed(error)
  }
  let cancelTimer = (): void => {}
  /** Who makes progress on a busy machine is waited for longer: to begin anew would cost both sides all of it again. */
  const expireLater = (): void => {
    cancelTimer()
    const leftMs = startedAtMs + longestFactor * timeoutMs - clock.monotonicMs()
    cancelTimer = clock.setTimer(Math.max(0, Math.min(timeoutMs, leftMs)), () =>
      fail(new X0tError('SESSION_TIMEOUT', `no session, and nothing heard for ${timeoutMs} ms`)),
    )
  }
  expireLater()

  const install = async (sa: NewAssociation): Promise<void> => {
    if (settled || closed) throw new X0tError('SESSION_CANCELLED', 'the handshake was given up')
    await on.keys(sa)
  }

  const run = async (): Promise<void> => {
    socket = await openTlsChannel(role, wire, options.tls)
    const verified = options.tls.verifyPeer(socket)
    if (verified !== peer) throw new X0tError('SESSION_PEER_MISMATCH', `${verified} answered for ${peer}`)
    const generation = await agree(options, socket, install)
    if (settled || closed) return
    settle()
    on.confirmed(generation)
    if (role === 'initiator' && stream.isDrained) close()
  }
  run().catch((error: unknown) => fail(asX0tError(error)))

  return {
    id,
    role,
    peer,
    localSpi: options.localSpi,
    get heardAtMs() {
      return heardAtMs
    },
    receive(message) {
      heardAtMs = clock.monotonicMs()
      stream.receive(message)
    },
    repeat: () => stream.repeat(),
    cancel() {
      settled = true
      closed = true
      cancelTimer()
      stream.close()
      socket?.destroy()
      wire.destroy()
    },
  }
}

/** Offer, accept, confirm. Resolves once the peer is known to receive. */
async function agree(
  options: HandshakeOptions,
  socket: TLSSocket,
  install: (sa: NewAssociation) => Promise<void>,
): Promise<Generation> {
  const { role, self, peer, localSpi, suites } = options
  const numbers = self < peer
  const records = readRecords(socket)
  if (role === 'initiator') {
    await write(socket, { kind: 'offer', spi: localSpi, suites })
    const accept = await expectRecord(records, 'accept')
    if (!suites.includes(accept.suite)) throw unexpected('an accepted suite that was not offered')
    await install(associate(options, socket, accept.spi, accept.suite))
    const generation = numbers ? options.nextGeneration() : accept.generation
    if (generation === undefined) throw unexpected('an acceptance without a generation')
    await write(socket, { kind: 'confirm', ...(numbers ? { generation } : {}) })
    return generation
  }
  const offer = await expectRecord(records, 'offer')
  const suite = chooseSuite(suites, offer.suites)
  await install(associate(options, socket, offer.spi, suite))
  const ours = numbers ? options.nextGeneration() : undefined
  await write(socket, {
    kind: 'accept',
    spi: localSpi,
    suite,
    ...(ours === undefined ? {} : { generation: ours }),
  })
  const confirm = await expectRecord(records, 'confirm')
  const generation = ours ?? confirm.generation
  if (generation === undefined) throw unexpected('a confirmation without a generation')
  return generation
}

function associate(
  { role, self, peer, localSpi }: HandshakeOptions,
  socket: TLSSocket,
  remoteSpi: number,
  suite: Suite,
): NewAssociation {
  const ends: HandshakeEnds =
    role === 'initiator'
      ? { initiator: self, responder: peer, initiatorSpi: localSpi, responderSpi: remoteSpi }
      : { initiator: peer, responder: self, initiatorSpi: remoteSpi, responderSpi: localSpi }
  const keys = deriveKeys(role, ends, (length, label, context) =>
    socket.exportKeyingMaterial(length, label, context),
  )
  return { peer, role, suite, localSpi, remoteSpi, ...keys }
}

async function* readRecords(socket: TLSSocket): AsyncGenerator<SessionRecord> {
  const reader = createRecordReader()
  for await (const chunk of socket) yield* reader.push(chunk as Buffer)
}

async function expectRecord<Kind extends SessionRecord['kind']>(
  records: AsyncGenerator<SessionRecord>,
  kind: Kind,
): Promise<SessionRecord & { readonly kind: Kind }> {
  const { value, done } = await records.next()
  if (done === true) throw new X0tError('SESSION_REFUSED', 'the peer ended the handshake')
  if (value.kind !== kind) throw unexpected(`a record ${value.kind} in place of ${kind}`)
  return value as SessionRecord & { readonly kind: Kind }
}

function write(socket: TLSSocket, record: SessionRecord): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(encodeSessionRecord(record), (error) => (error ? reject(error) : resolve()))
  })
}

function unexpected(what: string): X0tError {
  return new X0tError('SESSION_RECORD_INVALID', `the peer sent ${what}`)
}

function asX0tError(error: unknown): X0tError {
  if (error instanceof X0tError) return error
  return new X0tError('SESSION_REFUSED', `the handshake broke: ${messageOf(error)}`, { cause: error })
}
