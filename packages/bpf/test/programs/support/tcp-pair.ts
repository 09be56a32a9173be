import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Both ends of a connection over the loopback. */
export interface TcpPair extends AsyncDisposable {
  readonly port: number
  readonly client: Socket
  readonly server: Socket
}

export async function openTcpPair(host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<TcpPair> {
  const listener = createServer()
  listener.listen(0, host)
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const accepted = once(listener, 'connection') as Promise<[Socket]>
  const client = connect(port, host)
  const [[server]] = await Promise.all([accepted, once(client, 'connect')])
  // A test may end while segments are still on their way.
  for (const socket of [client, server]) socket.on('error', () => undefined)
  return {
    port,
    client,
    server,
    async [Symbol.asyncDispose]() {
      client.destroy()
      server.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}
