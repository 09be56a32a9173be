import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { linksOf } from '@x0t/testbed'
import type { BedTools } from '../bed-tools.ts'
import type { PreparedHosts } from './prepared-hosts.ts'

/** TCP port of the peerings. */
export const yggdrasilPort = 9001

/**
 * Yggdrasil on every host of a bed, TCP peerings along the links. A host calls those of its neighbours that were
 * started before it, when they listen: a peering that is refused is tried again only after a minute. A host that is
 * started again calls all of them.
 */
export async function prepareYggdrasil(tools: BedTools): Promise<PreparedHosts> {
  const { plan } = tools.bed
  const configs = new Map<string, Readonly<Record<string, unknown>>>()
  const addresses = new Map<string, string>()
  const started = new Set<string>()
  const fileOf = (host: string): string => join(tools.folder(host), 'yggdrasil.conf')
  for (const { name: host } of plan.hosts) {
    const { stdout } = await tools.bed.run(['yggdrasil', '-genconf', '-json'])
    configs.set(host, JSON.parse(stdout) as Record<string, unknown>)
    await writeFile(fileOf(host), stdout, { mode: 0o600 })
    const look = await tools.bed.run(['yggdrasil', '-useconffile', fileOf(host), '-address'])
    addresses.set(host, look.stdout.trim())
  }
  return {
    addressOf: (host) => addresses.get(host)!,
    async startHost(host) {
      const peers = linksOf(plan, host)
        .filter(({ other }) => started.has(other.host))
        .map(({ other }) => `tcp://${other.ipv4}:${yggdrasilPort}`)
      const config = { ...configs.get(host)!, ...yggdrasilSettings(peers) }
      await writeFile(fileOf(host), JSON.stringify(config), { mode: 0o600 })
      const daemon = await tools.daemon(host, 'yggdrasil', ['yggdrasil', '-useconffile', fileOf(host)])
      await tools.until(`yggdrasil listening on ${host}`, async () => {
        return (await tools.run(host, ['ss', '-Hltn', `sport = :${yggdrasilPort}`])).stdout !== ''
      })
      started.add(host)
      return [daemon]
    },
  }
}

/** What is set beyond a generated configuration: peers, no discovery, the largest MTU. */
export function yggdrasilSettings(peers: readonly string[]): Readonly<Record<string, unknown>> {
  return {
    Peers: peers,
    Listen: [`tcp://0.0.0.0:${yggdrasilPort}`],
    AdminListen: 'none',
    MulticastInterfaces: [],
    IfName: 'ygg0',
    IfMTU: 65_535,
  }
}
