import type { ProcessIdentity } from '@x0t/testbed'
import type { BedTools } from '../bed-tools.ts'

export interface WireguardKeys {
  readonly secret: string
  readonly public: string
}

/** One end of a tunnel between two hosts. */
export interface WireguardEnd {
  readonly host: string
  readonly device: string
  /** UDP port of both ends. */
  readonly port: number
  readonly keys: WireguardKeys
  readonly peer: { readonly publicKey: string; readonly ipv4: string }
}

/** MTU of the tunnels: 1500 less 80 bytes of headers over IPv6, as wg-quick sets it. */
export const wireguardMtuBytes = 1420

export async function makeWireguardKeys({ bed }: BedTools): Promise<WireguardKeys> {
  const { stdout: secret } = await bed.run(['wg', 'genkey'])
  const { stdout: open } = await bed.run(['wg', 'pubkey'], { input: secret })
  return { secret, public: open.trim() }
}

/** Starts wireguard-go for one end and sets its peer; the interface has no address and is down. */
export async function startWireguard(tools: BedTools, end: WireguardEnd): Promise<ProcessIdentity> {
  const { host, device, port, keys, peer } = end
  // Its control socket lies in /run/wireguard whatever the namespace: a mount namespace of its own keeps several
  // apart and leaves none behind.
  const start = `mount -t tmpfs tmpfs /run && exec wireguard-go --foreground ${device}`
  const unshare = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', start]
  const daemon = await tools.daemon(host, device, unshare)
  const wg = ['nsenter', `--target=${daemon.pid}`, '--mount', 'wg']
  await tools.until(`control socket of ${device}`, async () => {
    return (await tools.run(host, [...wg, 'show', device], { allowFailure: true })).exitCode === 0
  })
  const own = ['set', device, 'listen-port', String(port), 'private-key', '/dev/stdin']
  const other = ['peer', peer.publicKey, 'endpoint', `${peer.ipv4}:${port}`, 'allowed-ips', '0.0.0.0/0,::/0']
  // wg opens the file by name, and a socket, which Node gives as standard input, cannot be opened: a pipe can.
  await tools.run(host, ['sh', '-c', 'cat | "$@"', 'sh', ...wg, ...own, ...other], { input: keys.secret })
  return daemon
}
