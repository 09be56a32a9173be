import type { ProcessIdentity } from '@x0t/testbed'
import { versionOf, type Tunnel } from '../tunnel.ts'
import { addressChain, chainInterface } from './link-chain.ts'

/** WireGuard in user space, one tunnel per link, kernels forward between them. ChaCha20-Poly1305, MTU 1420. */
export const wireguardGo: Tunnel = {
  name: 'wireguard-go',
  programs: [
    { program: 'wireguard-go', package: 'wireguard-go' },
    { program: 'wg', package: 'wireguard-tools' },
  ],
  setup:
    'wireguard-go: MTU 1420, default queues and workers; over relays one tunnel per link with kernel forwarding',
  mostRelays: 8,
  version: (run) => versionOf(run, ['wireguard-go', '--version'], 'wireguard-go'),
  async start(lab) {
    const daemons: ProcessIdentity[] = []
    for (const [link, { a, b }] of lab.links.entries()) {
      const ends = await Promise.all(
        [a, b].map(async (end) => {
          const { stdout: secret } = await lab.bed.run(['wg', 'genkey'])
          const { stdout: open } = await lab.bed.run(['wg', 'pubkey'], { input: secret })
          return { end, secret, public: open.trim() }
        }),
      )
      for (const side of [0, 1] as const) {
        const own = ends[side]!
        const other = ends[1 - side]!
        const device = chainInterface(link, side)
        const port = 51_820 + link
        // Its control socket lies in /run/wireguard whatever the namespace: a mount namespace of its own keeps
        // several apart and leaves none behind.
        const start = `mount -t tmpfs tmpfs /run && exec wireguard-go --foreground ${device}`
        const daemon = await lab.daemon(own.end.host, device, [
          'unshare',
          '--mount',
          '--propagation',
          'private',
          'sh',
          '-c',
          start,
        ])
        daemons.push(daemon)
        const wg = ['nsenter', `--target=${daemon.pid}`, '--mount', 'wg']
        await lab.until(`control socket of ${device}`, async () => {
          return (await lab.run(own.end.host, [...wg, 'show', device], { allowFailure: true })).exitCode === 0
        })
        const words = [
          'set',
          device,
          'listen-port',
          String(port),
          'private-key',
          '/dev/stdin',
          'peer',
          other.public,
        ]
        const peer = ['endpoint', `${other.end.ipv4}:${port}`, 'allowed-ips', '0.0.0.0/0']
        // wg opens the file by name, and a socket, which Node gives as standard input, cannot be opened: a pipe can.
        const piped = ['sh', '-c', 'cat | "$@"', 'sh', ...wg, ...words, ...peer]
        await lab.run(own.end.host, piped, { input: own.secret })
      }
    }
    return { target: await addressChain(lab, { mtuBytes: 1420 }), daemons }
  },
}
