import type { TLSSocket } from 'node:tls'
import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'

/** What libp2p sees of a verified TLS connection: a byte stream with backpressure. */
export class TlsConnection extends AbstractMultiaddrConnection {
  readonly #socket: TLSSocket

  constructor(
    socket: TLSSocket,
    init: { remoteAddr: Multiaddr; direction: MessageStreamDirection; log: Logger },
  ) {
    super(init)
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.onData(chunk))
    socket.on('drain', () => this.safeDispatchEvent('drain'))
    socket.on('error', (error) => this.abort(error))
    socket.once('end', () => this.onTransportClosed())
    socket.once('close', () => this.onTransportClosed())
    socket.resume()
  }

  override sendData(data: Iterable<Uint8Array> & { readonly byteLength: number }): SendResult {
    let canSendMore = true
    this.#socket.cork()
    for (const chunk of data) canSendMore = this.#socket.write(chunk)
    this.#socket.uncork()
    return { sentBytes: data.byteLength, canSendMore }
  }

  override async sendClose(options?: AbortOptions): Promise<void> {
    if (this.#socket.destroyed) return
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
      options?.signal?.addEventListener('abort', () => this.#socket.destroy(), { once: true })
      this.#socket.destroySoon()
    })
  }

  override sendReset(): void {
    this.#socket.destroy()
  }

  override sendPause(): void {
    this.#socket.pause()
  }

  override sendResume(): void {
    this.#socket.resume()
  }
}
