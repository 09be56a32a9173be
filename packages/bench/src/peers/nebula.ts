import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessIdentity } from '@x0t/testbed'
import { versionOf, type Tunnel } from '../tunnel.ts'

/** Nebula with AES-256-GCM; through one relay with its relay feature, which takes no second one. */
export const nebula: Tunnel = {
  name: 'nebula',
  programs: [
    { program: 'nebula', package: 'nebula' },
    { program: 'nebula-cert', package: 'nebula' },
  ],
  setup:
    'nebula: AES, MTU 1300 (its default), listen batch 64, buffers of 10 MB; its own relay in between, one at most',
  mostRelays: 1,
  version: (run) => versionOf(run, ['nebula', '-version'], 'nebula'),
  async start(lab) {
    const address = (at: number): string => `172.28.0.${at + 1}`
    const base = lab.folder(lab.first)
    const [ca, caKey] = [join(base, 'ca.crt'), join(base, 'ca.key')]
    await lab.bed.run(['nebula-cert', 'ca', '-name', 'bench', '-out-crt', ca, '-out-key', caKey])
    const daemons: ProcessIdentity[] = []
    const middle = lab.hosts.length === 3 ? address(1) : undefined
    for (const [at, host] of lab.hosts.entries()) {
      const folder = lab.folder(host)
      const [crt, key] = [join(folder, 'node.crt'), join(folder, 'node.key')]
      const sign = ['-ca-crt', ca, '-ca-key', caKey, '-name', host, '-ip', `${address(at)}/24`]
      await lab.bed.run(['nebula-cert', 'sign', ...sign, '-out-crt', crt, '-out-key', key])
      const isMiddle = middle === address(at)
      const reach: Record<string, string[]> = {}
      if (at > 0) reach[address(at - 1)] = [`${lab.links[at - 1]!.a.ipv4}:4242`]
      if (at < lab.links.length) reach[address(at + 1)] = [`${lab.links[at]!.b.ipv4}:4242`]
      const any = [{ port: 'any', proto: 'any', host: 'any' }]
      // YAML is a superset of JSON.
      const config = {
        pki: { ca, cert: crt, key },
        static_host_map: reach,
        lighthouse: { am_lighthouse: isMiddle, hosts: middle === undefined || isMiddle ? [] : [middle] },
        listen: { host: '0.0.0.0', port: 4242, batch: 64, read_buffer: 10_000_000, write_buffer: 10_000_000 },
        punchy: { punch: false },
        cipher: 'aes',
        relay: {
          am_relay: isMiddle,
          use_relays: !isMiddle,
          relays: middle === undefined || isMiddle ? [] : [middle],
        },
        tun: { dev: 'nebula0', mtu: 1300, tx_queue: 1000 },
        logging: { level: 'warning', format: 'text' },
        firewall: { outbound: any, inbound: any },
      }
      const path = join(folder, 'nebula.yml')
      await writeFile(path, JSON.stringify(config), { mode: 0o600 })
      daemons.push(await lab.daemon(host, 'nebula', ['nebula', '-config', path]))
    }
    return { target: address(lab.hosts.length - 1), daemons }
  },
}
