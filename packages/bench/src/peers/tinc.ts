import type { ProcessIdentity } from '@x0t/testbed'
import { prepareTinc } from '../overlays/tinc.ts'
import { versionOf, type Tunnel } from '../tunnel.ts'

/** tinc 1.0 in router mode with its default ciphers; it relays through its neighbours by itself. */
export const tinc: Tunnel = {
  name: 'tinc',
  programs: [{ program: 'tincd', package: 'tinc' }],
  setup: 'tinc: router mode, default cipher and digest, RSA 2048, path-MTU discovery on; relays by itself',
  mostRelays: 8,
  version: (run) => versionOf(run, ['tincd', '--version'], 'tinc'),
  async start(lab) {
    const prepared = await prepareTinc(lab)
    const daemons: ProcessIdentity[] = []
    for (const host of lab.hosts) daemons.push(...(await prepared.startHost(host)))
    return { target: prepared.addressOf(lab.last), daemons }
  },
}
