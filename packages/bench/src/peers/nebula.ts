import type { ProcessIdentity } from '@x0t/testbed'
import { prepareNebula } from '../overlays/nebula.ts'
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
    const prepared = await prepareNebula(lab, { relays: lab.hosts.length === 3 ? [lab.hosts[1]!] : [] })
    const daemons: ProcessIdentity[] = []
    for (const host of lab.hosts) daemons.push(...(await prepared.startHost(host)))
    return { target: prepared.addressOf(lab.last), daemons }
  },
}
