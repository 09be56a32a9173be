import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessIdentity } from '@x0t/testbed'
import { versionOf, type Tunnel } from '../tunnel.ts'
import { addressChain, chainInterface } from './link-chain.ts'

/** fastd, one tunnel per link, kernels forward between them. Salsa20/12 with UMAC, its recommended method. */
export const fastd: Tunnel = {
  name: 'fastd',
  programs: [{ program: 'fastd', package: 'fastd' }],
  setup:
    'fastd: method salsa2012+umac, MTU 1406, mode tun; over relays one tunnel per link with kernel forwarding',
  mostRelays: 8,
  version: (run) => versionOf(run, ['fastd', '--version'], 'fastd'),
  async start(lab) {
    const daemons: ProcessIdentity[] = []
    for (const [link, { a, b }] of lab.links.entries()) {
      const ends = await Promise.all(
        [a, b].map(async (end) => {
          const { stdout } = await lab.bed.run(['fastd', '--generate-key'])
          const key = (name: string): string => new RegExp(`^${name}: ([0-9a-f]{64})$`, 'm').exec(stdout)![1]!
          return { end, secret: key('Secret'), public: key('Public') }
        }),
      )
      for (const side of [0, 1] as const) {
        const own = ends[side]!
        const other = ends[1 - side]!
        const device = chainInterface(link, side)
        const port = 10_000 + link
        const config = [
          'log level warn;',
          'mode tun;',
          'mtu 1406;',
          'method "salsa2012+umac";',
          `interface "${device}";`,
          `secret "${own.secret}";`,
          `bind ${own.end.ipv4}:${port};`,
          // One side calls. Its handshake still came 20 s late in some runs; only first-ping shows that.
          `peer "other" { key "${other.public}"; ${side === 0 ? '' : `remote ${other.end.ipv4}:${port};`} }`,
        ]
        const path = join(lab.folder(own.end.host), `${device}.conf`)
        await writeFile(path, `${config.join('\n')}\n`, { mode: 0o600 })
        daemons.push(await lab.daemon(own.end.host, device, ['fastd', '--config', path]))
      }
    }
    return { target: await addressChain(lab, { mtuBytes: 1406 }), daemons }
  },
}
