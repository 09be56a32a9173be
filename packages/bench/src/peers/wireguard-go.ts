import type { ProcessIdentity } from '@x0t/testbed'
import { makeWireguardKeys, startWireguard, wireguardMtuBytes } from '../overlays/wireguard.ts'
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
      const keys = [await makeWireguardKeys(lab), await makeWireguardKeys(lab)] as const
      for (const side of [0, 1] as const) {
        const [own, other] = side === 0 ? [a, b] : [b, a]
        daemons.push(
          await startWireguard(lab, {
            host: own.host,
            device: chainInterface(link, side),
            port: 51_820 + link,
            keys: keys[side],
            peer: { publicKey: keys[side === 0 ? 1 : 0].public, ipv4: other.ipv4 },
          }),
        )
      }
    }
    return { target: await addressChain(lab, { mtuBytes: wireguardMtuBytes }), daemons }
  },
}
