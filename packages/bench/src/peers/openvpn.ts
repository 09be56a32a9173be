import { join } from 'node:path'
import type { ProcessIdentity } from '@x0t/testbed'
import { versionOf, type Tunnel } from '../tunnel.ts'
import { addressChain, chainAddress, chainInterface } from './link-chain.ts'

/** OpenVPN point to point over UDP, one tunnel per link, kernels forward between them. AES-256-GCM, TLS 1.3. */
export const openvpn: Tunnel = {
  name: 'openvpn',
  programs: [
    { program: 'openvpn', package: 'openvpn' },
    { program: 'openssl', package: 'openssl' },
  ],
  setup:
    'openvpn: UDP, AES-256-GCM, tun-mtu 1500 with its mssfix, fast-io, buffers of 1 MiB, user space (no DCO module); ' +
    'over relays one tunnel per link with kernel forwarding',
  mostRelays: 8,
  version: (run) => versionOf(run, ['openvpn', '--version'], 'openvpn'),
  async start(lab) {
    const daemons: ProcessIdentity[] = []
    for (const [link, { a, b }] of lab.links.entries()) {
      const ends = await Promise.all(
        [a, b].map(async (end, side) => {
          const base = join(lab.folder(end.host), chainInterface(link, side as 0 | 1))
          const request = [
            'req',
            '-x509',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:P-256',
            '-nodes',
            '-days',
            '1',
          ]
          const out = ['-subj', `/CN=${end.host}`, '-keyout', `${base}.key`, '-out', `${base}.crt`]
          await lab.bed.run(['openssl', ...request, ...out])
          const look = ['x509', '-in', `${base}.crt`, '-noout', '-fingerprint', '-sha256']
          const { stdout } = await lab.bed.run(['openssl', ...look])
          return { end, base, fingerprint: stdout.trim().split('=')[1]! }
        }),
      )
      for (const side of [0, 1] as const) {
        const own = ends[side]!
        const other = ends[1 - side]!
        const device = chainInterface(link, side)
        const port = String(11_940 + link)
        const words = [
          'openvpn --dev-type tun --proto udp --verb 1 --data-ciphers AES-256-GCM --tun-mtu 1500 --fast-io',
          '--sndbuf 1048576 --rcvbuf 1048576 --txqueuelen 1000 --keepalive 10 60',
          side === 0 ? '--tls-server --dh none' : '--tls-client',
          `--dev ${device} --local ${own.end.ipv4} --lport ${port} --remote ${other.end.ipv4} ${port}`,
          `--ifconfig ${chainAddress(link, side)} ${chainAddress(link, side === 0 ? 1 : 0)}`,
          `--peer-fingerprint ${other.fingerprint}`,
        ].flatMap((line) => line.split(' '))
        const keys = ['--cert', `${own.base}.crt`, '--key', `${own.base}.key`]
        daemons.push(await lab.daemon(own.end.host, device, [...words, ...keys]))
      }
    }
    return { target: await addressChain(lab, { mtuBytes: 1500, addressed: true }), daemons }
  },
}
