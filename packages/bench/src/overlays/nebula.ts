import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { linksOf } from '@x0t/testbed'
import type { BedTools } from '../bed-tools.ts'
import { numberedAddress, type PreparedHosts } from './prepared-hosts.ts'

export interface NebulaOptions {
  /** Hosts that are lighthouse and relay; the others use them. Nebula goes over one relay at most. */
  readonly relays: readonly string[]
  /** Further settings of every host, over those of the same name here. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** Nebula with AES-256-GCM on every host of a bed; hosts know the addresses of their neighbours. */
export async function prepareNebula(
  tools: BedTools,
  { relays, settings = {} }: NebulaOptions,
): Promise<PreparedHosts> {
  const { plan } = tools.bed
  const hosts = plan.hosts.map(({ name }) => name)
  const addressOf = (host: string): string => numberedAddress('172.28', hosts.indexOf(host))
  const fileOf = (host: string, name: string): string => join(tools.folder(host), name)
  const [ca, caKey] = [fileOf(hosts[0]!, 'ca.crt'), fileOf(hosts[0]!, 'ca.key')]
  await tools.bed.run(['nebula-cert', 'ca', '-name', 'bench', '-out-crt', ca, '-out-key', caKey])
  for (const host of hosts) {
    const [crt, key] = [fileOf(host, 'node.crt'), fileOf(host, 'node.key')]
    const sign = ['-ca-crt', ca, '-ca-key', caKey, '-name', host, '-ip', `${addressOf(host)}/16`]
    await tools.bed.run(['nebula-cert', 'sign', ...sign, '-out-crt', crt, '-out-key', key])
    const config = {
      pki: { ca, cert: crt, key },
      ...nebulaConfig({
        neighbours: linksOf(plan, host).map(({ other }) => [addressOf(other.host), other.ipv4] as const),
        relays: relays.map(addressOf),
        isRelay: relays.includes(host),
      }),
      ...settings,
    }
    // YAML is a superset of JSON.
    await writeFile(fileOf(host, 'nebula.yml'), JSON.stringify(config), { mode: 0o600 })
  }
  return {
    addressOf,
    startHost: async (host) => [
      await tools.daemon(host, 'nebula', ['nebula', '-config', fileOf(host, 'nebula.yml')]),
    ],
  }
}

/**
 * Configuration of a host without its keys.
 * @param neighbours address in the overlay and address on the link of each
 */
export function nebulaConfig({
  neighbours,
  relays,
  isRelay,
}: {
  readonly neighbours: readonly (readonly [string, string])[]
  readonly relays: readonly string[]
  readonly isRelay: boolean
}): Readonly<Record<string, unknown>> {
  const any = [{ port: 'any', proto: 'any', host: 'any' }]
  const others = isRelay ? [] : relays
  return {
    static_host_map: Object.fromEntries(neighbours.map(([own, link]) => [own, [`${link}:4242`]])),
    lighthouse: { am_lighthouse: isRelay, hosts: others },
    listen: { host: '0.0.0.0', port: 4242, batch: 64, read_buffer: 10_000_000, write_buffer: 10_000_000 },
    punchy: { punch: false },
    cipher: 'aes',
    relay: { am_relay: isRelay, use_relays: !isRelay, relays: others },
    tun: { dev: 'nebula0', mtu: 1300, tx_queue: 1000 },
    logging: { level: 'warning', format: 'text' },
    firewall: { outbound: any, inbound: any },
  }
}
