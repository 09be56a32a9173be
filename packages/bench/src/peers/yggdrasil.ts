import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessIdentity } from '@x0t/testbed'
import { versionOf, type Tunnel } from '../tunnel.ts'

const port = 9001

/** Yggdrasil over TCP peerings, its own routing in between, at the largest MTU it offers. */
export const yggdrasil: Tunnel = {
  name: 'yggdrasil',
  programs: [{ program: 'yggdrasil', package: 'yggdrasil' }],
  setup: 'yggdrasil: TCP peerings along the chain, IfMTU 65535 (its default), no multicast; relays by itself',
  mostRelays: 8,
  version: (run) => versionOf(run, ['yggdrasil', '-version'], 'yggdrasil'),
  async start(lab) {
    const daemons: ProcessIdentity[] = []
    let target = ''
    // From the far end, and each only once its predecessor listens: a refused peering is retried after a minute.
    for (const at of lab.hosts.keys().toArray().toReversed()) {
      const host = lab.hosts[at]!
      const { stdout } = await lab.bed.run(['yggdrasil', '-genconf', '-json'])
      const link = lab.links[at]
      const config = {
        ...(JSON.parse(stdout) as Record<string, unknown>),
        Peers: link === undefined ? [] : [`tcp://${link.b.ipv4}:${port}`],
        Listen: [`tcp://0.0.0.0:${port}`],
        AdminListen: 'none',
        MulticastInterfaces: [],
        IfName: 'ygg0',
        IfMTU: 65_535,
      }
      const path = join(lab.folder(host), 'yggdrasil.conf')
      await writeFile(path, JSON.stringify(config), { mode: 0o600 })
      daemons.push(await lab.daemon(host, 'yggdrasil', ['yggdrasil', '-useconffile', path]))
      await lab.until(`yggdrasil listening on ${host}`, async () => {
        return (await lab.run(host, ['ss', '-Hltn', `sport = :${port}`])).stdout !== ''
      })
      if (host === lab.last) {
        target = (await lab.bed.run(['yggdrasil', '-useconffile', path, '-address'])).stdout.trim()
      }
    }
    return { target, daemons }
  },
}
